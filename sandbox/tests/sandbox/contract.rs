//! The contract of Appwrite Functions between runtime and function.

use sandbox::{Failure, LoadError, Program};
use serde_json::{Value, json};

use crate::harness::{execute, failure, get, module, request, run, sandbox, text};

#[test]
fn request_members() {
    let code = "module.exports = ({ req, res }) => {
        const { method, scheme, host, port, path, queryString, query, url, headers, bodyText, bodyRaw, body, bodyBinary } = req;
        return res.json({ method, scheme, host, port, path, queryString, query, url, headers, bodyText, bodyRaw, body,
            binary: [...bodyBinary], json: req.bodyJson, prototype: Object.keys(query) });
    };";
    let mut invocation = request(json!({
        "method": "post", "scheme": "https", "host": "fn.example.com", "port": 8443,
        "path": "/a/b", "queryString": "x=1&y=a=b&flag&x=2&__proto__=p&z=%20",
        "headers": { "Content-Type": "application/json; charset=utf-8", "X-Open-Runtimes-Secret": "no", "Cookie": "a=b" },
    }));
    invocation.body = "{\"k\":\"ü\"}".into();
    let value: Value = serde_json::from_str(&text(&execute(&module(code), invocation))).unwrap();
    assert_eq!(value["method"], "POST");
    assert_eq!(
        value["url"],
        "https://fn.example.com:8443/a/b?x=1&y=a=b&flag&x=2&__proto__=p&z=%20"
    );
    assert_eq!(value["port"], 8443);
    assert_eq!(value["query"]["x"], "2");
    assert_eq!(value["query"]["y"], "a=b");
    assert_eq!(value["query"]["flag"], "");
    assert_eq!(value["query"]["z"], "%20", "not decoded");
    assert_eq!(
        value["prototype"],
        json!(["x", "y", "flag", "__proto__", "z"])
    );
    assert_eq!(
        value["headers"],
        json!({ "content-type": "application/json; charset=utf-8", "cookie": "a=b" })
    );
    assert_eq!(value["bodyText"], "{\"k\":\"ü\"}");
    assert_eq!(value["bodyRaw"], value["bodyText"]);
    assert_eq!(value["body"], json!({ "k": "ü" }));
    assert_eq!(value["json"], json!({ "k": "ü" }));
    assert_eq!(value["binary"].as_array().unwrap().len(), 10);
}

#[test]
fn bodies_that_are_no_json() {
    let code = "module.exports = ({ req, res }) => {
        let json; try { json = req.bodyJson; } catch (error) { json = error.name; }
        return res.json([req.body, json]);
    };";
    let mut invocation = request(json!({ "headers": { "content-type": "text/plain" } }));
    invocation.body = "plain".into();
    assert_eq!(
        text(&execute(&module(code), invocation)),
        r#"["plain","SyntaxError"]"#
    );
    let empty = request(json!({ "headers": { "content-type": "application/json" } }));
    assert_eq!(
        text(&execute(&module(code), empty)),
        r#"[{},"SyntaxError"]"#
    );
}

#[test]
fn binary_goes_in_and_out_unchanged() {
    let code = "module.exports = ({ req, res }) => res.binary(req.bodyBinary, 201, { 'content-type': 'application/octet-stream' });";
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let mut invocation = get("/");
    invocation.body = bytes.clone().into();
    let response = execute(&module(code), invocation).result.unwrap();
    assert_eq!(response.body, bytes);
    assert_eq!(response.value["statusCode"], 201);
    assert_eq!(
        response.value["headers"],
        json!([["content-type", "application/octet-stream; charset=utf-8"]])
    );
}

#[test]
fn responses() {
    let cases = [
        (
            "res.text('hi')",
            200,
            json!([["content-type", "text/plain; charset=utf-8"]]),
            "hi",
        ),
        (
            "res.text('hi', 404, { 'X-A': 'b', 'Content-Type': 'TEXT/HTML' })",
            404,
            json!([["x-a", "b"], ["content-type", "text/html; charset=utf-8"]]),
            "hi",
        ),
        (
            "res.json({ a: [1] }, 201, { 'Content-Type': 'text/plain' })",
            201,
            json!([["content-type", "application/json; charset=utf-8"]]),
            "{\"a\":[1]}",
        ),
        (
            "res.empty()",
            204,
            json!([["content-type", "text/plain; charset=utf-8"]]),
            "",
        ),
        (
            "res.redirect('https://a.b/c')",
            301,
            json!([
                ["location", "https://a.b/c"],
                ["content-type", "text/plain; charset=utf-8"]
            ]),
            "",
        ),
        (
            "res.redirect('/x', 302, { a: '1' })",
            302,
            json!([
                ["a", "1"],
                ["location", "/x"],
                ["content-type", "text/plain; charset=utf-8"]
            ]),
            "",
        ),
        (
            "res.text('h', 200, { 'x-half': 'a\\ud800b' })",
            200,
            json!([
                ["x-half", "a\u{fffd}b"],
                ["content-type", "text/plain; charset=utf-8"]
            ]),
            "h",
        ),
        (
            "res.text('\\ud800')",
            200,
            json!([["content-type", "text/plain; charset=utf-8"]]),
            "\u{fffd}",
        ),
        (
            "res.send('s', 202)",
            202,
            json!([["content-type", "text/plain; charset=utf-8"]]),
            "s",
        ),
        (
            "res.text('c', 200, { 'Set-Cookie': ['a=1', 'b=2'], 'x-open-runtimes-x': 'y' })",
            200,
            json!([
                ["set-cookie", "a=1"],
                ["set-cookie", "b=2"],
                ["content-type", "text/plain; charset=utf-8"]
            ]),
            "c",
        ),
        (
            "res.text('m', 200, { 'content-type': 'multipart/form-data; boundary=x' })",
            200,
            json!([["content-type", "multipart/form-data; boundary=x"]]),
            "m",
        ),
    ];
    for (expression, code, headers, body) in cases {
        let program = module(&format!("module.exports = ({{ res }}) => {expression};"));
        let outcome = execute(&program, get("/"));
        assert_eq!(text(&outcome), body, "{expression}");
        let value = outcome.result.unwrap().value;
        assert_eq!(value["statusCode"], code, "{expression}");
        assert_eq!(value["headers"], headers, "{expression}");
    }
}

#[test]
fn logs_and_errors() {
    let code = "module.exports = ({ res, log, error }) => {
        log('a', 1, true, null, undefined, { d: new Date(0), n: [1, { m: 2 }] });
        const loop = {}; loop.self = loop;
        log(loop);
        log('x'.repeat(9000));
        console.log('native', 1);
        console.error('native error');
        error(new Error('told'));
        return res.empty();
    };";
    let outcome = execute(&module(code), get("/"));
    text(&outcome);
    let lines: Vec<&str> = outcome.logs.split('\n').collect();
    assert_eq!(
        lines[0],
        r#"a 1 true null undefined {"d":"1970-01-01T00:00:00.000Z","n":[1,{"m":2}]}"#
    );
    assert_eq!(lines[1], "[object Object]");
    assert_eq!(
        lines[2].len(),
        8000 + "... Log truncated due to size limit (8000 characters)".len()
    );
    assert!(lines[2].ends_with("x... Log truncated due to size limit (8000 characters)"));
    assert_eq!(
        lines[3],
        "Native logs detected. Use context.log() or context.error() for better experience."
    );
    assert_eq!(lines[4..], ["native 1", "native error", ""]);
    assert!(
        outcome.errors.starts_with("Error: told\n    at "),
        "{}",
        outcome.errors
    );
    assert!(
        outcome.errors.contains("bundle.js:8:"),
        "{}",
        outcome.errors
    );

    let mut quiet = get("/");
    quiet.logging = false;
    let outcome = execute(&module(code), quiet);
    assert_eq!((outcome.logs.as_str(), outcome.errors.as_str()), ("", ""));
}

#[test]
fn failures() {
    let threw = execute(
        &module("module.exports = async () => {\n  await null;\n  null.x;\n};"),
        get("/"),
    );
    let Failure::Threw(thrown) = failure(&threw) else {
        panic!("{:?}", threw.result);
    };
    assert_eq!(thrown.name, "TypeError");
    assert!(thrown.stack.contains("bundle.js:3:"), "{}", thrown.stack);
    assert!(thrown.stack.starts_with("TypeError: "), "{}", thrown.stack);
    assert!(!thrown.stack.contains("componentize"), "{}", thrown.stack);

    let nothing = execute(&module("module.exports = () => {};"), get("/"));
    assert_eq!(
        failure(&nothing).to_string(),
        "Return statement missing. return context.res.empty() if no response is expected."
    );

    let loads = [
        (
            module("exports.main = 5;"),
            LoadError::Signature,
            "Function signature invalid. Did you forget to export a 'main' function?",
        ),
        (
            module("require('left-pad');"),
            LoadError::Module,
            "Failed to load module: Error: Cannot find module 'left-pad'",
        ),
        (
            module("throw new RangeError('top');"),
            LoadError::Module,
            "Failed to load module: RangeError: top",
        ),
        (
            Program::javascript("(function () { return {{ }; })"),
            LoadError::Syntax,
            "Syntax error in ",
        ),
        (
            Program::javascript("(async function () { await null; throw new Error('late'); })"),
            LoadError::Module,
            "Failed to load module: Error: late",
        ),
    ];
    for (program, expected, message) in loads {
        let outcome = execute(&program, get("/"));
        let Failure::Load { kind, .. } = failure(&outcome) else {
            panic!("{:?}", outcome.result);
        };
        assert_eq!(*kind, expected);
        let told = failure(&outcome).to_string();
        assert!(told.starts_with(message), "{told}");
    }
}

#[test]
fn entry_points() {
    for code in [
        "(function () { return async ({ res }) => res.text('ran'); })",
        "(function () { return { default: ({ res }) => res.text('ran') }; })",
        "(function () { return { default: { default: ({ res }) => res.text('ran') } }; })",
        "(async function () { await null; return { default: ({ res }) => res.text('ran') }; })",
    ] {
        let program = Program::javascript(code);
        assert_eq!(text(&execute(&program, get("/"))), "ran", "{code}");
        let sandbox = sandbox();
        let loaded = run(async move { sandbox.smoke_test(&program, get("/")).await }).unwrap();
        assert!(loaded.handler);
    }
}

#[test]
fn timers_and_jobs_run_in_the_order_of_node() {
    let code = "module.exports = async ({ res }) => {
        const order = [];
        const all = new Promise((resolve) => {
            setTimeout(() => { order.push('t20'); resolve(); }, 20);
            setTimeout(() => { order.push('t5a'); Promise.resolve().then(() => order.push('job of t5a')); }, 5);
            setTimeout(() => order.push('t5b'), 5);
            clearTimeout(setTimeout(() => order.push('never'), 5));
            setImmediate(() => order.push('immediate'));
            queueMicrotask(() => order.push('microtask'));
        });
        order.push('sync');
        let ticks = 0;
        const interval = setInterval(() => { if (++ticks === 3) clearInterval(interval); }, 2);
        await all;
        return res.json({ order, ticks });
    };";
    let value: Value = serde_json::from_str(&text(&execute(&module(code), get("/")))).unwrap();
    assert_eq!(
        value["order"],
        json!([
            "sync",
            "microtask",
            "immediate",
            "t5a",
            "job of t5a",
            "t5b",
            "t20"
        ])
    );
    assert_eq!(value["ticks"], 3);
}
