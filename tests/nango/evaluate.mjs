// Evaluates bundles as Node evaluates CommonJS and says what they are.
//
// Standard input: [{"code": …, "run"?: {"input": …}}]. Standard output: for each bundle what its
// module exports and, with `run`, what `exec` returned. `nango` is an object without members.
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const require = createRequire(import.meta.url);

const told = [];
for (const { code, run } of JSON.parse(await text(process.stdin))) {
    const asked = [];
    const module = { exports: {} };
    const host = (name) => {
        asked.push(name);
        if (name === 'nango' || name.startsWith('nango/')) {
            throw new Error(`there is no module ${name}`);
        }
        return require(name);
    };
    new Function('module', 'exports', 'require', code)(module, module.exports, host);
    const definition = module.exports.default;
    const named = Object.keys(module.exports).filter((name) => name !== 'default' && name !== '__esModule');
    const one = {
        esModule: module.exports.__esModule,
        getter: typeof Object.getOwnPropertyDescriptor(module.exports, 'default')?.get === 'function',
        properties: Object.keys(definition),
        type: definition.type,
        exec: typeof definition.exec,
        onWebhook: typeof definition.onWebhook,
        named: named.filter((name) => module.exports[name] === definition),
        asked
    };
    if (run) {
        one.output = await definition.exec({}, run.input);
    }
    told.push(one);
}
process.stdout.write(JSON.stringify(told));
