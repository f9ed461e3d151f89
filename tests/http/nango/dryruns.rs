//! `/functions/dryruns`.

use serde_json::{Value, json};

use super::api::has_members;
use super::bed::{self, Place};
use super::sources::{ACTION, FUNCTION, ON_EVENT, SYNC, action, sync};
use crate::client::Answer;

const PATH: &str = "/functions/dryruns";

async fn post(place: &Place, more: Value) -> Answer {
    let body = json!({"integration_id": "github", "function_type": "action", "code": ACTION, "connection_id": "conn-1"});
    bed::post(place, PATH, body, more).await
}

async fn done(place: &Place, more: Value) -> Value {
    bed::done(place, "dryruns", &post(place, more).await).await
}

#[tokio::test]
async fn an_action_is_tried() {
    let place = Place::new().await;
    let code = action(
        "",
        "        await nango.log('line', { a: 1 });
        console.log('printed');
        await nango.log('lost', { level: 'warn' });
        const { data } = await nango.get<{ t: number }>({ endpoint: '/now', params: { q: 'x' } });
        return { t: data.t, input };",
    );
    place.standin.expect(
        &[json!({"method": "GET", "path": "/now?q=x", "reply": {"json": {"t": 5}}})],
        false,
    );
    let row = done(&place, json!({"code": code, "input": {"b": null}})).await;
    has_members(
        &row,
        &[
            "id",
            "status",
            "integration_id",
            "function_type",
            "created_at",
            "updated_at",
            "started_at",
            "completed_at",
            "duration_ms",
            "output",
            "result",
        ],
        &["details"],
    );
    assert_eq!(
        (
            &row["status"],
            &row["integration_id"],
            &row["function_type"]
        ),
        (&json!("success"), &json!("github"), &json!("action"))
    );
    assert_eq!(row["result"], json!({"t": 5, "input": {"b": null}}));
    let output = row["output"].as_str().expect("a text");
    assert!(
        output.starts_with("Executing -> integration:\"github\" script:\"function\" \n"),
        "{output:?}"
    );
    assert!(output.ends_with("\nDone"), "{output:?}");
    let lines: Vec<&str> = output.lines().collect();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("line") && line.contains("[object Object]")),
        "{output}"
    );
    assert!(lines.contains(&"printed"), "{output}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("http [200] GET ") && line.contains("/now")),
        "{output}"
    );
    assert!(!output.contains("lost"), "{output}");
    assert_eq!(place.standin.faults(), Vec::<String>::new());
    // It is no deployment, and nothing is deployed.
    let id = row["id"].as_str().expect("an id");
    place
        .client
        .get(&format!("/functions/deployments/{id}"))
        .await
        .denied(404, "deployment_not_found");
    assert_eq!(
        place
            .client
            .get("/integrations/github/functions")
            .await
            .good(200)["data"],
        json!([])
    );
    let (_, other) = place.bed.project().await;
    other
        .get(&format!("{PATH}/{id}"))
        .await
        .denied(404, "dryrun_not_found");
}

#[tokio::test]
async fn results_are_told_apart() {
    let place = Place::new().await;
    for (returned, result) in [
        ("null", json!(null)),
        ("'text'", json!("text")),
        ("[1, 2]", json!([1, 2])),
        ("0", json!(0)),
    ] {
        let row = done(
            &place,
            json!({"code": action("", &format!("return {returned};"))}),
        )
        .await;
        assert_eq!(row.get("result"), Some(&result), "{row}");
        assert!(
            row["output"]
                .as_str()
                .is_some_and(|text| text.ends_with("Done")),
            "{row}"
        );
    }
    let row = done(&place, json!({"code": action("", "return undefined;")})).await;
    assert_eq!(row.get("result"), None, "{row}");
    assert!(
        row["output"]
            .as_str()
            .is_some_and(|text| text.trim_end().ends_with("undefined")),
        "{row}"
    );
    // Without an input there is none; null is one.
    let seen = action("", "return String(input);");
    assert_eq!(
        done(&place, json!({"code": seen})).await["result"],
        "undefined"
    );
    assert_eq!(
        done(&place, json!({"code": seen, "input": null})).await["result"],
        "null"
    );
    assert_eq!(
        done(&place, json!({"code": seen, "input": "x"})).await["result"],
        "x"
    );
}

#[tokio::test]
async fn a_sync_is_tried_and_nothing_is_kept() {
    let place = Place::new().await;
    let body = "        await nango.batchSave([{ id: 'a', name: 'A' }, { id: 'b' }], 'Thing');
        await nango.batchUpdate([{ id: 'a', name: 'AA' }], 'Thing');
        await nango.batchDelete([{ id: 'b' }], 'Thing');
        const point = await nango.getCheckpoint();
        await nango.saveCheckpoint({ n: (point?.n ?? 0) + 1 });
        const after = await nango.getCheckpoint();
        await nango.log(`from ${point?.n} to ${after?.n} since ${nango.lastSyncDate?.toISOString()} of ${JSON.stringify(await nango.getMetadata())}`);";
    let code = sync(
        "checkpoint: z.object({ n: z.number() }), metadata: z.object({ m: z.number() }),",
        body,
    );
    let row = done(&place, json!({"code": code, "function_type": "sync", "checkpoint": {"n": 4}, "metadata": {"m": 1}, "last_sync_date": "2026-01-01T00:00:00Z"})).await;
    assert_eq!(row["status"], "success", "{row}");
    assert_eq!(row.get("result"), None);
    let output = row["output"].as_str().expect("a text");
    assert!(
        output.contains("from 4 to 5 since 2026-01-01T00:00:00.000Z of {\"m\":1}"),
        "{output}"
    );
    let (_, rest) = output
        .split_once("\nDone\n")
        .unwrap_or_else(|| panic!("{output}"));
    for text in [
        "The dry run would produce the following results:",
        "The following log messages were generated:",
        "A batch save call would save the following data to the Thing model:",
        "A batch update call would save the following data to the Thing model:",
        "A batch delete call would delete the following data:",
        "\"name\": \"A\"",
    ] {
        assert!(rest.contains(text), "{text}: {rest}");
    }
    let counts = rest
        .split_once("results:")
        .map(|(_, rest)| rest.replace([' ', '\n'], ""))
        .unwrap_or_default();
    assert!(
        counts.starts_with("{\"updated\":")
            && counts.contains("\"added\":")
            && counts.contains("\"deleted\":1"),
        "{counts}"
    );
    place.deploy("sync", "function", &code).await;
    let records = place.behalf().get("/records?model=Thing").await.good(200);
    assert_eq!(records["records"], json!([]));
    // Nothing is printed of a run without batch calls.
    let row = done(
        &place,
        json!({"code": sync("", ""), "function_type": "sync"}),
    )
    .await;
    assert!(
        row["output"]
            .as_str()
            .is_some_and(|text| text.ends_with("Done")),
        "{row}"
    );
}

#[tokio::test]
async fn failures_are_told() {
    let place = Place::new().await;
    let body = "const how = String(input);
        await nango.log('before');
        if (how === 'own') { throw new nango.ActionError({ a: 1 }); }
        if (how === 'text') { throw 'x'; }
        if (how === 'http') { await nango.get({ endpoint: '/things', retries: 0 }); }
        throw new RangeError('too far');";
    let code = action("", body);
    let fail = async |input: &str| -> Value {
        let row = done(&place, json!({"code": code, "input": input})).await;
        assert_eq!(
            (&row["status"], &row["error"]["code"]),
            (&json!("failed"), &json!("dryrun_error")),
            "{row}"
        );
        assert_eq!(row.get("result"), None);
        let message = row["error"]["message"].as_str().expect("a text");
        assert_eq!(row["output"], message);
        assert!(message.contains("before"), "{message}");
        let (_, thrown) = message
            .split_once("An error occurred during execution")
            .unwrap_or_else(|| panic!("{message}"));
        serde_json::from_str(thrown.trim()).unwrap_or_else(|_| panic!("{thrown}"))
    };
    assert_eq!(
        fail("own").await,
        json!({"type": "action_script_runtime_error", "payload": {"a": 1}, "status": 500})
    );
    let thrown = fail("text").await;
    assert_eq!(
        (
            &thrown["type"],
            &thrown["payload"]["message"],
            &thrown["status"]
        ),
        (
            &json!("script_internal_error"),
            &json!("\"x\""),
            &json!(500)
        )
    );
    place.standin.expect(&[json!({"method": "GET", "path": "/things", "reply": {"status": 403, "json": {"why": "no"}}})], false);
    assert_eq!(
        fail("http").await,
        json!({"type": "script_http_error", "payload": {"why": "no"}, "status": 403})
    );
    let thrown = fail("other").await;
    assert_eq!(
        (&thrown["type"], &thrown["payload"]),
        (
            &json!("script_internal_error"),
            &json!({"name": "RangeError", "message": "too far"})
        )
    );
    assert!(
        thrown["stacktrace"]
            .as_array()
            .is_some_and(|stack| stack.len() <= 5),
        "{thrown}"
    );

    let row = done(
        &place,
        json!({"code": action("", "const a: string = 1; return a;")}),
    )
    .await;
    assert_eq!(
        (&row["status"], &row["error"]["code"]),
        (&json!("failed"), &json!("compilation_error")),
        "{row}"
    );
    for (kind, code, text) in [
        (
            "sync",
            ACTION,
            "Unable to find script file for \"function\"",
        ),
        (
            "action",
            SYNC,
            "Unable to find script file for \"function\"",
        ),
        (
            "action",
            ON_EVENT,
            "Unable to find script file for \"function\"",
        ),
        (
            "action",
            FUNCTION,
            "No script named \"function\" found in integration \"github\"",
        ),
    ] {
        let row = done(&place, json!({"function_type": kind, "code": code})).await;
        assert_eq!(
            (&row["status"], &row["error"]["code"]),
            (&json!("failed"), &json!("dryrun_error")),
            "{row}"
        );
        assert!(
            row["error"]["message"]
                .as_str()
                .is_some_and(|message| message.contains(text)),
            "{text}: {row}"
        );
    }
    let row = done(&place, json!({"function_type": "sync", "code": sync("checkpoint: z.object({ n: z.number() }),", ""), "checkpoint": {"n": {"deep": 1}}})).await;
    assert_eq!(row["error"]["code"], "dryrun_error", "{row}");
    assert!(
        row["error"]["message"]
            .as_str()
            .is_some_and(|message| message.contains("Invalid checkpoint: ")),
        "{row}"
    );
}

#[tokio::test]
async fn dry_runs_have_rules() {
    let place = Place::new().await;
    let undefined = "invalid_type · Invalid input: expected string, received undefined";
    let answer = place.client.post(PATH, json!({})).await;
    assert_eq!(
        answer.invalid("invalid_body"),
        [
            format!("{undefined} · [\"integration_id\"]"),
            "invalid_value · Invalid option: expected one of \"action\"|\"sync\" · [\"function_type\"]".to_owned(),
            format!("{undefined} · [\"code\"]"),
            format!("{undefined} · [\"connection_id\"]"),
        ]
    );
    for (more, entry) in [
        (
            json!({"function_name": "x"}),
            "unrecognized_keys · Unrecognized key: \"function_name\" · []",
        ),
        (
            json!({"metadata": []}),
            "invalid_type · Invalid input: expected record, received array · [\"metadata\"]",
        ),
        (
            json!({"checkpoint": "x"}),
            "invalid_type · Invalid input: expected record, received string · [\"checkpoint\"]",
        ),
        (
            json!({"last_sync_date": "2026-01-01"}),
            "invalid_format · Invalid ISO datetime · [\"last_sync_date\"]",
        ),
        (
            json!({"last_sync_date": "2026-01-01T00:00:00+01:00"}),
            "invalid_format · Invalid ISO datetime · [\"last_sync_date\"]",
        ),
        (
            json!({"connection_id": ""}),
            "too_small · Too small: expected string to have >=1 characters · [\"connection_id\"]",
        ),
    ] {
        let entries = post(&place, more.clone()).await.invalid("invalid_body");
        assert!(
            entries[0] == entry || more["connection_id"] == "",
            "{more}: {entries:?}"
        );
    }
    // The integration before the connection.
    let error = post(
        &place,
        json!({"integration_id": "nobody", "connection_id": "nobody"}),
    )
    .await
    .denied(404, "integration_not_found");
    assert_eq!(error["message"], "Integration 'nobody' was not found");
    let error = post(&place, json!({"connection_id": "nobody"}))
        .await
        .denied(404, "connection_not_found");
    assert_eq!(
        error["message"],
        "Connection 'nobody' was not found for integration 'github'"
    );
    let unknown = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let error = place
        .client
        .get(&format!("{PATH}/{unknown}"))
        .await
        .denied(404, "dryrun_not_found");
    assert_eq!(
        error["message"],
        format!("Dryrun '{unknown}' was not found")
    );
    place
        .client
        .get(&format!("{PATH}/nope"))
        .await
        .denied(400, "invalid_uri_params");
    place
        .client
        .post(&format!("{PATH}?x=1"), json!({}))
        .await
        .denied(400, "invalid_query_params");
    let key = place
        .keyed(&["environment:deploy", "environment:functions:compile"])
        .await;
    let error = key.post(PATH, json!({})).await.denied(403, "forbidden");
    assert_eq!(
        error["message"],
        "Insufficient scope. Required: environment:functions:dryrun"
    );
    key.get(&format!("{PATH}/{unknown}"))
        .await
        .denied(403, "forbidden");
}
