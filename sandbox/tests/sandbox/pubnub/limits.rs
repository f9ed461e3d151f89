//! Budgets of calls, of loops, and of a line of the console.

use serde_json::{Value, json};

use super::{before, evaluate, http, run, run_with};

const CALLS: [(&str, &str, usize); 4] = [
    ("xhr", "require('xhr').fetch('https://example.com/')", 5),
    ("vault", "require('vault').get('a')", 10),
    ("kvstore", "require('kvstore').get('a')", 10),
    (
        "pubnub",
        "require('pubnub').publish({ channel: 'a', message: {} })",
        10,
    ),
];

fn script(op: &str, _: &Value) -> (Value, Vec<u8>) {
    let answer = match op {
        "pubnub.xhr" => json!({ "status": 200, "headers": [] }),
        "pubnub.kv-get" => json!({ "found": false }),
        "pubnub.publish" => json!({ "answer": [1, "Sent", "17"] }),
        _ => json!({ "value": null }),
    };
    (answer, Vec::new())
}

#[test]
fn calls_beyond_the_budget_reject_and_the_function_goes_on() {
    for (name, call, limit) in CALLS {
        let code = format!(
            "(async () => {{ let done = 0; const texts = []; for (let i = 0; i < {limit} + 2; i++) {{ try {{ await {call}; done++; }} catch (error) {{ texts.push(String(error)); }} }} return [done, texts]; }})()"
        );
        let text = format!("Error: {name} execution calls exceeds: {limit}");
        let run = evaluate(&code, script);
        assert_eq!(run.json(), json!([limit, [text, text]]), "{name}");
        assert_eq!(run.asked.len(), limit, "{name}");
    }
}

#[test]
fn budgets_are_separate_and_shared_by_the_calls_of_a_module() {
    let code = "(async () => {
        const kv = require('kvstore'), vault = require('vault');
        await Promise.all([kv.get('a'), kv.set('a', 1), kv.setItem('a', 'b'), kv.removeItem('a'), kv.get('b'), kv.get('c'), kv.get('d'), kv.get('e'), kv.get('f'), kv.get('g')]);
        await vault.get('x');
        return kv.getCounter('n');
    })()";
    let run = evaluate(code, script);
    assert_eq!(
        run.json(),
        "threw Error: kvstore execution calls exceeds: 10"
    );
    assert_eq!(run.asked.len(), 11);
}

#[test]
fn a_rejection_that_nobody_catches_is_the_error_of_the_execution() {
    let code = "export default async (request) => { const kv = require('kvstore'); for (let i = 0; i < 11; i++) await kv.get('a'); return request.ok(); };";
    let run = run_with(code, before(json!({})), script);
    assert_eq!(
        run.first_line(),
        "Error: kvstore execution calls exceeds: 10"
    );
}

#[test]
fn a_hundred_thousand_iterations_are_fine() {
    let code = "let top = 0; for (let i = 0; i < 100000; i++) top++;
        export default (request) => {
            let n = 0;
            for (let i = 0; i < 20000; i++) n++;
            for (const _ of Array(20000).keys()) n++;
            for (const _ in 'x'.repeat(20000)) n++;
            while (n < 80000) n++;
            do n++; while (n < 100000);
            request.message = { n, top };
            return request.ok();
        };";
    let run = run(code, before(json!({})));
    assert_eq!(
        run.json()["message"],
        json!({ "n": 100_000, "top": 100_000 })
    );
}

#[test]
fn one_more_ends_the_execution_whatever_is_caught() {
    let bodies = [
        "for (;;) {}",
        "for (;;);",
        "while (true) { try { n++; } catch {} }",
        "do ; while (true);",
        "for (const _ of endless()) ;",
        "for (const _ in 'x'.repeat(100001)) ;",
        "for await (const _ of endless()) ;",
        "outer: for (;;) { for (;;) continue outer; }",
        "for (;;) for (;;) if (n++ % 2) break;",
        "const again = () => { try { for (;;); } catch { again(); } }; again();",
        "for (;;) await null;",
    ];
    for body in bodies {
        let code = format!(
            "let n = 0; function* endless() {{ for (;;) yield 1; }}
            export default async (request) => {{
                try {{ {body} }} catch {{}}
                try {{ await require('kvstore').set('after', 1); }} catch {{}}
                return request.ok();
            }};"
        );
        let run = run(&code, before(json!({})));
        assert_eq!(
            run.first_line(),
            "Error: loop iterations exceeds: 100000",
            "{body}"
        );
        assert!(run.asked.is_empty(), "{body}: {:?}", run.asked);
    }
}

#[test]
fn loops_of_the_top_level_are_bounded() {
    let code = "try { for (;;); } catch {} export default (request) => request.ok();";
    assert_eq!(
        run(code, before(json!({}))).first_line(),
        "Error: loop iterations exceeds: 100000"
    );
}

#[test]
fn lines_of_the_console() {
    let code = "export default (request) => {
        const loop = {}; loop.self = loop;
        console.log('a', 1, true, null, undefined, { b: [1, { c: 'd' }] }, [1], 2n, Symbol('s'), function f() {}, loop, new Error('x'));
        console.info('i'); console.warn('w'); console.error('e'); console.debug('d'); console.log();
        console.log('é'.repeat(600)); console.log('x'.repeat(1023) + '😀'); console.log('x'.repeat(1024)); console.log('\\ud800');
        return request.ok();
    };";
    let run = run(code, before(json!({})));
    assert_eq!(
        run.lines()[..6],
        [
            r#"log a 1 true null undefined {"b":[1,{"c":"d"}]} [1] 2 Symbol(s) [Function: f] [object Object] Error: x"#,
            "info i",
            "warn w",
            "error e",
            "debug d",
            "log ",
        ]
    );
    let texts: Vec<&str> = run.printed[6..]
        .iter()
        .map(|line| line["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts[0], "é".repeat(512));
    assert_eq!(texts[1], "x".repeat(1023));
    assert_eq!(texts[2], "x".repeat(1024));
    assert_eq!(texts[3], "\u{fffd}");
    assert!(run.printed[0]["ts"].as_u64().unwrap() > 1_700_000_000_000);
}

#[test]
fn what_is_printed_never_fails() {
    let code = "export default (request, response) => {
        console.log({ toJSON() { throw new Error('no'); } }, new Proxy({}, { get() { throw 1; } }));
        return response.send('fine');
    };";
    assert_eq!(run(code, http("GET", "", json!([]), "")).text(), "fine");
}
