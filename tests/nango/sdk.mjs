// Drives a server with the official SDK: what is published there must work here.
//
// STRATA_ENDPOINT, STRATA_KEY and STRATA_STANDIN (the port of what answers for GitHub) come from the
// environment. The functions are deployed with plain HTTP, as the SDK does not deploy.
import { Nango } from '@nangohq/node';
import assert from 'node:assert/strict';
import test from 'node:test';

const { STRATA_ENDPOINT: host, STRATA_KEY: secretKey, STRATA_STANDIN: standin } = process.env;
const nango = new Nango({ host, secretKey });
const key = 'github-sdk';
const id = 'sdk-1';

const action = `import { createAction } from 'nango';
import { z } from 'zod';
export default createAction({ description: 'x', input: z.any(), output: z.any(), exec: async (nango, input) => {
    if (input.fail) { throw new nango.ActionError({ failed: input.fail }); }
    return { got: input, data: (await nango.get({ endpoint: '/things', params: { page: 1 } })).data };
} });
`;
const sync = `import { createSync } from 'nango';
import { z } from 'zod';
export default createSync({ description: 'x', frequency: 'every day', models: { Thing: z.object({ id: z.string(), n: z.number() }) }, exec: async (nango) => {
    await nango.batchSave([1, 2, 3].map((n) => ({ id: 't' + n, n })), 'Thing');
} });
`;

async function until(what, ask) {
    for (let left = 600; left > 0; left--) {
        const answer = await ask();
        if (answer) {
            return answer;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${what} takes too long`);
}

async function deploy(type, name, code) {
    const headers = { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ type: 'function', integration_id: key, function_type: type, function_name: name, code });
    const made = await fetch(`${host}/functions/deployments`, { method: 'POST', headers, body });
    assert.equal(made.status, 202);
    const { id } = await made.json();
    const ended = await until(name, async () => {
        const row = await (await fetch(`${host}/functions/deployments/${id}`, { headers })).json();
        return ['success', 'failed'].includes(row.status) && row;
    });
    assert.equal(ended.status, 'success', JSON.stringify(ended));
}

const refused = (status, code) => (error) => {
    assert.equal(error.response?.status, status, error.message);
    assert.equal(error.response.data.error.code, code);
    return true;
};

test('integrations', async () => {
    const credentials = { type: 'OAUTH2', client_id: 'client', client_secret: 'secret', scopes: 'repo' };
    const made = await nango.createIntegration({ provider: 'github', unique_key: key, display_name: 'Ours', credentials });
    assert.equal(made.data.unique_key, key);
    const { configs } = await nango.listIntegrations();
    assert.deepEqual(configs.map((one) => one.unique_key), [key]);
    await nango.updateIntegration({ uniqueKey: key }, { display_name: 'Theirs' });
    // Of several names it sends the last one only.
    const got = await nango.getIntegration({ uniqueKey: key }, { include: ['credentials'] });
    assert.equal(got.data.display_name, 'Theirs');
    assert.equal(got.data.credentials.client_secret, 'secret');
    const hook = await nango.getIntegration({ uniqueKey: key }, { include: ['webhook'] });
    assert.match(hook.data.webhook_url, /^http/);
    await assert.rejects(nango.getIntegration({ uniqueKey: 'nobody' }), refused(404, 'not_found'));
    assert.equal((await nango.getProvider({ provider: 'github' })).data.auth_mode, 'OAUTH2');
    assert.ok((await nango.listProviders({})).data.length > 10);
    assert.ok((await nango.getProviderTemplates({ provider: 'github' })).data.length > 0);
});

test('connections', async () => {
    const headers = { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' };
    const body = { provider_config_key: key, connection_id: id, credentials: { type: 'OAUTH2', access_token: 'token' }, connection_config: { standin }, tags: { team: 'one' } };
    const made = await fetch(`${host}/connections`, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(made.status, 200);
    const got = await nango.getConnection(key, id);
    assert.equal(got.credentials.access_token, 'token');
    assert.equal(await nango.getToken(key, id), 'token');
    const { connections } = await nango.listConnections();
    assert.deepEqual(connections.map((one) => one.connection_id), [id]);
    const some = await nango.listConnections({ connectionId: 'nobody' });
    assert.deepEqual(some.connections, []);
    await nango.setMetadata(key, id, { a: 1, b: { c: 2 } });
    await nango.updateMetadata(key, [id], { b: 3 });
    assert.deepEqual(await nango.getMetadata(key, id), { a: 1, b: 3 });
    await assert.rejects(nango.getConnection(key, 'nobody'), refused(404, 'not_found'));
});

test('actions', async () => {
    await deploy('action', 'one', action);
    const output = await nango.triggerAction(key, id, 'one', { x: 1 });
    assert.deepEqual(output, { got: { x: 1 }, data: {} });
    await assert.rejects(nango.triggerAction(key, id, 'one', { fail: 'yes' }), (error) => {
        refused(500, 'action_script_runtime_error')(error);
        assert.deepEqual(error.response.data.error.payload, { failed: 'yes' });
        return true;
    });
    await assert.rejects(nango.triggerAction(key, id, 'two'), refused(404, 'not_found'));
    const later = await nango.triggerActionAsync(key, id, 'one', { x: 2 });
    assert.ok(later.id && later.statusUrl);
    const result = await until('an action', async () => {
        try {
            return await nango.getAsyncActionResult({ statusUrl: later.statusUrl });
        } catch (error) {
            return refused(404, 'not_found')(error) && undefined;
        }
    });
    assert.deepEqual(result.got, { x: 2 });
    assert.equal((await nango.listFunctions({ uniqueKey: key }, { type: 'action' })).pagination.total, 1);
    assert.equal((await nango.getFunctionCode({ uniqueKey: key, name: 'one' })).code, action);
    const scripts = await nango.getScriptsConfig();
    assert.deepEqual(scripts.map((one) => one.actions.map((one) => one.name)), [['one']]);
});

test('proxy', async () => {
    for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
        const answer = await nango[method]({ endpoint: `/things/${method}`, providerConfigKey: key, connectionId: id, params: { a: 'b c' }, headers: { 'X-Own': method }, retries: 1, ...(method === 'get' ? {} : { data: { method } }) });
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.data, {});
    }
    const answer = await nango.proxy({ method: 'GET', endpoint: 'plain', providerConfigKey: key, connectionId: id, baseUrlOverride: `http://127.0.0.1:${standin}/base` });
    assert.equal(answer.status, 200);
});

test('syncs and records', async () => {
    await deploy('sync', 'things', sync);
    await nango.triggerSync(key, ['things'], id);
    const done = await until('a run', async () => {
        const { syncs } = await nango.syncStatus(key, ['things'], id);
        return syncs[0]?.finishedAt && syncs[0];
    });
    assert.equal(done.latestResult.Thing.added, 3);
    const first = await nango.listRecords({ providerConfigKey: key, connectionId: id, model: 'Thing', limit: 2 });
    assert.deepEqual(first.records.map((one) => one.n), [1, 2]);
    const rest = await nango.listRecords({ providerConfigKey: key, connectionId: id, model: 'Thing', limit: 2, cursor: first.next_cursor });
    assert.deepEqual(rest.records.map((one) => one.n), [3]);
    assert.equal(rest.next_cursor, null);
    const some = await nango.listRecords({ providerConfigKey: key, connectionId: id, model: 'Thing', ids: ['t1', 't3'] });
    assert.deepEqual(some.records.map((one) => one.id), ['t1', 't3']);
    await nango.startSync(key, ['things'], id);
    assert.notEqual((await nango.syncStatus(key, '*', id)).syncs[0].status, 'PAUSED');
    await nango.pauseSync(key, ['things']);
    assert.equal((await nango.syncStatus(key, '*', id)).syncs[0].status, 'PAUSED');
    const changed = await nango.updateSyncConnectionFrequency(key, 'things', id, 'every 5 minutes');
    assert.equal(changed.frequency, 'every 5 minutes');
    await nango.createSyncVariant({ provider_config_key: key, connection_id: id, name: 'things', variant: 'eu' });
    await nango.triggerSync(key, [{ name: 'things', variant: 'eu' }], id, { reset: true });
    await until('a variant', async () => (await nango.syncStatus(key, [{ name: 'things', variant: 'eu' }], id)).syncs[0]?.finishedAt);
    await nango.deleteSyncVariant({ provider_config_key: key, connection_id: id, name: 'things', variant: 'eu' });
    const pruned = await nango.pruneRecords({ providerConfigKey: key, connectionId: id, model: 'Thing', untilCursor: first.next_cursor });
    assert.deepEqual(pruned, { count: 2, has_more: false });
    assert.deepEqual(await nango.getEnvironmentVariables(), []);
});

test('the end', async () => {
    await nango.deleteFunction({ uniqueKey: key, name: 'one' }, { type: 'action' });
    await nango.deleteConnection(key, id);
    await assert.rejects(nango.getConnection(key, id), refused(404, 'not_found'));
    await nango.deleteIntegration(key);
    assert.deepEqual((await nango.listIntegrations()).configs, []);
});
