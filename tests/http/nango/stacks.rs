//! Stacks name the author's file and line, wherever they are told.

use std::path::Path;

use serde_json::{Value, json};

use super::api::root;
use super::bed::{self, Place, start_in};
use super::sources::{action, sync};
use crate::server::until;

/// Throws in a helper; whoever catches it logs or throws it on.
const TOP: &str = "interface Wrong { why: string }
const fail = (wrong: Wrong): never => {
    throw new TypeError(wrong.why); // here
};";

/// Where `fail` throws in a source at a path.
fn place_of(code: &str, path: &str) -> String {
    let line = code.lines().position(|line| line.ends_with("// here"));
    format!("{path}:{}:", line.expect("a mark") + 1)
}

fn names(shown: &Value, place: &str) {
    let text = shown.to_string();
    assert!(text.contains(place), "{place} in {text}");
    assert!(!text.contains("bundle.js"), "{text}");
}

#[tokio::test]
async fn failures_of_actions_name_the_author_s_line() {
    let code = action(
        TOP,
        "if (input.log) { try { fail({ why: 'x' }); } catch (error) { await nango.log((error as Error).stack, { level: 'error' }); return 1; } } return fail({ why: 'x' });",
    );
    let place = Place::new().await;
    place.deploy("action", "one", &code).await;
    let there = place_of(&code, "github/actions/one.ts");
    let answer = place.act("one", json!({})).await;
    let error = answer.denied_with(500, "script_internal_error", &["payload"]);
    assert_eq!(error["payload"]["name"], "TypeError");
    names(&error["payload"]["stacktrace"], &there);

    // One that runs later, and one that another function calls.
    let body = json!({"action_name": "one", "input": {}});
    let made = place.behalf().with("x-async", "true");
    let made = made.post("/action/trigger", body).await;
    let url = format!("/action/{}", made.text("id"));
    let answer = until("the action", async || {
        let answer = place.client.get(&url).await;
        (answer.status != 404).then_some(answer)
    })
    .await;
    let error = answer.denied_with(500, "script_internal_error", &["payload"]);
    names(&error["payload"]["stacktrace"], &there);
    let calls = "return nango.triggerAction('github', 'conn-1', 'one', {});";
    place.deploy("action", "two", &action("", calls)).await;
    let answer = place.act("two", json!({})).await;
    names(&answer.json()["error"]["payload"], &there);

    // What an answer says that is good stays as it is.
    let text = "at x (bundle.js:1:1)";
    let echo = format!("return {};", json!(text));
    place.deploy("action", "echo", &action("", &echo)).await;
    assert_eq!(place.act("echo", json!({})).await.good(200), text);
}

#[tokio::test]
async fn dry_runs_name_it_in_logs_and_errors() {
    let body = "try { fail({ why: 'x' }); } catch (error) { await nango.log((error as Error).stack, { stack: (error as Error).stack }); } fail({ why: 'y' });";
    let place = Place::new().await;
    for (kind, code, path) in [
        (
            "action",
            action(TOP, &format!("{body} return 1;")),
            "github/actions/function.ts",
        ),
        (
            "sync",
            sync("", body).replace("const Thing", &format!("{TOP}\nconst Thing")),
            "github/syncs/function.ts",
        ),
    ] {
        let asked = json!({"integration_id": "github", "function_type": kind, "code": code, "connection_id": "conn-1"});
        let made = place.client.post("/functions/dryruns", asked).await;
        let row = bed::ended(&place.client, "dryruns", &made.text("id")).await;
        assert_eq!(row["error"]["code"], "dryrun_error", "{row}");
        let there = place_of(&code, path);
        names(&row["error"]["message"], &there);
        names(&row["error"]["payload"]["stacktrace"], &there);
        names(&row["output"], &there);
        let log = &row["details"]["logs"][0];
        names(&log["message"], &there);
        names(&log["meta"], &there);
    }
}

/// Beneath a function is the platform; whoever looks at its frames gets no hold of it.
#[tokio::test]
async fn stacks_hand_out_no_functions() {
    let body = "const kept = Error.prepareStackTrace;
        Error.prepareStackTrace = (_, sites) => sites;
        const sites = new Error().stack as unknown as NodeJS.CallSite[];
        Error.prepareStackTrace = kept;
        return sites.map((site) => [String(site.getFileName()), typeof site.getFunction(), typeof site.getThis()]);";
    let place = Place::new().await;
    place.deploy("action", "one", &action("", body)).await;
    let frames = place.act("one", json!({})).await.good(200);
    let frames = frames.as_array().expect("a list");
    let is_platform = |frame: &Value| {
        let file = frame[0].as_str().unwrap_or_default();
        file.starts_with("componentize-qjs:")
    };
    assert!(frames.iter().any(is_platform), "{frames:?}");
    for frame in frames {
        assert_eq!(
            (&frame[1], &frame[2]),
            (&json!("undefined"), &json!("undefined")),
            "{frame}"
        );
    }
}

/// Snapshots that programs have of their own, the engine image of the dialect among them.
fn snapshots(folder: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        count += match path.is_dir() {
            true => snapshots(&path),
            false => usize::from(name.to_string_lossy().starts_with("own-")),
        };
    }
    count
}

/// What runs often gets a snapshot; nothing else of it changes.
#[tokio::test]
async fn a_snapshot_answers_as_the_source_does() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = start_in(dir.path());
    let client = root(&server);
    bed::integrate(&client, "github", "github").await.good(200);
    let body = json!({
        "provider_config_key": "github", "connection_id": "conn-1",
        "credentials": {"type": "OAUTH2", "access_token": "tok-1"},
    });
    client.post("/connections", body).await.good(200);
    let top = format!("{TOP}\nlet runs = 0;");
    let body = "runs += 1; if (input.fail) { fail({ why: String(runs) }); } return { runs, id: (await nango.getConnection()).connection_id };";
    let code = action(&top, body);
    let deployed = bed::deploy(&client, "github", "action", "one", &code).await;
    assert_eq!(deployed["status"], "success", "{deployed}");
    let behalf = client
        .with("connection-id", "conn-1")
        .with("provider-config-key", "github");
    let act = async |fail: bool| {
        let body = json!({"action_name": "one", "input": {"fail": fail}});
        let answer = behalf.post("/action/trigger", body).await;
        (answer.status, answer.json())
    };
    let before = (act(false).await, act(true).await);
    assert_eq!(before.0, (200, json!({"runs": 1, "id": "conn-1"})));
    names(&before.1.1, &place_of(&code, "github/actions/one.ts"));
    let made = snapshots(dir.path());
    for _ in 0..20 {
        act(false).await;
    }
    until("a snapshot", async || {
        (snapshots(dir.path()) > made).then_some(())
    })
    .await;
    for _ in 0..3 {
        assert_eq!((act(false).await, act(true).await), before);
    }
}
