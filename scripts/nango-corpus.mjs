// Compiles every function of a checkout over HTTP; started by nango-corpus.sh.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const USAGE = `Usage: scripts/nango-corpus.sh [OPTIONS] DIR

Posts every function below DIR, a checkout of the public repository
integration-templates or any folder like it, to POST /functions/compile, one file
at a time, and prints the share that compiles, the times, and what the rest fails
with. A function is a *.ts file below a folder named actions, syncs or on-events
that is no test, no mock and no declaration file.

The server:
  --server URL    one that runs already       [env: STRATA_SERVER]
  --key KEY       its root key                [env: STRATA_ROOT_KEY]
Without --server one is started on an empty folder and stopped in the end: the
program that STRATA_PROGRAM names, or else the one of this checkout, which is
built first.

Options:
  --parallel N    requests at a time [default: 4]
  --limit N       only the first N functions, by path
  --out FILE      writes one line of JSON for each function
  --help          this text

Times are those of whole requests, waiting in the server for their turn included.
A server answers the same source from memory the second time.

Ends with 0, whatever compiles; with 1 when nothing could be posted, and with 2
when it was called wrongly.`;

const FOLDERS = new Set(['actions', 'syncs', 'on-events']);
const PASSED_OVER = /^(node_modules|dist|build|tests?|__tests__|mocks?|__mocks__|fixtures|\..*)$/;
const NO_FUNCTION = /\.(test|spec|d)\.ts$/;
/** Longer than the server's own limit for a compilation. */
const PATIENCE = 200_000;
/** The smallest function, so that what is made at the first compilation is there. */
const WARM_UP = `import { createAction } from 'nango';
import { z } from 'zod';
export default createAction({ description: 'none', input: z.void(), output: z.void(), exec: async () => undefined });
`;

function wrong(message) {
    console.error(`${message}\n\n${USAGE}`);
    process.exit(2);
}

function read() {
    const text = { type: 'string' };
    const options = { server: text, key: text, parallel: text, limit: text, out: text, help: { type: 'boolean', short: 'h' } };
    try {
        return parseArgs({ options, allowPositionals: true });
    } catch (error) {
        return wrong(error.message);
    }
}

const { values, positionals } = read();
if (values.help) {
    console.log(USAGE);
    process.exit(0);
}
const count = (name, otherwise) => {
    const number = values[name] === undefined ? otherwise : Number(values[name]);
    if (number !== Infinity && (!Number.isInteger(number) || number < 1)) wrong(`--${name} needs a number from 1 on`);
    return number;
};
const parallel = count('parallel', 4);
const limit = count('limit', Infinity);
if (positionals.length !== 1) wrong('Exactly one folder is needed.');
const root = path.resolve(positionals[0]);
if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) wrong(`${positionals[0]} is no folder.`);

/** Paths of all functions, from `root`. */
function functions() {
    const found = [];
    const visit = (folder, inside) => {
        for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
            const name = path.join(folder, entry.name);
            if (entry.isDirectory()) {
                if (!PASSED_OVER.test(entry.name)) visit(name, inside || FOLDERS.has(entry.name));
            } else if (inside && entry.isFile() && entry.name.endsWith('.ts') && !NO_FUNCTION.test(entry.name)) {
                found.push(name);
            }
        }
    };
    visit('', FOLDERS.has(path.basename(root)));
    return found.sort();
}

/** Starts a server on a folder of its own. */
async function start() {
    const program = process.env.STRATA_PROGRAM;
    if (!program) throw new Error('no server is given; start this with scripts/nango-corpus.sh');
    const data = mkdtempSync(path.join(tmpdir(), 'strata-corpus-'));
    const key = randomBytes(24).toString('hex');
    const words = ['serve', '--data-dir', data, '--listen', '127.0.0.1:0', '--log', 'error'];
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, STRATA_ROOT_KEY: key } });
    const gone = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
    const stop = async () => {
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
        await gone;
        clearTimeout(timer);
        rmSync(data, { recursive: true, force: true, maxRetries: 10 });
    };
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop().then(() => process.exit(130)));
    try {
        const url = await new Promise((resolve, reject) => {
            child.once('error', reject);
            child.once('exit', (code, signal) => reject(new Error(`${program} ended with ${code ?? signal}`)));
            createInterface({ input: child.stdout }).on('line', (line) => {
                const match = line.match(/^listening on (http:\S+)$/);
                if (match) resolve(match[1]);
            });
        });
        return { url, key, stop };
    } catch (error) {
        await stop();
        throw error;
    }
}

/** Posts one source. Nothing that happens is an error: it is all in the answer. */
async function compile({ url, key }, code) {
    const begun = performance.now();
    try {
        const response = await fetch(`${url}/functions/compile`, {
            method: 'POST',
            headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
            body: JSON.stringify({ code }),
            signal: AbortSignal.timeout(PATIENCE)
        });
        const text = await response.text();
        const took = performance.now() - begun;
        const { status, headers } = response;
        if (status === 429) {
            await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(headers.get('retry-after')) || 1)));
            return compile({ url, key }, code);
        }
        let body = {};
        try {
            body = JSON.parse(text);
        } catch {
            body = { error: { code: 'no JSON', message: text.slice(0, 200) } };
        }
        return { status, took, body, check: headers.get('strata-type-check') ?? undefined };
    } catch (error) {
        return { status: 0, took: performance.now() - begun, body: { error: { message: String(error.cause?.message ?? error.message) } } };
    }
}

/** A text without what differs between functions: names, paths and numbers. Names of packages stay. */
function normalised(text) {
    const module = /^((?:Cannot find module|Import of package) )'([^']*)'/.exec(text);
    const rest = (module ? text.slice(module[0].length) : text)
        .replaceAll(/'[^']*'/g, "'…'")
        .replaceAll(/"[^"]*"/g, '"…"')
        .replaceAll(/`[^`]*`/g, '`…`')
        .replaceAll(/\b\d+\b/g, 'N');
    if (!module) return rest;
    return `${module[1]}'${module[2].startsWith('.') ? './…' : module[2]}'${rest}`;
}

/** Why a function does not compile, and the same for an example: with its names and its place. */
function reason({ status, body }) {
    const error = body.error ?? {};
    if (status !== 400) {
        const text = `${status === 0 ? 'no answer' : `HTTP ${status}`}: ${[error.code, error.message].filter(Boolean).join(', ')}`;
        return { group: normalised(text), example: text };
    }
    const [first] = error.errors ?? [];
    // A server that gives no list of diagnostics says it in the text, after the lines of the steps.
    const lines = String(error.message ?? error.code).split(/\r?\n/).map((line) => line.trim());
    const at = lines.findIndex((line) => line.startsWith('err - '));
    const text = first?.message ?? lines[at + 1] ?? '';
    const head = text.split('\n')[0];
    const place = first?.line ? `:${first.line}:${first.column}` : '';
    const code = first?.code ? `${first.code}: ` : '';
    return { group: code + normalised(head), example: `${place ? `${place.slice(1)} ` : ''}${head}` };
}

/** Counts under a name, with the first path as the example. */
function add(groups, name, example) {
    const group = groups.get(name) ?? { count: 0, example };
    group.count += 1;
    groups.set(name, group);
}

function print(title, groups) {
    if (groups.size === 0) return;
    console.log(`\n${title}`);
    for (const [name, { count, example }] of [...groups].sort((a, b) => b[1].count - a[1].count)) {
        console.log(`${String(count).padStart(6)}  ${name}\n        e.g. ${example}`);
    }
}

const share = (part, whole) => `${part} of ${whole} (${whole ? ((100 * part) / whole).toFixed(1) : '–'} %)`;
const at = (sorted, part) => sorted[Math.ceil(part * sorted.length) - 1];
const milliseconds = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

async function main() {
    const names = functions().slice(0, limit);
    if (names.length === 0) throw new Error(`there is no function below ${root}`);
    const given = values.server ?? process.env.STRATA_SERVER;
    const server = given ? { url: given.replace(/\/+$/, ''), key: values.key ?? process.env.STRATA_ROOT_KEY ?? '', stop: async () => {} } : await start();
    const out = values.out && createWriteStream(values.out);
    const answers = [];
    let seconds;
    try {
        const first = await compile(server, WARM_UP);
        if (first.status !== 200) throw new Error(`${server.url} does not compile a function that should: ${reason(first).example}`);
        const begun = performance.now();
        let next = 0;
        const worker = async () => {
            while (next < names.length) {
                const name = names[next];
                next += 1;
                const code = readFileSync(path.join(root, name), 'utf8');
                const answer = await compile(server, code);
                // Relative imports need other files, and only one is posted.
                const alone = !/^\s*(?:import|export)\b[^;]*?from\s+['"]\.|^\s*import\s+['"]\./m.test(code);
                answers.push({ name, alone, ...answer });
                const { status, took, check, body } = answer;
                out?.write(`${JSON.stringify({ name, status, ms: Number(took.toFixed(1)), check, error: body.error, warnings: body.warnings })}\n`);
                if (answers.length % 500 === 0) console.error(`${answers.length} of ${names.length}`);
            }
        };
        await Promise.all(Array.from({ length: parallel }, worker));
        seconds = (performance.now() - begun) / 1000;
    } finally {
        if (out) await new Promise((resolve) => out.end(resolve));
        await server.stop();
    }
    if (answers.every(({ status }) => status === 0)) throw new Error(`nothing could be posted: ${reason(answers[0]).example}`);
    report(answers, seconds);
}

function report(answers, seconds) {
    answers.sort((a, b) => (a.name < b.name ? -1 : 1));
    const good = answers.filter(({ status }) => status === 200);
    const alone = answers.filter((answer) => answer.alone);
    console.log(`compile: ${share(good.length, answers.length)}`);
    if (alone.length < answers.length) {
        console.log(`  of those without relative imports: ${share(alone.filter(({ status }) => status === 200).length, alone.length)}`);
    }
    const times = answers.filter(({ status }) => status !== 0).map(({ took }) => took).sort((a, b) => a - b);
    console.log(
        `times: median ${milliseconds(at(times, 0.5))}, p95 ${milliseconds(at(times, 0.95))}, longest ${milliseconds(times.at(-1))}; ` +
            `${(times.length / seconds).toFixed(1)} a second, ${parallel} at a time`
    );
    const checks = new Map();
    for (const { check, name } of answers) if (check) add(checks, check, name);
    console.log(`types checked by: ${[...checks].map(([name, { count }]) => `${name} (${count})`).join(', ') || 'the server does not say'}`);
    const reasons = new Map();
    for (const answer of answers.filter(({ status }) => status !== 200)) {
        const { group, example } = reason(answer);
        add(reasons, group, `${answer.name}: ${example}`);
    }
    print('Why the rest does not compile, by the first diagnostic', reasons);
    const warnings = new Map();
    for (const { name, body } of good) {
        for (const text of new Set((body.warnings ?? []).map(({ message }) => message))) add(warnings, text, name);
    }
    print('Compiles, but will not run as it is', warnings);
}

await main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
});
