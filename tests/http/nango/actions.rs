//! `/action`.

use serde_json::{Value, json};

use super::api::{has_members, is_uuid};
use super::bed::Place;
use super::sources::action;
use crate::server::until;

async fn deployed(body: &str) -> Place {
    let place = Place::new().await;
    place.deploy("action", "one", &action("", body)).await;
    place
}

#[tokio::test]
async fn the_output_is_answered_bare() {
    let place = deployed("return input.out;").await;
    for out in [
        json!({"a": [1, null]}),
        json!([1, 2]),
        json!("text"),
        json!(5),
        json!(false),
        json!(null),
    ] {
        let answer = place.act("one", json!({"out": out})).await;
        assert_eq!(answer.good(200), out);
    }
    let place = deployed("return JSON.stringify(input);").await;
    // What is nothing to JavaScript comes in as an empty object.
    for input in [json!(null), json!(0), json!(""), json!(false)] {
        assert_eq!(
            place.act("one", input.clone()).await.good(200),
            "{}",
            "{input}"
        );
    }
    for input in [
        json!(5),
        json!("x"),
        json!([]),
        json!([0]),
        json!(true),
        json!({"a": null}),
    ] {
        assert_eq!(
            place.act("one", input.clone()).await.good(200),
            input.to_string()
        );
    }
    let body = json!({"action_name": "one", "extra": 1});
    assert_eq!(
        place.behalf().post("/action/trigger", body).await.good(200),
        "{}"
    );
    // Neither input nor output are compared with their schemas.
    let code = super::sources::ACTION.replace("retries: 3", "retries: 0");
    place.deploy("action", "typed", &code).await;
    place.standin.expect(
        &[json!({"method": "GET", "path": "/now", "reply": {"json": {"t": 5, "more": 1}}})],
        false,
    );
    assert_eq!(
        place.act("typed", json!({})).await.good(200),
        json!({"celsius": 5})
    );
}

#[tokio::test]
async fn requests_have_rules() {
    let place = deployed("return 1;").await;
    let client = &place.client;
    let body = json!({"action_name": "one"});
    let path = "/action/trigger";
    client
        .post(path, body.clone())
        .await
        .denied(400, "invalid_headers");
    client
        .with("connection-id", "conn-1")
        .post(path, body.clone())
        .await
        .denied(400, "invalid_headers");
    let on = |connection: &str, key: &str| {
        client
            .with("connection-id", connection)
            .with("provider-config-key", key)
    };
    on("conn-1", "a/b")
        .post(path, body.clone())
        .await
        .denied(400, "invalid_headers");
    on("a#b", "github")
        .post(path, body.clone())
        .await
        .denied(400, "invalid_headers");
    on("nobody", "github")
        .post(path, body.clone())
        .await
        .denied(400, "unknown_connection");
    on("conn-1", "nobody")
        .post(path, body.clone())
        .await
        .denied(400, "unknown_provider");
    let behalf = place.behalf();
    for (name, value) in [
        ("x-max-retries", "6"),
        ("x-max-retries", "-1"),
        ("x-max-retries", "x"),
        ("x-async", "perhaps"),
    ] {
        behalf
            .with(name, value)
            .post(path, body.clone())
            .await
            .denied(400, "invalid_headers");
    }
    behalf
        .with("x-max-retries", "5")
        .with("x-async", "false")
        .post(path, body)
        .await
        .good(200);
    for (body, entry) in [
        (
            json!({}),
            "invalid_type · Invalid input: expected string, received undefined · [\"action_name\"]",
        ),
        (
            json!({"action_name": "a b"}),
            "invalid_format · Invalid string: must match pattern /^[a-zA-Z0-9_-]+$/ · [\"action_name\"]",
        ),
        (
            json!({"action_name": 1}),
            "invalid_type · Invalid input: expected string, received number · [\"action_name\"]",
        ),
    ] {
        behalf.post(path, body).await.wrong(entry);
    }
    let error = place.act("two", json!({})).await.denied(404, "not_found");
    assert_eq!(error["message"], "Action not found");
    let key = place.keyed(&["environment:functions:*"]).await;
    let error = key.post(path, json!({})).await.denied(403, "forbidden");
    assert_eq!(
        error["message"],
        "Insufficient scope. Required: environment:actions:execute"
    );
}

#[tokio::test]
async fn failures_have_their_envelopes() {
    let place = deployed(
        "const how = String(input.how);
        if (how === 'thrown') { throw new nango.ActionError(input.payload); }
        if (how === 'helper') { const fail = () => { throw new nango.ActionError({ from: 'helper' }); }; [1].forEach(fail); }
        if (how === 'type') { (undefined as any).x; }
        if (how === 'text') { throw 'x'; }
        if (how === 'http') { return (await nango.get({ endpoint: '/things', retries: 0 })).data; }
        if (how === 'network') { return (await nango.get({ endpoint: '/things', baseUrlOverride: 'http://127.0.0.1:1', retries: 0 })).data; }
        return 'x'.repeat(Number(input.size));",
    )
    .await;
    let act = async |input: Value| place.act("one", input).await;
    for (payload, told) in [
        (json!({"a": 1}), json!({"a": 1})),
        (json!([1]), json!({"message": [1]})),
        (json!("x"), json!({"message": "x"})),
        (json!(7), json!({"message": 7})),
    ] {
        let answer = act(json!({"how": "thrown", "payload": payload})).await;
        let error = answer.denied_with(500, "action_script_runtime_error", &["payload"]);
        assert_eq!(
            error,
            json!({"message": "The action script failed with a runtime error", "code": "action_script_runtime_error", "payload": told})
        );
    }
    let error = act(json!({"how": "helper"})).await.denied_with(
        500,
        "action_script_runtime_error",
        &["payload"],
    );
    assert_eq!(error["payload"], json!({"from": "helper"}));
    let error = act(json!({"how": "thrown", "payload": {"text": "x".repeat(200_000)}})).await;
    let error = error.denied_with(500, "action_script_runtime_error", &["payload"]);
    assert!(error["payload"].to_string().len() < 101_000);
    let error =
        act(json!({"how": "type"}))
            .await
            .denied_with(500, "script_internal_error", &["payload"]);
    has_members(
        &error["payload"],
        &["name", "message"],
        &["code", "stacktrace"],
    );
    assert_eq!(error["payload"]["name"], "TypeError");
    let stack = error["payload"]["stacktrace"].as_array().expect("a stack");
    assert!((1..=10).contains(&stack.len()), "{error}");
    act(json!({"how": "text"}))
        .await
        .denied_with(500, "script_internal_error", &["payload"]);

    let reply = json!({"status": 422, "headers": {"x-ratelimit-left": "7", "x-other": "1"}, "json": {"why": "no"}});
    place.standin.expect(
        &[json!({"method": "GET", "path": "/things", "reply": reply})],
        false,
    );
    let error = act(json!({"how": "http"})).await.denied_with(
        424,
        "script_http_error",
        &["payload", "upstream"],
    );
    assert_eq!(error["payload"], json!({"why": "no"}));
    assert_eq!(
        (&error["upstream"]["status"], &error["upstream"]["body"]),
        (&json!(422), &json!({"why": "no"}))
    );
    assert_eq!(
        error["upstream"]["headers"],
        json!({"content-type": "application/json", "x-ratelimit-left": "7"})
    );
    let error = act(json!({"how": "network"})).await.denied_with(
        500,
        "script_network_error",
        &["payload", "upstream"],
    );
    assert!(error.to_string().contains("ECONNREFUSED"), "{error}");

    // Two MiB of JSON, quotes and all.
    let answer = act(json!({"size": 2_097_150})).await;
    assert_eq!(answer.status, 200);
    let error = act(json!({"size": 2_097_151})).await.denied_with(
        500,
        "script_internal_error",
        &["payload"],
    );
    let text = error["message"]
        .as_str()
        .or(error["payload"]["message"].as_str())
        .unwrap_or_default();
    assert!(text.starts_with("Output size is too large"), "{error}");
}

#[tokio::test]
async fn actions_can_run_later() {
    let place = deployed("if (input.wait) { await nango.get({ endpoint: '/slow', retries: 0 }); } if (input.fail) { throw new nango.ActionError({ failed: true }); } return { got: input };").await;
    let later = place.behalf().with("x-async", "true");
    let body = |input: Value| json!({"action_name": "one", "input": input});
    let made = later.post("/action/trigger", body(json!({"a": 1}))).await;
    let answer = made.good(202);
    has_members(&answer, &["id", "statusUrl"], &[]);
    is_uuid(&answer["id"]);
    let url = format!("/action/{}", made.text("id"));
    assert_eq!(
        (&answer["statusUrl"], made.header("location")),
        (&json!(url), &*url)
    );
    let ended = async |url: &str| {
        until("an action", async || {
            let answer = place.client.get(url).await;
            // Until it has ended there is nothing.
            (answer.status != 404).then_some(answer)
        })
        .await
    };
    assert_eq!(ended(&url).await.good(200), json!({"got": {"a": 1}}));
    assert_eq!(
        place.client.get(&url).await.good(200),
        json!({"got": {"a": 1}})
    );
    let made = later
        .post("/action/trigger", body(json!({"fail": true})))
        .await;
    let failed = ended(&format!("/action/{}", made.text("id"))).await;
    let error = failed.denied_with(500, "action_script_runtime_error", &["payload"]);
    assert_eq!(error["payload"], json!({"failed": true}));
    place
        .client
        .get("/action/0f8fad5b-d9cb-469f-a165-70867728950e")
        .await
        .denied(404, "not_found");
    place
        .client
        .get("/action/nope")
        .await
        .denied(400, "invalid_uri_params");
}

#[tokio::test]
async fn a_repeat_is_one_run() {
    let place = deployed("await nango.post({ endpoint: '/count' }); return 1;").await;
    place.standin.expect(
        &[json!({"method": "POST", "path": "/count", "reply": {"json": {}}})],
        false,
    );
    let keyed = place.behalf().with("idempotency-key", "one-run");
    let body = json!({"action_name": "one"});
    let first = keyed.post("/action/trigger", body.clone()).await;
    assert_eq!(first.good(200), 1);
    assert!(first.position() > 0);
    let again = keyed.post("/action/trigger", body).await;
    assert_eq!(again.position(), first.position(), "{again:?}");
    assert_eq!(place.standin.calls().len(), 1);
}

#[tokio::test]
async fn functions_call_functions() {
    let place = deployed("const price = await nango.triggerAction<unknown, number>('github', 'conn-1', 'price', { of: 2 }); return price + 1;").await;
    place
        .deploy(
            "action",
            "price",
            &action(
                "",
                "if (input.of === 2) { return 20; } throw new nango.ActionError({ of: input.of });",
            ),
        )
        .await;
    assert_eq!(place.act("one", json!({})).await.good(200), 21);
    // One that calls itself comes to an end.
    place
        .deploy(
            "action",
            "again",
            &action(
                "",
                "return nango.triggerAction('github', 'conn-1', 'again', {});",
            ),
        )
        .await;
    let answer = place.act("again", json!({})).await;
    assert!((424..=500).contains(&answer.status), "{answer:?}");
}

#[tokio::test]
async fn the_connection_is_changed_by_functions() {
    let place = deployed(
        "await nango.setMetadata({ a: 1, b: { c: 2 } } as never);
        await nango.updateMetadata({ b: 3 } as never);
        const connection = await nango.getConnection();
        const integration = await nango.getIntegration();
        return { metadata: await nango.getMetadata(), token: await nango.getToken(), id: connection.connection_id, key: integration.unique_key, lock: [await nango.tryAcquireLock({ key: 'k', ttlMs: 1000 }), await nango.tryAcquireLock({ key: 'k', ttlMs: 1000 }), await nango.releaseLock({ key: 'k' }), await nango.releaseLock({ key: 'k' })] };",
    )
    .await;
    let out = place.act("one", json!({})).await.good(200);
    assert_eq!(
        (&out["metadata"], &out["token"], &out["id"], &out["key"]),
        (
            &json!({"a": 1, "b": 3}),
            &json!("s3cret-token"),
            &json!("conn-1"),
            &json!("github")
        )
    );
    assert_eq!(out["lock"][3], false, "{out}");
    let shown = place
        .client
        .get("/connections/conn-1?provider_config_key=github")
        .await
        .good(200);
    assert_eq!(shown["metadata"], json!({"a": 1, "b": 3}));
}

#[tokio::test]
async fn the_host_has_only_what_it_should() {
    let place = deployed(
        "const there = ['fetch', 'Headers', 'process', 'global', 'setInterval', 'clearTimeout', 'setImmediate', 'queueMicrotask', 'TextEncoder', 'TextDecoder', 'btoa', 'atob', 'structuredClone', 'AbortController', 'crypto', 'performance', 'WebSocket'].filter((name) => name in globalThis);
        const missing = ['Buffer', 'setTimeout', 'Error', 'URL', 'URLSearchParams', 'console', 'JSON', 'Intl', 'BigInt', 'Proxy', 'Reflect'].filter((name) => !(name in globalThis));
        const say = async (f: () => unknown): Promise<string> => { try { return String(await f()); } catch (error) { return (error as Error).message; } };
        const hidden = (nango as any);
        return {
            there, missing, proto: Object.getPrototypeOf(nango),
            refused: [await say(() => hidden.nango), await say(() => hidden.constructor), await say(() => hidden.lifecycle)],
            code: [await say(() => eval('1')), await say(() => new Function('return 1')())],
            module: await say(() => require('fs')), url: await say(() => typeof require('url').URLSearchParams), hash: await say(() => require('crypto').createHash('md5').update('').digest('hex')),
            console: await say(() => console.log('x'))
        };",
    )
    .await;
    let out = place.act("one", json!({})).await.good(200);
    assert_eq!(
        (&out["there"], &out["missing"], &out["proto"]),
        (&json!([]), &json!([]), &json!(null)),
        "{out}"
    );
    assert_eq!(
        out["refused"],
        json!([
            "Access to \"nango\" is not allowed.",
            "Access to \"constructor\" is not allowed.",
            "Access to \"lifecycle\" is not allowed."
        ])
    );
    for refused in out["code"].as_array().expect("a list") {
        assert_ne!(*refused, "1", "{out}");
    }
    assert_eq!(out["module"], "Module 'fs' is not allowed");
    assert_eq!(
        (&out["url"], &out["hash"], &out["console"]),
        (
            &json!("function"),
            &json!("d41d8cd98f00b204e9800998ecf8427e"),
            &json!("undefined")
        )
    );
}
