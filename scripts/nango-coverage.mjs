// Checks the functions and templates of the Nango dialect: that they pass the
// type checker with the types in compiler/nango/types, that each has a test,
// and that together they use everything that functions in the field use.
// Needs `npm ci --prefix tests/nango`.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const packages = path.join(root, 'tests/nango/node_modules');
const ts = createRequire(path.join(packages, '..', 'package.json'))('typescript-api');

const words = (text) => text.trim().split(/\s+/);

/** What must be used somewhere, by group. */
const required = {
    import: words(`nango nango/experimental zod url crypto {z} {*} {default} {randomUUID} {createHash} {URLSearchParams}
        {ProxyConfiguration} {type:ProxyConfiguration} {type:NangoAction} {type:NangoSync} {type:ActionError}`),
    create: words('createAction createSync createOnEvent createFunction identifier inline'),
    nango: words(`ActionError get post put patch delete proxy paginate uncontrolledFetch batchSave batchUpdate batchDelete batchSend
        trackDeletesStart trackDeletesEnd deleteRecordsFromPreviousExecutions getRecordsByIds listRecords setMergingStrategy
        getCheckpoint saveCheckpoint clearCheckpoint getMetadata setMetadata updateMetadata getConnection getToken getIntegration
        getWebhookURL getEnvironmentVariables log setLogger triggerAction triggerSync startSync zodValidateInput tryAcquireLock
        releaseLock releaseAllLocks getFlowAttributes getFieldMapping setFieldMapping connectionId providerConfigKey provider
        environmentId environmentName accountId activityLogId syncId scriptType isCLI logger runnerFlags syncConfig variant
        lastSyncDate track_deletes`),
    option: words(`endpoint method params data headers retries retryOn baseUrlOverride responseType decompress retryHeader
        forwardHeadersOnRedirect paginate providerConfigKey connectionId params:string arraybuffer json text`),
    paginate: words(`cursor link offset limit limit_name_in_request response_path in_body on_page cursor_name_in_request
        cursor_path_in_response link_rel_in_response_header link_path_in_response_body offset_name_in_request offset_start_value
        offset_calculation_method by-response-size per-page`),
    definition: words(`description version input output exec metadata checkpoint scopes endpoint endpoints models frequency autoStart
        syncType trackDeletes webhookSubscriptions onWebhook event trigger post-connection-creation pre-connection-deletion
        validate-connection full incremental`),
    frequency: words('every_hour every_5_minutes every_day every_6_hours every_week every_half_hour every_quarter_hour every_1d'),
    global: words(`encodeURIComponent decodeURIComponent Error URL URLSearchParams Buffer setTimeout ArrayBuffer Uint8Array Headers BigInt
        btoa fetch Promise Map Set Date Number String Object Array JSON Math Reflect Symbol RegExp`),
    builtin: words(`Buffer.from Buffer.isBuffer Buffer.alloc Buffer.concat Array.isArray JSON.stringify JSON.parse Object.keys
        Object.entries Object.values Object.fromEntries Object.assign Number.isNaN Number.isInteger Date.now Math.min Math.max Math.round
        Math.trunc Math.ceil Reflect.get Symbol.asyncIterator Promise.all Promise.allSettled .flatMap .at .localeCompare .padStart
        .replaceAll .toSorted .matchAll .reduce .find .filter .includes`),
    language: words(`async-arrow await type-alias interface template object-spread spread-argument throw conditional optional-chain ??
        typeof for-of for-await in regex regex-g regex-i object-destructuring array-destructuring while do-while try catch-unbound
        finally for function async-function type-predicate non-null instanceof ** generator async-generator yield* satisfies
        declare-global label continue-label break-label ??= ||= &&= delete switch rest default-parameter as-const`),
    builder: words(`object string array number boolean unknown record enum union literal null any void discriminatedUnion coerce tuple
        looseObject lazy preprocess intersection date never int function iso json url email uuid e164`),
    method: words(`optional describe parse nullable safeParse passthrough min int max nullish positive refine email nonnegative regex
        trim transform default uuid or url extend superRefine partial datetime catchall loose length e164 strict pick omit and pipe
        catch startsWith`)
};

const found = Object.fromEntries(Object.keys(required).map((group) => [group, new Set()]));
const kind = ts.SyntaxKind;
const operators = new Map([
    [kind.QuestionQuestionToken, '??'],
    [kind.QuestionQuestionEqualsToken, '??='],
    [kind.BarBarEqualsToken, '||='],
    [kind.AmpersandAmpersandEqualsToken, '&&='],
    [kind.AsteriskAsteriskToken, '**'],
    [kind.InKeyword, 'in'],
    [kind.InstanceOfKeyword, 'instanceof']
]);
const kinds = new Map([
    [kind.AwaitExpression, 'await'],
    [kind.TypeAliasDeclaration, 'type-alias'],
    [kind.InterfaceDeclaration, 'interface'],
    [kind.TemplateExpression, 'template'],
    [kind.SpreadAssignment, 'object-spread'],
    [kind.ThrowStatement, 'throw'],
    [kind.ConditionalExpression, 'conditional'],
    [kind.TypeOfExpression, 'typeof'],
    [kind.ObjectBindingPattern, 'object-destructuring'],
    [kind.ArrayBindingPattern, 'array-destructuring'],
    [kind.WhileStatement, 'while'],
    [kind.DoStatement, 'do-while'],
    [kind.ForStatement, 'for'],
    [kind.TryStatement, 'try'],
    [kind.TypePredicate, 'type-predicate'],
    [kind.NonNullExpression, 'non-null'],
    [kind.SatisfiesExpression, 'satisfies'],
    [kind.LabeledStatement, 'label'],
    [kind.DeleteExpression, 'delete'],
    [kind.SwitchStatement, 'switch'],
    [kind.RegularExpressionLiteral, 'regex']
]);

/** The identifier at the left end of `a.b(c).d`. */
function leftmost(node) {
    while (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node) || ts.isElementAccessExpression(node) || ts.isNonNullExpression(node)) {
        node = node.expression;
    }
    return ts.isIdentifier(node) ? node.text : undefined;
}

const nameOf = (property) => (property.name && (ts.isIdentifier(property.name) || ts.isStringLiteral(property.name)) ? property.name.text : undefined);

/** Properties of an object literal, those of literals spread into it included. */
function properties(literal) {
    const all = [];
    const visit = (node) => {
        if (ts.isObjectLiteralExpression(node)) {
            for (const property of node.properties) {
                if (ts.isSpreadAssignment(property)) visit(property.expression);
                else all.push(property);
            }
        } else if (ts.isParenthesizedExpression(node)) visit(node.expression);
        else if (ts.isBinaryExpression(node)) visit(node.right);
        else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(visit);
    };
    visit(literal);
    return all;
}

function scan(file) {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
    const schemas = new Set(['z']);
    const has = (group, word) => found[group].add(word);

    const call = (literal) => {
        for (const property of properties(literal)) {
            const name = nameOf(property);
            has('option', name);
            const value = property.initializer;
            if (!value) continue;
            if (ts.isStringLiteral(value)) has('option', name === 'responseType' ? value.text : `${name}:string`);
            if (name === 'paginate' && ts.isObjectLiteralExpression(value)) {
                for (const setting of properties(value)) {
                    has('paginate', nameOf(setting));
                    if (setting.initializer && ts.isStringLiteral(setting.initializer)) has('paginate', setting.initializer.text);
                }
            }
        }
    };

    const definition = (node) => {
        has('create', node.expression.text);
        has('create', ts.isExportAssignment(node.parent) ? 'inline' : 'identifier');
        for (const property of properties(node.arguments[0])) {
            const name = nameOf(property);
            has('definition', name);
            const value = property.initializer;
            if (value && ts.isStringLiteral(value)) {
                if (name === 'frequency') has('frequency', value.text.replaceAll(' ', '_'));
                else has('definition', value.text);
            }
        }
    };

    const visit = (node) => {
        if (kinds.has(node.kind)) has('language', kinds.get(node.kind));
        if (ts.isImportDeclaration(node)) {
            has('import', node.moduleSpecifier.text);
            const { name, namedBindings, isTypeOnly } = node.importClause ?? {};
            if (name) has('import', '{default}');
            if (namedBindings && ts.isNamespaceImport(namedBindings)) has('import', '{*}');
            if (namedBindings && ts.isNamedImports(namedBindings)) {
                for (const element of namedBindings.elements) {
                    has('import', `{${isTypeOnly || element.isTypeOnly ? 'type:' : ''}${element.name.text}}`);
                }
            }
        }
        if (ts.isVariableDeclaration(node) && node.initializer) {
            if (ts.isIdentifier(node.name) && schemas.has(leftmost(node.initializer))) schemas.add(node.name.text);
            if (ts.isObjectBindingPattern(node.name) && ts.isIdentifier(node.initializer) && node.initializer.text === 'nango') {
                node.name.elements.forEach((element) => has('nango', (element.propertyName ?? element.name).text));
            }
        }
        if (ts.isPropertyAccessExpression(node)) {
            const name = node.name.text;
            has('builtin', `.${name}`);
            if (ts.isIdentifier(node.expression)) {
                has('builtin', `${node.expression.text}.${name}`);
                if (node.expression.text === 'nango') has('nango', name);
                if (node.expression.text === 'z') has('builder', name);
            }
            if (schemas.has(leftmost(node.expression))) has('method', name);
        }
        if (ts.isIdentifier(node) && !(ts.isPropertyAccessExpression(node.parent) && node.parent.name === node)) has('global', node.text);
        if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && /^create(Action|Sync|OnEvent|Function)$/.test(node.expression.text)) definition(node);
        if (ts.isObjectLiteralExpression(node) && properties(node).some((property) => nameOf(property) === 'endpoint')) {
            const parent = node.parent;
            if (!(ts.isCallExpression(parent) && /^create/.test(leftmost(parent.expression) ?? ''))) call(node);
        }
        if (node.questionDotToken) has('language', 'optional-chain');
        if (ts.isBinaryExpression(node) && operators.has(node.operatorToken.kind)) has('language', operators.get(node.operatorToken.kind));
        if (ts.isForOfStatement(node)) has('language', node.awaitModifier ? 'for-await' : 'for-of');
        if (ts.isCatchClause(node) && !node.variableDeclaration) has('language', 'catch-unbound');
        if (ts.isTryStatement(node) && node.finallyBlock) has('language', 'finally');
        if (ts.isSpreadElement(node) && ts.isCallExpression(node.parent)) has('language', 'spread-argument');
        if (ts.isBindingElement(node) && node.dotDotDotToken) has('language', 'rest');
        if ((ts.isBindingElement(node) || ts.isParameter(node)) && node.initializer) has('language', 'default-parameter');
        if (ts.isAsExpression(node) && ts.isConstTypeReference(node.type)) has('language', 'as-const');
        if (ts.isYieldExpression(node) && node.asteriskToken) has('language', 'yield*');
        if (ts.isContinueStatement(node) && node.label) has('language', 'continue-label');
        if (ts.isBreakStatement(node) && node.label) has('language', 'break-label');
        if (ts.isRegularExpressionLiteral(node)) [...node.text.slice(node.text.lastIndexOf('/') + 1)].forEach((flag) => has('language', `regex-${flag}`));
        if (ts.isModuleDeclaration(node) && node.name.text === 'global') has('language', 'declare-global');
        const async = node.modifiers?.some((modifier) => modifier.kind === kind.AsyncKeyword);
        if (ts.isArrowFunction(node) && async) has('language', 'async-arrow');
        if (ts.isFunctionDeclaration(node)) {
            has('language', node.asteriskToken ? (async ? 'async-generator' : 'generator') : async ? 'async-function' : 'function');
        }
        ts.forEachChild(node, visit);
    };
    visit(source);
}

const files = (directory, suffix) =>
    existsSync(directory)
        ? readdirSync(directory, { recursive: true, withFileTypes: true })
              .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
              .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
              .sort()
        : [];

const problems = [];

/** Every source has a test, every test a source and something that it expects. */
function pair(sources, tests) {
    const stems = new Map(files(sources, '.ts').map((file) => [path.relative(sources, file).slice(0, -'.ts'.length), 0]));
    for (const file of files(tests, '.test.json')) {
        const test = JSON.parse(readFileSync(file, 'utf8'));
        const stem = path.relative(tests, file).replace(/(\.[^./]+)?\.test\.json$/, '');
        if (!stems.has(stem)) problems.push(`${path.relative(root, file)}: no source`);
        else stems.set(stem, stems.get(stem) + 1);
        if (!test.provider || !test.kind || Object.keys(test.expect ?? {}).length === 0) problems.push(`${path.relative(root, file)}: says too little`);
        if (!stem.startsWith(`${test.provider}/`)) problems.push(`${path.relative(root, file)}: provider is not its folder`);
    }
    for (const [stem, count] of stems) if (count === 0) problems.push(`${stem}: no test`);
    return stems.size;
}

/** Runs the checker over everything, with the settings that functions are compiled with. */
function typeCheck(directories) {
    const work = mkdtempSync(path.join(tmpdir(), 'strata-nango-'));
    try {
        mkdirSync(path.join(work, 'node_modules'));
        for (const name of ['zod', '@types', 'undici-types']) symlinkSync(path.join(packages, name), path.join(work, 'node_modules', name));
        cpSync(path.join(root, 'compiler/nango/types'), path.join(work, 'node_modules/nango'), { recursive: true });
        for (const directory of directories) cpSync(path.join(root, directory), path.join(work, 'source', directory), { recursive: true });
        writeFileSync(path.join(work, 'package.json'), '{"type":"module"}');
        const compilerOptions = {
            target: 'ESNext',
            module: 'Node16',
            moduleResolution: 'Node16',
            types: ['node'],
            strict: true,
            exactOptionalPropertyTypes: true,
            noUncheckedIndexedAccess: true,
            noPropertyAccessFromIndexSignature: true,
            noUnusedLocals: true,
            noUnusedParameters: true,
            noImplicitReturns: true,
            noImplicitOverride: true,
            noFallthroughCasesInSwitch: true,
            allowUnreachableCode: false,
            allowUnusedLabels: false,
            esModuleInterop: true,
            skipLibCheck: false,
            noEmit: true
        };
        writeFileSync(path.join(work, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['source/**/*.ts'] }));
        const run = spawnSync(process.execPath, [path.join(packages, 'typescript/bin/tsc'), '-p', work], { cwd: path.join(work, 'source'), encoding: 'utf8' });
        if (run.status !== 0) problems.push(run.stdout + run.stderr);
    } finally {
        rmSync(work, { recursive: true });
    }
}

const functions = path.join(root, 'tests/nango/functions');
const templates = path.join(root, 'src/nango/templates');
const counts = [pair(functions, functions), pair(templates, path.join(root, 'tests/nango/templates'))];
files(functions, '.ts').forEach(scan);
for (const [group, list] of Object.entries(required)) {
    const missing = list.filter((word) => !found[group].has(word));
    if (missing.length > 0) problems.push(`${group}: nobody uses ${missing.join(', ')}`);
}
typeCheck(['tests/nango/functions', 'src/nango/templates', 'bench/functions'].filter((directory) => existsSync(path.join(root, directory))));

if (problems.length > 0) {
    console.error(problems.join('\n'));
    process.exit(1);
}
console.log(`${counts[0]} functions and ${counts[1]} templates, everything in use`);
