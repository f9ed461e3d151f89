//! Handlers in the form of PubNub functions: which are refused, where and with what text, and what
//! the bundle of those that are not does in Node.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use compiler::{Failure, StackMapper, handler::Compiled};
use proptest::prelude::*;

use crate::harness::{block_on, compiler};

/// Line, column and message of a diagnostic.
type Place = (u32, u32, &'static str);

fn compile_as(path: &str, text: &str) -> Result<Compiled, Vec<(u32, u32, String)>> {
    match block_on(compiler().compile_handler(path, text)) {
        Ok(compiled) => Ok(compiled),
        Err(Failure::Diagnostics(found)) => Err(found
            .into_iter()
            .map(|found| {
                assert_eq!(found.file, path);
                (found.line, found.column, found.message)
            })
            .collect()),
        Err(failure) => panic!("{failure}"),
    }
}

fn compile(text: &str) -> Result<Compiled, Vec<(u32, u32, String)>> {
    compile_as("handler.js", text)
}

/// Calls the default export with a request and gives what it returns, how many iterations were
/// counted, and the stack of what it throws.
fn run(compiled: &Compiled) -> serde_json::Value {
    const MAIN: &str = "let text = ''; process.stdin.on('data', (d) => text += d).on('end', async () => {
        const start = require('node:vm').runInThisContext(text, { filename: 'bundle.js' });
        let loops = 0, seen = [];
        const platform = { require: (name) => { seen.push(name); return { require: (name) => `module ${name}`, loop: () => { loops += 1; } }; } };
        try {
            const exports = start(platform);
            const keys = Object.keys(exports), plain = Object.getPrototypeOf(exports) === null;
            const result = await exports.default({ n: 3 });
            console.log(JSON.stringify({ result, loops, keys, plain, seen }));
        } catch (error) { console.log(JSON.stringify({ stack: error.stack })); }
    });";
    let mut node = Command::new("node")
        .args(["-e", MAIN])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin
        .take()
        .unwrap()
        .write_all(compiled.code.as_bytes())
        .unwrap();
    let output = node.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", compiled.code))
}

#[track_caller]
fn result(text: &str) -> serde_json::Value {
    let compiled = compile(text).unwrap_or_else(|found| panic!("{text}: {found:?}"));
    run(&compiled)["result"].clone()
}

#[test]
fn every_form_of_a_default_export() {
    for text in [
        "export default (request) => request.n;",
        "export default async (request) => request.n;",
        "export default function (request) { return request.n; }",
        "export default async function named(request) { return named.length + request.n - 1; }",
        "export default (async ({ n }) => n);",
        "const f = ({ n }) => n; export default f;",
        "const f = ({ n }) => n; export { f as default };",
        "export { f as default }; function f({ n }) { return n; }",
        "let f; export { f as default }; f = ({ n }) => n;",
        "const make = (x) => ({ n }) => n * x; export default make(1);",
        "export const helper = 1; export default ({ n }) => n;",
        "export default Object.assign(({ n }) => n, { extra: 1 })",
        "#!/usr/bin/env node\nexport default ({ n }) => n;",
        "'use strict'; export default ({ n }) => n;",
        "/* only */ export default /* a */ (r) => /* comment */ r?.n ?? 0",
        "export default (r) => { label: for (const x of [r.n]) { if (x) break label; } return r.n; }",
    ] {
        assert_eq!(result(text), 3, "{text}");
    }
}

#[test]
fn require_is_a_call_at_run_time() {
    let text = "const kv = require('kvstore'); const name = 'x' + 'hr';
        export default () => [kv, require(name), typeof require, ((require) => require)(1)];";
    let compiled = compile(text).unwrap();
    let answer = run(&compiled);
    assert_eq!(
        answer["result"],
        serde_json::json!(["module kvstore", "module xhr", "function", 1])
    );
    assert_eq!(answer["seen"], serde_json::json!(["strata:pubnub"]));
    assert_eq!(answer["keys"], serde_json::json!(["default"]));
    assert_eq!(answer["plain"], true);
}

#[test]
fn every_iteration_is_counted() {
    let text = "export default async () => {
        let n = 0;
        for (let i = 0; i < 3; i++) n++;
        for (let i = 0; i < 3; i++) { if (i) continue; n++; }
        for (const k in { a: 1, b: 2 }) n++;
        for (const v of [1, 2]) { n++; }
        for await (const v of [1, 2]) n++;
        while (n < 14) n++;
        do n++; while (n < 16);
        for (let i = 0; i < 2; i++) for (let j = 0; j < 2; j++) ;
        a: for (;;) { b: for (;;) break a; }
        (function () { for (var i = 0; i < 2; i++) (() => { while (n++ < 18); })(); })();
        return n;
    };";
    let answer = run(&compile(text).unwrap());
    // 3 + 3 + 2 + 2 + 2, up to 14 from 10, two of `do`, 2 + 4, 1 + 1, 2 + 2.
    assert_eq!(answer["loops"], 12 + 4 + 2 + 6 + 2 + 4);
}

#[test]
fn nothing_of_the_platform_is_in_reach_of_the_module() {
    let text = "const seen = [typeof this, arguments.length, typeof __platform];
        export default () => seen;";
    assert_eq!(
        result(text),
        serde_json::json!(["undefined", 0, "undefined"])
    );
}

#[test]
fn names_of_the_compiler_are_free() {
    let text = "const $$l = 1, $$r = 2, $$p = 3; export default () => { for (;;) return $$l + $$r + $$p; };";
    assert_eq!(result(text), 6);
    for (text, column) in [
        (
            r"const \u0024\u0024l = () => {}; export default () => {};",
            7,
        ),
        (r"export default (\u{24}\u0024l) => {};", 17),
        (r"export default () => { \u0024\u0024l = 1; };", 24),
        (r"export default ({ a: \u0024\u0024l }) => {};", 22),
        (r"export default function \u0024\u0024l() {}", 25),
    ] {
        let message = "This name must be written without escapes".to_owned();
        assert_eq!(compile(text).unwrap_err(), [(1, column, message)], "{text}");
    }
}

#[test]
fn refused() {
    let import = "`import` is not available: modules are loaded with `require`";
    let none = "The function has no default export";
    let twice = "There is more than one default export";
    let callable = "The default export is not a function";
    let cases: &[(&str, &[Place])] = &[
        ("", &[(1, 1, none)]),
        ("module.exports = () => {};", &[(1, 1, none)]),
        ("export const f = () => {};", &[(1, 1, none)]),
        (
            "\nimport a from 'kvstore';\nexport default () => a;",
            &[(2, 1, import)],
        ),
        (
            "import 'kvstore';\nexport default () => {};",
            &[(1, 1, import)],
        ),
        (
            "export default async () => { await import('kvstore'); };",
            &[(1, 36, import)],
        ),
        (
            "export default () => {}; export { a } from 'b';",
            &[(1, 26, import)],
        ),
        (
            "export * from 'b'; export default () => {};",
            &[(1, 1, import)],
        ),
        (
            "export { default } from 'b';",
            &[(1, 1, import), (1, 1, none)],
        ),
        (
            "const é = 1; export default () => import.meta;",
            &[(1, 35, "`import.meta` is not available")],
        ),
        (
            "const a = 1;\n  await a;\nexport default () => {};",
            &[(2, 3, "`await` is not available at the top level")],
        ),
        (
            "for await (const a of []) ;\nexport default () => {};",
            &[(1, 1, "`for await` is not available at the top level")],
        ),
        ("export default {};", &[(1, 1, callable)]),
        ("export default 'text';", &[(1, 1, callable)]),
        ("\n\n export default [() => {}];", &[(3, 2, callable)]),
        ("export default class {}", &[(1, 1, callable)]),
        ("export default (null);", &[(1, 1, callable)]),
        (
            "const f = () => {};\nexport { f as default };\nexport { f as default };",
            &[(3, 10, twice)],
        ),
        (
            "export default () => {};\nexport default () => {};",
            &[(2, 1, twice)],
        ),
    ];
    for (text, expected) in cases {
        let found = compile(text).expect_err(text);
        let expected: Vec<_> = expected
            .iter()
            .map(|(line, column, message)| (*line, *column, (*message).to_owned()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn syntax_errors_have_their_place() {
    for (text, line, column) in [
        ("export default (request) => {\n  request.ok(;\n};", 2, 14),
        ("export default () => { return };\n}", 2, 1),
        ("const é = 'a;\nexport default () => {};", 1, 11),
        ("return 1; export default () => {};", 1, 1),
        ("const x: number = 1; export default () => x;", 1, 7),
        ("export default () => <p/>;", 1, 26),
        ("export default () => { await 1; };", 1, 24),
    ] {
        let found = compile(text).expect_err(text);
        assert_eq!(
            (found[0].0, found[0].1),
            (line, column),
            "{text}: {found:?}"
        );
        assert!(!found[0].2.is_empty());
    }
}

#[test]
fn types_are_erased_where_the_name_says_so() {
    let text = "interface R { n: number }\nexport default async (request: R): Promise<number> => { for (const n of [request.n] as number[]) return n; return 0; };";
    assert_eq!(run(&compile_as("handler.ts", text).unwrap())["result"], 3);
    assert!(compile_as("handler", text).is_err());
    assert!(compile_as("handler.json", "export default () => 1;").is_ok());
}

#[test]
fn stacks_are_mapped_to_the_source() {
    let text = "const fail = (n) => {\n  for (const x of [n])  if (x > 0) throw new Error('é'); };\n\nexport default async ({ n }) => {\n    while (true) fail(n);\n};\n";
    let compiled = compile(text).unwrap();
    let stack = run(&compiled)["stack"].as_str().unwrap().to_owned();
    let mapped = StackMapper::parse(&compiled.source_map).map(&stack);
    let lines: Vec<&str> = mapped.lines().collect();
    assert_eq!(lines[0], "Error: é");
    assert_eq!(lines[1], "    at fail (handler.js:2:42)");
    assert!(lines[2].contains("handler.js:5:18"), "{mapped}");
}

#[test]
fn frames_around_the_module_are_left_out() {
    let compiled = compile("null.x;\nexport default () => {};").unwrap();
    let stack = run(&compiled)["stack"].as_str().unwrap().to_owned();
    let mapped = StackMapper::parse(&compiled.source_map).map(&stack);
    assert!(mapped.contains("handler.js:1:6"), "{mapped}");
    assert!(!mapped.contains("bundle.js"), "{mapped}");
}

#[test]
fn the_same_text_gives_the_same_bundle() {
    let text = "export default (r) => { for (const a of r) a(); };";
    assert_eq!(compile(text), compile(text));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_compiled_or_refused(text in "(export default |=>|\\{|\\}|\\(|\\)|for|while|await|import|[a-z;,'é\n ]){0,40}") {
        match compile(&text) {
            Ok(compiled) => prop_assert!(compiled.code.starts_with("(function")),
            Err(found) => prop_assert!(!found.is_empty()),
        }
    }
}
