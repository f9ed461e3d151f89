//! What functions cannot reach, and what they cannot change.

use std::sync::Arc;

use sandbox::Env;
use serde_json::{Value, json};

use super::{before, compile, evaluate, http, run, run_with};
use crate::harness;

#[test]
fn globals_are_those_of_the_reference() {
    let code = "Object.fromEntries(['fetch', 'setInterval', 'setImmediate', 'queueMicrotask', 'eval', 'WebAssembly', 'Buffer',
        'process', 'global', 'crypto', 'performance', 'Request', 'Response', 'Headers', 'Blob', 'File', 'FormData', 'WebSocket', 'AbortController',
        'Event', 'EventTarget', 'ReadableStream', 'MessageChannel', 'DOMException', 'navigator', 'atob', 'btoa', '__strata', 'wit',
        'module', 'exports', '__filename'].map((name) => [name, typeof globalThis[name]]).filter(([, type]) => type !== 'undefined'))";
    assert_eq!(evaluate(code, |_, _| unreachable!()).json(), json!({}));
    let code = "['console', 'URL', 'URLSearchParams', 'TextEncoder', 'TextDecoder', 'structuredClone', 'setTimeout', 'clearTimeout', 'Promise',
        'Map', 'Proxy', 'Intl', 'Function'].filter((name) => typeof globalThis[name] === 'undefined')";
    assert_eq!(evaluate(code, |_, _| unreachable!()).json(), json!([]));
    // Nothing else is left.
    let code = "Reflect.ownKeys(globalThis).filter((name) => typeof name === 'string' && !/^[A-Z]/.test(name)).sort()";
    assert_eq!(
        evaluate(code, |_, _| unreachable!()).json(),
        json!([
            "__cqjs",
            "clearTimeout",
            "console",
            "decodeURI",
            "decodeURIComponent",
            "encodeURI",
            "encodeURIComponent",
            "escape",
            "globalThis",
            "isFinite",
            "isNaN",
            "parseFloat",
            "parseInt",
            "setTimeout",
            "structuredClone",
            "undefined",
            "unescape",
        ])
    );
}

#[test]
fn what_is_kept_works() {
    let code = "(async () => {
        const clone = structuredClone({ a: new Map([[1, new Date(0)]]), b: new Uint8Array([1]) });
        let fired = 0;
        clearTimeout(setTimeout(() => fired++, 1));
        const id = setTimeout((a, b) => { fired += a + b; }, 1, 2, 3);
        await new Promise((resolve) => setTimeout(resolve, 10));
        return [clone.a.get(1).getTime(), clone.b[0], new URL('/a?b=c', 'https://x.y').searchParams.get('b'),
            new TextDecoder().decode(new TextEncoder().encode('é')), fired, typeof id];
    })()";
    assert_eq!(
        evaluate(code, |_, _| unreachable!()).json(),
        json!([0, 1, "c", "é", 5, "number"])
    );
}

#[test]
fn no_code_comes_from_text() {
    for code in [
        "eval('1')",
        "(0, eval)('1')",
        "Function('return 1')()",
        "(() => {}).constructor('return 1')()",
        "(async () => {}).constructor('return 1')()",
        "(function* () {}).constructor('return 1')()",
        "(async function* () {}).constructor('return 1')()",
        "Reflect.construct((() => {}).constructor, ['return 1'])()",
        "Object.getPrototypeOf((async () => {}).constructor)('return 1')()",
        "new (class extends (() => {}).constructor {})('return 1')()",
        "setTimeout('1')",
    ] {
        let value = evaluate(code, |_, _| unreachable!()).json();
        let text = value.as_str().unwrap_or_default();
        assert!(text.starts_with("threw "), "{code} gave {value}");
    }
    assert_eq!(
        evaluate(
            "(() => {}) instanceof (() => {}).constructor",
            |_, _| unreachable!()
        )
        .json(),
        true
    );
}

#[test]
fn modules_beyond_the_list_are_not_found() {
    for name in [
        "ugc",
        "fs",
        "node:fs",
        "node:crypto",
        "zod",
        "strata:pubnub",
        "__proto__",
        "constructor",
        "./x",
    ] {
        assert_eq!(
            evaluate(&format!("require('{name}')"), |_, _| unreachable!()).json(),
            format!("threw Error: Module not found: {name}")
        );
    }
    let code = "(() => { const kept = require; const name = 'k' + 'vstore'; return kept(name) === require('kvstore') && require('promise') === Promise; })()";
    assert_eq!(evaluate(code, |_, _| unreachable!()).json(), true);
}

#[test]
fn the_module_sees_nothing_of_what_is_around_it() {
    let code = "const seen = [typeof this, arguments.length, typeof arguments[0]];
        export default (request, response) => response.send(seen);";
    assert_eq!(
        run(code, http("GET", "", json!([]), "")).json(),
        json!(["undefined", 0, "undefined"])
    );
}

#[test]
fn stacks_show_nothing_of_the_platform() {
    let code = "(() => {
        const seen = [];
        Error.prepareStackTrace = (_, sites) => sites.map((site) => seen.push(site));
        TypeError.prepareStackTrace = Error.prepareStackTrace;
        class Own extends Error {}
        Reflect.set(Own, 'prepareStackTrace', (_, sites) => seen.push(sites));
        const stacks = [new Error('a').stack, new Own('b').stack];
        const target = {};
        Error.captureStackTrace?.(target);
        return [seen.length, stacks.every((stack) => typeof stack === 'string'), stacks[0].includes('componentize')];
    })()";
    assert_eq!(
        evaluate(code, |_, _| unreachable!()).json(),
        json!([0, true, false])
    );
}

/// Everything that a function may think of, before it spends its budget.
const TAMPER: &str = "
    const hold = (target, name, value) => { try { Object.defineProperty(target, name, { value, writable: true, configurable: true }); } catch {} };
    const zero = () => 0;
    hold(Object.prototype, 'toJSON', undefined);
    hold(Number.prototype, 'valueOf', zero);
    hold(Array.prototype, 'includes', () => true);
    hold(String.prototype, 'includes', () => { throw new Error('includes'); });
    hold(String.prototype, 'isWellFormed', () => { throw new Error('isWellFormed'); });
    hold(String.prototype, 'toWellFormed', () => { throw new Error('toWellFormed'); });
    hold(Map.prototype, 'has', () => true);
    hold(Set.prototype, 'has', () => true);
    const fn = Object.getPrototypeOf(() => {});
    hold(fn, 'call', zero);
    hold(fn, 'apply', zero);
    hold(fn, 'bind', zero);
    hold(Object.prototype, 'kvstore', 0);
    hold(Object.prototype, 'ended', null);
    hold(globalThis, 'Error', class {});
    hold(globalThis, 'Math', {});
    hold(globalThis, 'JSON', {});
    hold(Symbol, 'hasInstance', zero);
    Object.freeze(globalThis);
";

#[test]
fn built_ins_that_were_replaced_do_not_widen_a_budget() {
    let code = format!(
        "const kv = require('kvstore');
        {TAMPER}
        export default async (request) => {{
            let done = 0;
            for (let i = 0; i < 30; i++) {{ try {{ await kv.get('a'); done++; }} catch {{}} }}
            request.message = {{ done }};
            return request.ok();
        }};"
    );
    let script = |_: &str, _: &Value| (json!({ "found": false }), Vec::new());
    let run = run_with(&code, before(json!({})), script);
    assert_eq!(run.json()["message"], json!({ "done": 10 }));
    assert_eq!(run.asked.len(), 10);
}

#[test]
fn built_ins_that_were_replaced_do_not_lengthen_loops() {
    let code = format!(
        "{TAMPER}
        export default async (request) => {{
            let n = 0;
            const spin = () => {{ try {{ for (;;) n++; }} catch {{ return spin; }} }};
            spin()()();
            return request.ok();
        }};"
    );
    let run = run(&code, before(json!({})));
    assert!(
        run.failure().contains("loop iterations exceeds"),
        "{}",
        run.failure()
    );
}

#[test]
fn an_error_that_refuses_to_be_made_ends_the_execution_too() {
    let code = "Object.defineProperty(Error.prototype, 'name', { get() { throw new TypeError('mine'); } });
        export default async (request) => { try { for (;;); } catch {} return request.ok(); };";
    let run = run(code, before(json!({})));
    run.failure();
}

/// Enters the engine as the host does, with code of its own and with the pubnub driver.
const ENTER: &str = "const run = globalThis.__cqjs.asyncExports.run;
    const none = new Uint8Array(0);
    const load = () => run('{\"driver\":\"\"}', '(function (platform) { console.log(\"escaped\"); return { default: (request, response) => response.send(\"escaped\") }; })', none);
    const again = () => run('{\"driver\":\"pubnub\",\"request\":{\"type\":\"ON_INTERVAL\",\"event\":{}}}', null, none);";

#[test]
fn the_engine_is_not_entered_by_functions() {
    for (top, body) in [
        ("load();", ""),
        ("", "load();"),
        ("", "again();"),
        ("", "await null; load();"),
        (
            "",
            "setTimeout(load, 1); await new Promise((resolve) => setTimeout(resolve, 5));",
        ),
        ("", "try { load(); } catch {}"),
    ] {
        let code = format!(
            "{ENTER} {top} let calls = 0;
            export default async (request) => {{ console.log(`call ${{calls++}}`); {body} return request.ok(); }};"
        );
        let run = run(&code, before(json!({})));
        // The engine gives up a guest that ends a call which is over.
        assert!(run.outcome.result.is_err(), "{top}{body}");
        let lines = run.lines();
        assert!(lines.is_empty() || lines == ["log call 0"], "{lines:?}");
    }
}

#[test]
fn a_snapshot_holds_nothing_else_either() {
    let code = format!(
        "{ENTER} (async () => {{ await null; await null; load(); }})();
        export default (request, response) => response.send('genuine');"
    );
    let (program, _) = compile(&code);
    let (sandbox, own) = (harness::sandbox(), program.clone());
    harness::run(async move {
        let env = Arc::new(Env::default());
        sandbox.specialise(&own, &env).await.unwrap()
    });
    let outcome = harness::execute(&program, http("GET", "", json!([]), ""));
    if let Ok(response) = outcome.result {
        assert_eq!(response.body, "genuine");
    }
}

#[test]
fn the_engine_keeps_what_it_needs() {
    let code = "globalThis.__cqjs = undefined; export default (request) => request.ok();";
    assert!(run(code, before(json!({}))).outcome.result.is_err());
    let code = "(() => { Reflect.set(globalThis, '__cqjs', 1); Reflect.deleteProperty(globalThis, '__cqjs'); return new Promise((resolve) => setTimeout(() => resolve('fine'), 1)); })()";
    assert_eq!(evaluate(code, |_, _| unreachable!()).json(), "fine");
}
