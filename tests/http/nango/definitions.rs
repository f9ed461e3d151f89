//! Sources that are bundled and then do not load, or define what may not be.

use serde_json::json;

use super::api::{root, shared};
use super::sources::{ACTION, action, sync};
use super::told::{BUILDING, FAILED, FILE, broken, does_not_define, told};
use crate::server::Server;

#[tokio::test]
async fn a_source_needs_a_default_export() {
    let client = shared();
    let head = [
        "✓ Typechecking",
        BUILDING,
        "  Building 1 file(s)",
        "✓ Building 1 file(s)",
        "✗ Failed to compile definitions",
    ];
    for code in [" ", "// nothing\n", "export {};", "export type T = string;"] {
        let lines = told(&client, code).await;
        assert_eq!(lines[..5], head, "{lines:?}");
        assert_eq!(lines[5..], ["Script should have a default export <path>"]);
    }
}

#[tokio::test]
async fn definitions_of_syncs_have_rules() {
    let client = shared();
    let frequency = "createSync > frequency Interval is invalid, check syntax here /vercel/ms";
    let every = |text: &str| sync("", "").replace("'every day'", &format!("'{text}'"));
    for text in [
        "nonsense",
        "every",
        "every blue moon",
        "",
        "@daily",
        "* * * * *",
    ] {
        does_not_define(&told(&client, &every(text)).await, frequency);
    }
    for text in ["every 10s", "every 29 seconds", "every 1ms"] {
        let lines = told(&client, &every(text)).await;
        assert!(
            lines[6].starts_with("  createSync > frequency "),
            "{lines:?}"
        );
    }
    for text in [
        "every month",
        "every week",
        "every day",
        "every hour",
        "every half day",
        "every half hour",
        "every quarter hour",
        "every 5m",
        "every 6 hours",
        "every 1d",
        "every 30s",
        "every 30 seconds",
        "every 5 minutes",
    ] {
        let answer = client
            .post("/functions/compile", json!({"code": every(text)}))
            .await;
        assert_eq!(answer.status, 200, "{text}: {answer:?}");
    }
    let endpoints = "createSync > endpoints The number of endpoints doesn't match the number of models. You need as many endpoints as models";
    let code = sync("endpoints: [{ method: 'GET', path: '/a' }],", "");
    does_not_define(&told(&client, &code).await, endpoints);
    let code = sync(
        "endpoints: [{ method: 'GET', path: '/a' }, { method: 'GET', path: '/b' }],",
        "",
    );
    client
        .post("/functions/compile", json!({"code": code}))
        .await
        .good(200);
    let code = sync(
        "endpoints: [{ method: 'GET', path: '/a' }, { method: 'GET', path: '/a' }],",
        "",
    );
    let lines = told(&client, &code).await;
    assert!(
        lines[6].starts_with("  createSync > endpoints "),
        "{lines:?}"
    );
    for model in ["thing", "Thing-s", "1Thing", "Th ing"] {
        let code = sync("", "").replace(
            "{ Thing, Other }",
            &format!("{{ '{model}': Thing, Other }}"),
        );
        let text = format!(
            "createSync > models Model \"{model}\" contains invalid characters. It should start with an uppercase and only contains alphanumeric characters"
        );
        does_not_define(&told(&client, &code).await, &text);
    }
    let code = sync("syncType: 'incremental', trackDeletes: true,", "");
    does_not_define(
        &told(&client, &code).await,
        "createSync > trackDeletes Track deletes is not supported for incremental syncs",
    );
    let code = sync(
        "syncType: 'full', trackDeletes: true, autoStart: false, scopes: ['a'], version: '2.0.0', checkpoint: z.object({ a: z.string(), b: z.number(), c: z.boolean() }), metadata: z.object({}), webhookSubscriptions: ['*'],",
        "",
    );
    client
        .post("/functions/compile", json!({"code": code}))
        .await
        .good(200);
}

#[tokio::test]
async fn definitions_of_other_kinds_have_rules() {
    let client = shared();
    let experimental = |more: &str| {
        format!(
            "import {{ createFunction }} from 'nango/experimental';\nimport {{ z }} from 'zod';\nexport default createFunction({{ description: 'x', input: z.any(), output: z.any(), {more} exec: async () => 1 }});\n"
        )
    };
    for more in ["", "trigger: { kind: 'none' },"] {
        let answer = client
            .post("/functions/compile", json!({"code": experimental(more)}))
            .await;
        assert_eq!(answer.status, 200, "{more}: {answer:?}");
    }
    for more in [
        "trigger: { kind: 'schedule', frequency: 'every day' },",
        "trigger: { kind: 'http' },",
        "trigger: { kind: 'event', events: ['post-connection-creation'] },",
        "data: { models: { Thing: z.object({ id: z.string() }) } },",
        "requires: { connection: false },",
        "requires: { invoke: true },",
    ] {
        broken(&client, &experimental(more)).await;
    }
    let event = |name: &str| {
        format!(
            "import {{ createOnEvent }} from 'nango';\nexport default createOnEvent({{ description: 'x', event: '{name}', exec: async () => {{}} }});\n"
        )
    };
    for name in [
        "post-connection-creation",
        "pre-connection-deletion",
        "validate-connection",
    ] {
        client
            .post("/functions/compile", json!({"code": event(name)}))
            .await
            .good(200);
    }
    broken(&client, &event("after-lunch")).await;
    for missing in ["description: 'x',", "input: z.any(),", "output: z.any(),"] {
        broken(&client, &action("", "return 1;").replace(missing, "")).await;
    }
    for missing in [
        "description: 'x',",
        "frequency: 'every day',",
        "models: { Thing, Other },",
    ] {
        broken(&client, &sync("", "").replace(missing, "")).await;
    }
}

#[tokio::test]
async fn the_top_level_runs() {
    let client = shared();
    let head = [
        "✓ Typechecking",
        BUILDING,
        "  Building 1 file(s)",
        "✓ Building 1 file(s)",
        "✗ Generating artifacts",
    ];
    let code = action(
        "const limit: number = (() => { if (Date.now() > 0) { throw new Error('no limit today'); } return 1; })();",
        "return limit;",
    );
    let lines = told(&client, &code).await;
    assert_eq!(lines[..5], head, "{lines:?}");
    assert!(lines[5].contains("no limit today"), "{lines:?}");
    // With its stack, in the lines of the source.
    assert!(
        lines[6..]
            .iter()
            .any(|line| line.contains(&format!("{FILE}:3"))),
        "{lines:?}"
    );
    for code in [
        action("JSON.parse('{');", "return 1;"),
        action(
            "const nothing = (globalThis as unknown as { a: { b: string } }).a.b;",
            "return nothing;",
        ),
        action("throw 'x';", "return 1;")
            .replace("throw 'x';", "const text = 'x'; if (text) { throw text; }"),
    ] {
        let lines = told(&client, &code).await;
        assert_eq!(lines[..5], head, "{lines:?}");
    }
    // It cannot take the server down with it.
    for top in [
        "const all: number[][] = []; for (let i = 0; i >= 0; i += 0) { all.push(new Array(1e6).fill(1)); }",
        "const deep = (n: number): number => 1 + deep(n + 1); deep(0);",
    ] {
        broken(&client, &action(top, "return 1;")).await;
    }
    client
        .post("/functions/compile", json!({"code": ACTION}))
        .await
        .good(200);
}

#[tokio::test]
async fn a_top_level_without_end_is_cut_off() {
    let code = action("for (let i = 0; i >= 0; i += 0) {}", "return 1;");
    let answer = shared()
        .post("/functions/compile", json!({"code": code}))
        .await;
    match answer.status {
        504 => assert_eq!(
            answer.denied(504, "timeout")["message"],
            "Compilation timed out"
        ),
        _ => drop(answer.denied(400, "compilation_error")),
    }
}

#[tokio::test]
async fn top_level_await_is_refused() {
    let code = "import { createAction } from 'nango';
import { z } from 'zod';
const one = await Promise.resolve(1);
export default createAction({ description: 'x', input: z.any(), output: z.any(), exec: async () => one });
";
    let lines = told(&shared(), code).await;
    assert_eq!(
        lines,
        [
            "✓ Typechecking",
            BUILDING,
            FAILED,
            "Build failed with 1 error:",
            &format!(
                "{FILE}:3:12: ERROR: Top-level await is currently not supported with the \"cjs\" output format"
            ),
        ]
    );
}

#[tokio::test]
async fn texts_hide_where_the_server_lives() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start_with(dir.path(), &[("STRATA_TEST_SECRET_NAME", "x")]);
    let client = root(&server);
    let text = "see https://h.example/p?q#f and http://h.example not /etc/passwd or (/srv/x) of STRATA_TEST_SECRET_NAME, a/b:3:4";
    let throws = |text: &str| {
        action(
            &format!(
                "const limit: number = (() => {{ if (Date.now() > 0) {{ throw new Error({text}); }} return 1; }})();"
            ),
            "return limit;",
        )
    };
    let error = broken(&client, &throws(&format!("'{text}'"))).await;
    let message = error["message"].as_str().expect("a text");
    let shown = "see /p?q#f and  not <path> or (<path>) of <env>, a/b:3:4";
    assert!(message.contains(shown), "{message}");
    assert!(!message.contains("h.example"), "{message}");
    assert!(
        !error.to_string().contains("h.example"),
        "the data too: {error}"
    );
    assert!(
        !message.contains(&*dir.path().to_string_lossy()),
        "{message}"
    );
    let error = broken(&client, &throws("'é'.repeat(30000)")).await;
    let message = error["message"].as_str().expect("a text");
    assert_eq!(message.chars().count(), 20_000);
}
