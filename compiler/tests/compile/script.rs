//! Scripts in the form of Nango functions: which are refused, with what text, and what the text of
//! those that are not does in Node.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
};

use compiler::{
    Failure,
    script::{Compiled, Kind, Script},
};
use proptest::prelude::*;

use crate::harness::{block_on, compiler};

const GOOD: &str = r#"import { createAction, ProxyConfiguration } from 'nango';
import { z } from 'zod';
import type { ZodType } from 'zod';

const Input = z.object({ city: z.string() });
enum Unit { Celsius = 'C' }

const action = createAction({
    description: 'Temperature of a city',
    input: Input,
    output: z.string(),
    exec: async (nango, input): Promise<string> => {
        const config: ProxyConfiguration = { endpoint: '/now', retries: 3, retryOn: [429] };
        const answer = await nango.get(config);
        return `${input.city}: ${answer} ${Unit.Celsius}`;
    }
},);

export type Local = Parameters<(typeof action)['exec']>[0];
export default action;
"#;

const INLINE: &str = "import { createSync } from 'nango';\nimport * as z from 'zod';\nimport crypto, { createHash } from 'crypto';\nconst seen = new Set<string>();\nexport default (createSync({ description: 'd', frequency: 'every hour', models: { A: z.object({ id: z.string() }) }, exec: async (nango) => { seen.add(crypto.randomUUID()); createHash('md5'); await nango.saveCheckpoint({ a: 1 }); } }));\n";

fn script(text: &str) -> Script {
    let path = "function/functions/function.ts".to_owned();
    Script {
        files: Arc::new(vec![(path, text.to_owned())]),
    }
}

fn compile(text: &str) -> Result<Compiled, Vec<(u32, u32, String)>> {
    match block_on(compiler().compile_script(&script(text))) {
        Ok(compiled) => Ok(compiled),
        Err(Failure::Diagnostics(found)) => Err(found
            .into_iter()
            .map(|found| (found.line, found.column, found.message))
            .collect()),
        Err(failure) => panic!("{failure}"),
    }
}

/// Evaluates the text as the body of a CommonJS module and shows an expression over `exports`.
fn evaluate(compiled: &Compiled, show: &str) -> String {
    const MAIN: &str = "let text = ''; process.stdin.on('data', (d) => text += d).on('end', async () => {
        const { code, show } = JSON.parse(text), module = { exports: {} };
        const chain = (name) => new Proxy(function () {}, { get: (_, k) => k === Symbol.toPrimitive ? () => name : chain(name + '.' + String(k)), apply: () => chain(name + '()') });
        const require = (name) => { if (name === 'zod') return { __esModule: true, z: chain('z'), object: chain('z.object'), string: chain('z.string') }; if (name === 'nango') throw new Error('nango is gone'); return process.getBuiltinModule(name); };
        new Function('module', 'exports', 'require', code)(module, module.exports, require);
        console.log(JSON.stringify(await new Function('exports', 'return ' + show)(module.exports)));
    });";
    let mut node = Command::new("node")
        .args(["-e", MAIN])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let job = serde_json::json!({ "code": compiled.code, "show": show }).to_string();
    node.stdin
        .take()
        .unwrap()
        .write_all(job.as_bytes())
        .unwrap();
    let output = node.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}\n{}", compiled.code);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn the_wrapper_is_gone_and_the_type_comes_first() {
    let compiled = compile(GOOD).unwrap();
    assert_eq!(compiled.kind, Some(Kind::Action));
    assert!(!compiled.checkpoints);
    assert_eq!(compiled.warnings.len(), 0);
    for (show, expected) in [
        ("Object.keys(exports.default)[0]", "\"type\""),
        ("exports.default.type", "\"action\""),
        ("Object.keys(exports)", "[\"default\"]"),
        ("exports.__esModule", "true"),
        (
            "typeof Object.getOwnPropertyDescriptor(exports, 'default').get",
            "\"function\"",
        ),
        (
            "exports.default.exec({ get: async (c) => c.endpoint }, { city: 'Oslo' })",
            "\"Oslo: /now C\"",
        ),
    ] {
        assert_eq!(evaluate(&compiled, show), expected, "{show}");
    }
    assert!(!compiled.code.contains("require(\"nango\")"));
    assert!(
        compiled
            .code
            .contains("//# sourceMappingURL=data:application/json;base64,")
    );
    // Lines of the source stay findable.
    let map: serde_json::Value = serde_json::from_str(&compiled.source_map).unwrap();
    assert_eq!(map["sourcesContent"][0], GOOD);
}

#[test]
fn an_inline_definition_is_exported_by_its_kind_too() {
    let compiled = compile(INLINE).unwrap();
    assert_eq!(compiled.kind, Some(Kind::Sync));
    assert!(compiled.checkpoints);
    assert_eq!(
        evaluate(&compiled, "Object.keys(exports).sort()"),
        "[\"default\",\"sync\"]"
    );
    assert_eq!(
        evaluate(&compiled, "exports.sync === exports.default"),
        "true"
    );
    let ran = "(async () => { const saved = []; await exports.default.exec({ saveCheckpoint: async (c) => saved.push(c) }); return saved; })()";
    assert_eq!(evaluate(&compiled, ran), "[{\"a\":1}]");
}

#[test]
fn several_files_become_one_module() {
    let files = vec![
        (
            "function/functions/function.ts".to_owned(),
            "import { createAction } from 'nango';\nimport { greet } from './lib/greet.js';\nexport default createAction({ description: greet('d'), exec: async () => greet('x') });\n"
                .to_owned(),
        ),
        (
            "function/functions/lib/greet.ts".to_owned(),
            "import { z } from 'zod';\nexport const greet = (name: string): string => `hello ${name} ${z}`;\n"
                .to_owned(),
        ),
    ];
    let script = Script {
        files: Arc::new(files),
    };
    let compiled = block_on(compiler().compile_script(&script)).unwrap();
    let shown = evaluate(
        &compiled,
        "[exports.default.type, exports.default.description]",
    );
    assert_eq!(shown, "[\"action\",\"hello d z\"]");
}

#[test]
fn rules_are_refused_with_their_texts() {
    let exec = |body: &str| {
        format!(
            "import {{ createSync }} from 'nango';\nexport default createSync({{\n    exec: async (nango) => {{\n{body}\n    }}\n}});\n"
        )
    };
    let allowed = "Allowed packages are: nango/experimental, url, node:url, crypto, node:crypto, nango, zod, unzipper, soap, botbuilder";
    let named = "Only export default and createAction, createSync, createOnEvent, createFunction are permitted.";
    let default =
        "Invalid default export: should be createAction(), createSync() or createOnEvent()";
    let lodash = format!("Import of package 'lodash' is not allowed. {allowed}");
    let helper = format!("Named export 'helper' is not allowed. {named}");
    let cases: Vec<(String, u32, u32, &str)> = vec![
        ("import _ from 'lodash';\nexport default createAction({ a: _ });".into(), 1, 1, &lodash),
        ("export const helper = 1;\nexport default createAction({});".into(), 1, 14, &helper),
        ("const helper = 1;\nexport { helper };\nexport default createAction({});".into(), 2, 10, &helper),
        ("const a = createAction({});\nexport { a as default };".into(), 2, 10, default),
        ("export default { exec: 1 };".into(), 1, 1, default),
        ("\nexport default async function f() {}".into(), 2, 1, default),
        ("import { createAction as ca } from 'nango';\nexport default ca({});".into(), 2, 1, default),
        ("const d = {};\nexport default createAction(d);".into(), 2, 16, "Invalid function parameter, should be an object"),
        (exec("        nango.log('x');"), 4, 9, "nango.log() calls must be awaited in. Not awaiting can lead to unexpected results."),
        (exec("        await nango.get({ endpoint: '/', retryOn: [500] });"), 4, 15, "Proxy call: 'retryOn' should not be used if 'retries' is not set."),
        (exec("        await nango.trackDeletesStart('A');\n        await nango.batchSave([], 'A');"), 5, 15, "trackDeletesStart for model 'A' is called but trackDeletesEnd is never called"),
        (exec("        await nango.batchSave([], 'A');\n        await nango.setMergingStrategy({ strategy: 'override' }, 'A');"), 6, 15, "setMergingStrategy should be called before any batching records function"),
        ("import { createAction } from 'nango';\nconst x = await Promise.resolve(1);\nexport default createAction({ x });".into(), 2, 11, "Top-level await is currently not supported with the \"cjs\" output format"),
    ];
    for (text, line, column, message) in cases {
        let broken = compile(&text).map(|compiled| compiled.code).unwrap_err();
        assert_eq!(broken[0], (line, column, message.to_owned()), "{text}");
        assert_eq!(broken.len(), 1, "{broken:?}");
    }
}

#[test]
fn what_is_taken_care_of_is_not_refused() {
    for body in [
        "return nango.get({ endpoint: '/' });",
        "nango.get({ endpoint: '/' }).then(() => 1);",
        "await Promise.all([1].map((id) => nango.post({ endpoint: `/${id}` })));",
        "const a = { retries: 1 }; await nango.get({ endpoint: '/', ...a, retryOn: [1] });",
        "await nango.trackDeletesStart('A'); for await (const page of nango.paginate({ endpoint: '/' })) {\n await nango.batchSave(page, 'A'); }\n await nango.trackDeletesEnd('A');",
        "await nango.trackDeletesStart('A'); await nango.trackDeletesStart('B');\nawait nango.batchSave([], 'A');\nawait nango.trackDeletesEnd('A'); await nango.trackDeletesEnd('B');",
    ] {
        let text = format!("export default createSync({{ exec: async (nango) => {{ {body} }} }});");
        assert!(compile(&text).is_ok(), "{body}: {:?}", compile(&text).err());
    }
    // Types may be exported, and imports of types are nobody's business here.
    let types = "import type { AxiosError } from 'axios';\nexport interface A { e: AxiosError }\nexport type { A as B };\nexport default createAction({});";
    assert!(compile(types).is_ok());
    assert_eq!(compile("const nothing = 1;\n").unwrap().kind, None);
}

#[test]
fn what_cannot_run_is_told() {
    let text = "import { createHash } from 'node:crypto';\nif (typeof fetch === 'undefined') { }\nconst a = async () => [createHash, await fetch('/'), new Headers(), fetch];\nexport default createAction({ a });";
    let warnings = compile(text).unwrap().warnings;
    let told: Vec<(u32, &str)> = warnings
        .iter()
        .map(|warning| (warning.line, &*warning.message))
        .collect();
    assert_eq!(
        told,
        [
            (
                1,
                "Module 'node:crypto' is not available when the function runs"
            ),
            (3, "'fetch' is not defined when the function runs"),
            (3, "'Headers' is not defined when the function runs"),
        ]
    );
}

#[test]
fn checks_without_types() {
    let text = "import { createAction } from 'nango';\nimport { z } from 'zod';\nimport { x } from './x.js';\nimport unused from 'zod';\nconst left = 1;\nconst { a, ...rest } = { a: 1, b: 2 };\ntype T = typeof rest;\nexport default createAction({\n    exec: async (nango, input) => {\n        const used: T | undefined = undefined;\n        await nango.get({ endpoint: '/', retrys: 3 });\n        return [consol, x, z, used];\n    }\n});\n";
    let found = block_on(compiler().check_script(&script(text))).unwrap();
    let told: Vec<(u32, &str)> = found
        .iter()
        .map(|found| (found.line, &*found.message))
        .collect();
    assert_eq!(
        told,
        [
            (
                3,
                "Cannot find module './x.js' or its corresponding type declarations."
            ),
            (4, "'unused' is declared but its value is never read."),
            (5, "'left' is declared but its value is never read."),
            (9, "'input' is declared but its value is never read."),
            (
                11,
                "Object literal may only specify known properties, and 'retrys' does not exist in type 'ProxyConfiguration'."
            ),
            (12, "Cannot find name 'consol'."),
        ]
    );
    let good = block_on(compiler().check_script(&script(GOOD))).unwrap();
    let told: Vec<_> = good.iter().map(|found| &found.message).collect();
    assert_eq!(told, ["'ZodType' is declared but its value is never read."]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_scripts_do_not_panic(
        edits in proptest::collection::vec((0..2_000_usize, 0..12_usize, prop_oneof![
            Just("{"), Just("}"), Just("("), Just(")"), Just("<"), Just("export default "), Just("export "), Just("import 'nango';"),
            Just("createAction("), Just("nango.get("), Just("é"), Just("\u{2028}"), Just("await "), Just("..."), Just("`"), Just("\0"), Just("$$"), Just("\r\n"),
        ]), 1..6),
        inline in any::<bool>(),
    ) {
        let mut text = if inline { INLINE } else { GOOD }.to_owned();
        for (at, remove, insert) in edits {
            let mut start = at % text.len();
            while !text.is_char_boundary(start) { start -= 1; }
            let mut end = (start + remove).min(text.len());
            while !text.is_char_boundary(end) { end += 1; }
            text.replace_range(start..end, insert);
        }
        let script = script(&text);
        let compiled = block_on(compiler().compile_script(&script));
        prop_assert!(matches!(compiled, Ok(_) | Err(Failure::Diagnostics(_))), "{compiled:?}");
        let _ = block_on(compiler().check_script(&script)).unwrap();
    }
}
