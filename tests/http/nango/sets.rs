//! `/functions/deployments/bundle`: sets of functions that the command line has compiled.

use serde_json::{Value, json};

use super::bed::{self, Place, integrate};
use super::sources::{FUNCTION, action};
use crate::client::Answer;

const PATH: &str = "/functions/deployments/bundle";

fn entry(name: &str, more: Value) -> Value {
    let mut entry = json!({
        "name": name,
        "integrationId": "github",
        "description": "Twice as much",
        "trigger": {"kind": "none"},
        "requires": {},
        "capabilities": {"usesRecords": false, "usesOutbound": false, "usesCheckpoints": false, "usesMetadata": false, "usesInvoke": false},
        "limits": {},
        "input_schema_ref": "#/definitions/Input",
        "output_schema_ref": null,
        "model_schema_refs": [],
        "metadata_schema_ref": null,
        "checkpoint_schema_ref": null,
        "json_schema": {"definitions": {"Input": {"type": "object"}, "Thing": {"type": "object"}}},
        "fileBody": {"js": format!("exports.default = {{ type: 'function', exec: () => '{name}' }};"), "ts": FUNCTION},
    });
    for (name, value) in more.as_object().expect("an object") {
        entry[name] = value.clone();
    }
    entry
}

fn set(functions: &[Value]) -> Value {
    json!({"reconciliationScope": {"kind": "environment"}, "functions": functions})
}

async fn deploy(place: &Place, body: &Value) -> Value {
    place.client.post(PATH, body.clone()).await.good(200)
}

fn named(names: &[&str]) -> Value {
    let named = names
        .iter()
        .map(|name| json!({"integrationId": "github", "name": name}));
    named.collect()
}

fn told(created: &[&str], updated: &[&str], unchanged: &[&str], deleted: &[&str]) -> Value {
    json!({"created": named(created), "updated": named(updated), "unchanged": named(unchanged), "deleted": named(deleted)})
}

async fn listed(place: &Place) -> Vec<String> {
    let path = "/integrations/github/functions";
    let all = place.client.get(path).await.good(200);
    let all = all["data"].as_array().expect("a list").iter();
    all.map(|one| {
        format!(
            "{} {}",
            one["type"].as_str().unwrap_or_default(),
            one["name"]
        )
    })
    .collect()
}

#[tokio::test]
async fn a_set_is_all_there_is_to_be() {
    let place = Place::new().await;
    place
        .deploy("action", "stays", &action("", "return 1;"))
        .await;
    let both = set(&[entry("one", json!({})), entry("two", json!({}))]);
    let preview = async |body: &Value| {
        let path = format!("{PATH}/preview");
        place.client.post(&path, body.clone()).await.good(200)
    };
    assert_eq!(preview(&both).await, told(&["one", "two"], &[], &[], &[]));
    assert_eq!(listed(&place).await, ["action \"stays\""]);
    let answer = place.client.post(PATH, both.clone()).await;
    assert_eq!(answer.good(200), told(&["one", "two"], &[], &[], &[]));
    assert!(answer.position() > 0);
    let all = ["action \"stays\"", "function \"one\"", "function \"two\""];
    assert_eq!(listed(&place).await, all);
    assert_eq!(preview(&both).await, told(&[], &[], &["one", "two"], &[]));

    // What is read back.
    let path = "/integrations/github/functions/one";
    let shown = place.client.get(path).await.good(200)["data"].clone();
    assert_eq!(
        (
            &shown["source"],
            &shown["input"],
            &shown["trigger"],
            &shown["description"]
        ),
        (
            &json!("repo"),
            &json!("Input"),
            &json!({"kind": "none"}),
            &json!("Twice as much")
        )
    );
    let version = shown["version"].as_str().expect("a text").to_owned();
    assert_eq!(version.len(), 64);
    let code = place.client.get(&format!("{path}/code")).await.good(200);
    assert_eq!(code, json!({"type": "function", "code": FUNCTION}));
    place
        .client
        .delete(&format!("{path}?type=function"))
        .await
        .denied(400, "function_managed_by_deploy");

    // Another order of keys is no change; another text is.
    let mut other = entry("one", json!({"description": "x"}));
    other["description"] = "Twice as much".into();
    let changed = entry("two", json!({"description": "Three times"}));
    let body = set(&[other, changed, entry("three", json!({}))]);
    let expected = told(&["three"], &["two"], &["one"], &[]);
    assert_eq!(preview(&body).await, expected);
    assert_eq!(deploy(&place, &body).await, expected);
    let shown = place.client.get(path).await.good(200)["data"].clone();
    assert_eq!(shown["version"], *version);
    let expected = told(&[], &[], &["one"], &["three", "two"]);
    assert_eq!(
        deploy(&place, &set(&[entry("one", json!({}))])).await,
        expected
    );
    assert_eq!(listed(&place).await, all[..2]);

    // A set of one integration leaves the others alone.
    integrate(&place.client, "stripe", "stripe").await.good(200);
    let body = json!({"reconciliationScope": {"kind": "integration", "integrationId": "stripe"}, "functions": [entry("mine", json!({"integrationId": "stripe"}))]});
    let answer = deploy(&place, &body).await;
    assert_eq!(
        answer["created"],
        json!([{"integrationId": "stripe", "name": "mine"}])
    );
    assert_eq!(answer["deleted"], json!([]));
    let answer = deploy(&place, &set(&[])).await;
    let gone = json!([{"integrationId": "github", "name": "one"}, {"integrationId": "stripe", "name": "mine"}]);
    assert_eq!(answer["deleted"], gone);
    assert_eq!(listed(&place).await, all[..1]);
}

/// What upstream answers to those who would call one, and to those who would deploy it otherwise.
#[tokio::test]
async fn nothing_runs_them() {
    let place = Place::new().await;
    let schedule =
        json!({"trigger": {"kind": "schedule", "frequency": "every hour", "autoStart": true}});
    deploy(&place, &set(&[entry("one", schedule)])).await;
    let body = json!({"connection_id": "conn-1", "integration_id": "github", "name": "one", "invocation_type": "wait"});
    let client = &place.client;
    let path = "/functions/invocations";
    client.post(path, body).await.denied(501, "not_implemented");
    place.act("one", json!({})).await.denied(404, "not_found");
    let deployed = bed::deploy(client, "github", "action", "two", FUNCTION).await;
    assert_eq!(deployed["error"]["code"], "deployment_error", "{deployed}");
}

#[tokio::test]
async fn a_set_that_cannot_be_changes_nothing() {
    let place = Place::new().await;
    deploy(&place, &set(&[entry("one", json!({}))])).await;
    let post = async |body: Value| -> Answer { place.client.post(PATH, body).await };
    let elsewhere = |id: &str| entry("two", json!({"integrationId": id}));
    let error = post(set(&[elsewhere("b"), elsewhere("a"), elsewhere("github")])).await;
    let error = error.denied(400, "integration_not_found");
    assert_eq!(error["message"], "Integration(s) not found: a, b");
    // The security scan, as of every deployment.
    let js = "exports.default = {}; exports.default.constructor('x')";
    let bad = entry("bad", json!({"fileBody": {"js": js, "ts": "x"}}));
    let error = post(set(&[entry("two", json!({})), bad])).await;
    let error = error.denied(500, "functions_deployment_error");
    assert!(
        error
            .to_string()
            .contains("deploy_script_security_rejected")
    );
    assert_eq!(listed(&place).await, ["function \"one\""]);
    let key = place.keyed(&["environment:functions:*"]).await;
    key.post(PATH, json!({})).await.denied(403, "forbidden");
}

#[tokio::test]
async fn sets_have_rules() {
    let place = Place::new().await;
    let first = |more: Value| set(&[entry("one", more)]);
    let uses = |name: &str| {
        let mut all = entry("one", json!({}))["capabilities"].clone();
        all[name] = true.into();
        json!({"capabilities": all})
    };
    let scoped = |scope: Value| json!({"reconciliationScope": scope, "functions": []});
    for (body, expected) in [
        (
            json!({"functions": []}),
            "invalid_type · Invalid input: expected object, received undefined · [\"reconciliationScope\"]",
        ),
        (
            scoped(json!({"kind": "world"})),
            "invalid_union · Invalid input · [\"reconciliationScope\", \"kind\"]",
        ),
        (
            scoped(json!({"kind": "integration"})),
            "invalid_type · Invalid input: expected string, received undefined · [\"reconciliationScope\", \"integrationId\"]",
        ),
        (
            json!({"reconciliationScope": {"kind": "environment"}}),
            "invalid_type · Invalid input: expected array, received undefined · [\"functions\"]",
        ),
        (
            first(json!({"description": "x".repeat(2001)})),
            "too_big · Too big: expected string to have <=2000 characters · [\"functions\", \"0\", \"description\"]",
        ),
        (
            first(json!({"fileBody": {"js": "", "ts": "x"}})),
            "too_small · Too small: expected string to have >=1 characters · [\"functions\", \"0\", \"fileBody\", \"js\"]",
        ),
        (
            first(json!({"trigger": {"kind": "schedule", "frequency": "sometimes"}})),
            "invalid_union · Invalid input · [\"functions\", \"0\", \"trigger\"]",
        ),
        (
            first(json!({"trigger": {"kind": "http", "debounce": {"windowMs": 0}}})),
            "invalid_union · Invalid input · [\"functions\", \"0\", \"trigger\"]",
        ),
        (
            first(json!({"input_schema_ref": "Input"})),
            "invalid_format · Invalid string: must match pattern /^#\\/definitions\\/[a-zA-Z0-9_-]+$/ · [\"functions\", \"0\", \"input_schema_ref\"]",
        ),
        (
            first(json!({"output_schema_ref": "#/definitions/None"})),
            "custom · '#/definitions/None' is not defined in json_schema · [\"functions\", \"0\", \"output_schema_ref\"]",
        ),
        (
            first(uses("usesRecords")),
            "custom · usesRecords must agree with model_schema_refs · [\"functions\", \"0\", \"capabilities\", \"usesRecords\"]",
        ),
        (
            first(json!({"requires": {"invoke": true}})),
            "custom · usesInvoke must agree with requires.invoke · [\"functions\", \"0\", \"capabilities\", \"usesInvoke\"]",
        ),
        (
            first(json!({"checkpoint_schema_ref": "#/definitions/Thing"})),
            "custom · usesCheckpoints must agree with checkpoint_schema_ref · [\"functions\", \"0\", \"capabilities\", \"usesCheckpoints\"]",
        ),
        (
            first(json!({"more": 1})),
            "unrecognized_keys · Unrecognized key: \"more\" · [\"functions\", \"0\"]",
        ),
        (
            set(&[entry("one", json!({})), entry("one", json!({}))]),
            "custom · Function 'one' is there twice for 'github' · [\"functions\", \"1\", \"name\"]",
        ),
        (
            json!({"reconciliationScope": {"kind": "integration", "integrationId": "slack"}, "functions": [entry("one", json!({}))]}),
            "custom · Function 'one' is outside of the reconciliation scope · [\"functions\", \"0\", \"integrationId\"]",
        ),
    ] {
        for path in [PATH.to_owned(), format!("{PATH}/preview")] {
            place.client.post(&path, body.clone()).await.wrong(expected);
        }
    }
    let models = json!({"model_schema_refs": ["#/definitions/Thing"], "capabilities": uses("usesRecords")["capabilities"]});
    deploy(&place, &first(models)).await;
}

#[tokio::test]
async fn one_set_at_a_time() {
    let place = Place::new().await;
    let names: Vec<Vec<String>> = (0..4)
        .map(|set| (0..6).map(|number| format!("f{set}-{number}")).collect())
        .collect();
    let sets: Vec<Value> = names
        .iter()
        .map(|names| {
            let entries: Vec<Value> = names.iter().map(|name| entry(name, json!({}))).collect();
            set(&entries)
        })
        .collect();
    let ask = |set: &Value| place.client.post(PATH, set.clone());
    let answers = tokio::join!(ask(&sets[0]), ask(&sets[1]), ask(&sets[2]), ask(&sets[3]));
    let answers = [answers.0, answers.1, answers.2, answers.3];
    let mut done = Vec::new();
    for (answer, names) in answers.iter().zip(&names) {
        if answer.status == 200 {
            done.push((answer.position(), names));
            continue;
        }
        let error = answer.denied(409, "concurrent_deployment");
        let message = "Another deployment of this environment is under way";
        assert_eq!(error["message"], message);
    }
    assert!((1..4).contains(&done.len()), "{answers:?}");
    // What was refused has changed nothing, and what was deployed is there as a whole.
    let (_, last) = done.iter().max().expect("one");
    let expected: Vec<String> = last
        .iter()
        .map(|name| format!("function \"{name}\""))
        .collect();
    let mut there = listed(&place).await;
    there.sort();
    assert_eq!(there, expected);
    // A set that cannot be is told so first; then it is the others' turn.
    deploy(&place, &sets[1]).await;
    deploy(&place, &sets[2]).await;
}
