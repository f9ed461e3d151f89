//! `/functions/deployments`.

use serde_json::{Value, json};

use super::api::{has_members, is_time};
use super::bed::{self, Place};
use super::sources::{ACTION, FUNCTION, ON_EVENT, SYNC, action};
use crate::client::Answer;

const PATH: &str = "/functions/deployments";

async fn post(place: &Place, more: Value) -> Answer {
    let body = json!({"type": "function", "integration_id": "github", "function_name": "one", "function_type": "action", "code": ACTION});
    bed::post(place, PATH, body, more).await
}

async fn done(place: &Place, more: Value) -> Value {
    bed::done(place, "deployments", &post(place, more).await).await
}

#[tokio::test]
async fn a_function_is_deployed() {
    let place = Place::new().await;
    let row = done(&place, json!({"version": "1.2.0"})).await;
    has_members(
        &row,
        &[
            "id",
            "status",
            "integration_id",
            "function_name",
            "function_type",
            "created_at",
            "updated_at",
            "started_at",
            "completed_at",
            "duration_ms",
            "output",
            "deployed",
            "deployed_functions",
        ],
        &[],
    );
    assert_eq!(
        (
            &row["status"],
            &row["integration_id"],
            &row["function_name"],
            &row["function_type"]
        ),
        (
            &json!("success"),
            &json!("github"),
            &json!("one"),
            &json!("action")
        )
    );
    for name in ["created_at", "updated_at", "started_at", "completed_at"] {
        is_time(&row[name]);
    }
    assert!(row["duration_ms"].is_u64());
    assert_eq!(row["deployed"], true);
    assert_eq!(
        row["deployed_functions"],
        json!([{"name": "one", "version": "v1.2.0"}])
    );
    let output = row["output"].as_str().expect("a text");
    assert!(output.starts_with("✓ Packaging"), "{output}");
    assert!(
        output.ends_with("Successfully deployed the functions: \r\n- one@v1.2.0"),
        "{output:?}"
    );

    let path = "/integrations/github/functions";
    let list = place.client.get(path).await.good(200);
    assert_eq!(
        list["pagination"],
        json!({"total": 1, "page": 0, "limit": 20})
    );
    let entry = list["data"][0].clone();
    has_members(
        &entry,
        &[
            "id",
            "name",
            "type",
            "enabled",
            "last_deployed",
            "source",
            "returns",
            "json_schema",
            "input",
        ],
        &["description", "scopes", "version"],
    );
    assert!(entry["id"].is_u64(), "{entry}");
    assert_eq!(
        (
            &entry["name"],
            &entry["type"],
            &entry["enabled"],
            &entry["source"]
        ),
        (
            &json!("one"),
            &json!("action"),
            &json!(true),
            &json!("standalone")
        )
    );
    is_time(&entry["last_deployed"]);
    assert_eq!(entry["returns"], json!(["ActionOutput_github_one"]));
    assert_eq!(entry["input"], "ActionInput_github_one");
    assert_eq!(
        entry["json_schema"]["definitions"]["ActionInput_github_one"],
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false})
    );
    assert_eq!(
        place.client.get(&format!("{path}/one")).await.good(200)["data"],
        entry
    );
    let code = place
        .client
        .get(&format!("{path}/one/code"))
        .await
        .good(200);
    assert_eq!(code, json!({"type": "action", "code": ACTION}));
}

#[tokio::test]
async fn deployments_have_rules() {
    let place = Place::new().await;
    let text = "invalid_type · Invalid input: expected string, received";
    for (more, entries) in [
        (json!({"type": "flow"}), vec!["invalid_union · Invalid input · [\"type\"]".to_owned()]),
        (json!({"type": null}), vec!["invalid_union · Invalid input · [\"type\"]".to_owned()]),
        (json!({"integration_id": ".."}), vec!["custom · Integration id cannot be \".\" or \"..\" · [\"integration_id\"]".to_owned()]),
        (json!({"integration_id": "a/b"}), vec!["invalid_format · Invalid string: must match pattern /^[a-zA-Z0-9~:.@ _-]+$/ · [\"integration_id\"]".to_owned()]),
        (json!({"function_name": "a b"}), vec!["invalid_format · Invalid string: must match pattern /^[a-zA-Z0-9_-]+$/ · [\"function_name\"]".to_owned()]),
        (json!({"function_name": "f".repeat(256)}), vec!["too_big · Too big: expected string to have <=255 characters · [\"function_name\"]".to_owned()]),
        (json!({"function_type": "flow"}), vec!["invalid_value · Invalid option: expected one of \"action\"|\"sync\" · [\"function_type\"]".to_owned()]),
        (json!({"code": ""}), vec!["too_small · Too small: expected string to have >=1 characters · [\"code\"]".to_owned()]),
        (json!({"version": 1}), vec![format!("{text} number · [\"version\"]")]),
        (json!({"allow_destructive": "yes"}), vec!["invalid_type · Invalid input: expected boolean, received string · [\"allow_destructive\"]".to_owned()]),
        (json!({"template": "x"}), vec!["unrecognized_keys · Unrecognized key: \"template\" · []".to_owned()]),
        (json!({"code": 1, "function_name": null, "more": 1}), vec![format!("{text} null · [\"function_name\"]"), format!("{text} number · [\"code\"]"), "unrecognized_keys · Unrecognized key: \"more\" · []".to_owned()]),
    ] {
        assert_eq!(post(&place, more.clone()).await.invalid("invalid_body"), entries, "{more}");
    }
    let answer = place.client.post(PATH, json!({})).await;
    answer.wrong("invalid_union · Invalid input · [\"type\"]");
    let answer = place.client.post(PATH, json!({"type": "template"})).await;
    assert_eq!(
        answer.invalid("invalid_body"),
        [
            format!("{text} undefined · [\"integration_id\"]"),
            format!("{text} undefined · [\"template\"]")
        ]
    );
    let answer = place.client.post(&format!("{PATH}?x=1"), json!({})).await;
    answer.denied(400, "invalid_query_params");
    // What is asked for is looked at before what is there.
    let error = post(&place, json!({"integration_id": "nobody"}))
        .await
        .denied(404, "integration_not_found");
    assert_eq!(error["message"], "Integration 'nobody' was not found");
    post(&place, json!({"integration_id": "nobody", "code": ""}))
        .await
        .denied(400, "invalid_body");
    let unknown = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let error = place
        .client
        .get(&format!("{PATH}/{unknown}"))
        .await
        .denied(404, "deployment_not_found");
    assert_eq!(
        error["message"],
        format!("Deployment '{unknown}' was not found")
    );
    let answer = place.client.get(&format!("{PATH}/nope")).await;
    assert_eq!(
        answer.invalid("invalid_uri_params"),
        ["invalid_format · Invalid UUID · [\"id\"]"]
    );
    place
        .client
        .get(&format!("{PATH}/{unknown}?x=1"))
        .await
        .denied(400, "invalid_query_params");
    for scope in ["environment:functions:*", "environment:functions:compile"] {
        let key = place.keyed(&[scope]).await;
        let error = key.post(PATH, json!({})).await.denied(403, "forbidden");
        assert_eq!(
            error["message"],
            "Insufficient scope. Required: environment:deploy"
        );
        key.get(&format!("{PATH}/{unknown}"))
            .await
            .denied(403, "forbidden");
    }
}

#[tokio::test]
async fn a_bad_source_is_accepted_and_fails() {
    let place = Place::new().await;
    let row = done(
        &place,
        json!({"code": action("", "const one: string = 1; return one;")}),
    )
    .await;
    has_members(
        &row,
        &[
            "id",
            "status",
            "integration_id",
            "function_name",
            "function_type",
            "created_at",
            "updated_at",
            "error",
        ],
        &[
            "started_at",
            "completed_at",
            "duration_ms",
            "output",
            "deployed",
        ],
    );
    assert_eq!(
        (&row["status"], &row["error"]["code"]),
        (&json!("failed"), &json!("compilation_error"))
    );
    let message = row["error"]["message"].as_str().expect("a text");
    assert!(
        message.contains("err - github/actions/one.ts:9:7"),
        "{message}"
    );
    assert!(
        message.contains("Type 'number' is not assignable to type 'string'."),
        "{message}"
    );
    assert_ne!(row["deployed"], true);
    let path = "/integrations/github/functions";
    let error = place
        .client
        .get(&format!("{path}/one"))
        .await
        .denied(404, "not_found");
    assert_eq!(error["message"], "Function does not exist");
    assert_eq!(place.client.get(path).await.good(200)["data"], json!([]));
    // A type that is not the source's.
    for (kind, code) in [
        ("action", SYNC),
        ("sync", ACTION),
        ("action", ON_EVENT),
        ("action", FUNCTION),
    ] {
        let row = done(&place, json!({"function_type": kind, "code": code})).await;
        assert_eq!(
            (&row["status"], &row["error"]["code"]),
            (&json!("failed"), &json!("deployment_error")),
            "{kind}: {row}"
        );
    }
    let row = done(&place, json!({"function_type": "action", "code": SYNC})).await;
    let output = row["output"]
        .as_str()
        .or(row["error"]["message"].as_str())
        .expect("a text");
    assert!(
        output.contains("✗ Packaging") && output.trim_end().ends_with("No functions to deploy"),
        "{row}"
    );
    // What reaches for the engine behind the language is refused when it is deployed, not before.
    for reach in [
        "(() => 1).constructor('return 1')",
        "(() => 1)['con' + 'structor']('return 1')",
    ] {
        let code =
            action("", &format!("return {reach};")).replace("(() => 1)", "((() => 1) as any)");
        place
            .client
            .post("/functions/compile", json!({"code": code}))
            .await
            .good(200);
        let row = done(&place, json!({"code": code})).await;
        assert_eq!(row["status"], "failed", "{reach}: {row}");
        assert!(
            row["error"]
                .to_string()
                .contains("deploy_script_security_rejected"),
            "{row}"
        );
    }
    // What ran before goes on.
    done(&place, json!({})).await;
    done(&place, json!({"code": "export default 5;"})).await;
    assert_eq!(
        place
            .client
            .get(&format!("{path}/one/code"))
            .await
            .good(200)["code"],
        ACTION
    );
}

#[tokio::test]
async fn versions_count_up() {
    let place = Place::new().await;
    let code = |number: u32, version: &str| {
        action("", &format!("return {number};"))
            .replace("description: 'x',", &format!("description: 'x',{version}"))
    };
    for (number, version, sent, given) in [
        (1, "", None, "v1"),
        (2, "", None, "v2"),
        // Nothing changed.
        (2, "", None, "v2"),
        (2, "", Some("1.0.0"), "v1.0.0"),
        (3, "", None, "v1.0.1"),
        (4, " version: '3.1.9',", None, "v3.1.9"),
        (5, " version: '3.1.9',", Some("4.0.0"), "v4.0.0"),
        (6, "", Some(""), "v4.0.1"),
        (7, "", Some("20"), "v20"),
        (8, "", None, "v21"),
    ] {
        let mut more = json!({"code": code(number, version)});
        if let Some(sent) = sent {
            more["version"] = sent.into();
        }
        let row = done(&place, more).await;
        assert_eq!(
            row["deployed_functions"],
            json!([{"name": "one", "version": given}]),
            "{number}: {row}"
        );
    }
    // One that cannot be counted up.
    done(&place, json!({"code": code(9, ""), "version": "beta"})).await;
    let row = done(&place, json!({"code": code(10, "")})).await;
    assert_eq!(row["status"], "failed", "{row}");
}

#[tokio::test]
async fn standalone_functions_are_replaced_and_templates_are_not() {
    let place = Place::new().await;
    done(&place, json!({})).await;
    // With or without the flag.
    for flag in [false, true] {
        let row = done(
            &place,
            json!({"allow_destructive": flag, "code": action("", &format!("return {flag};"))}),
        )
        .await;
        assert_eq!(row["status"], "success");
    }
    let template =
        json!({"type": "template", "integration_id": "github", "template": "create-issue"});
    let made = place.client.post(PATH, template.clone()).await;
    let answer = made.good(202);
    has_members(&answer, &["id", "status", "created_at"], &[]);
    assert_eq!(answer["status"], "success");
    let row = place
        .client
        .get(&format!("{PATH}/{}", made.text("id")))
        .await
        .good(200);
    assert_eq!(
        (&row["function_name"], &row["function_type"]),
        (&json!("create-issue"), &json!("action"))
    );
    assert_eq!(row.get("duration_ms"), None, "{row}");
    let version = row["deployed_functions"][0]["version"]
        .as_str()
        .expect("a text");
    assert!(!version.starts_with('v'), "{row}");
    assert_eq!(
        row["output"],
        format!("Successfully deployed the functions:\n- create-issue@{version}")
    );
    let error = place
        .client
        .post(PATH, template)
        .await
        .denied(409, "template_already_deployed");
    assert_eq!(
        error["message"],
        "'create-issue' is already deployed on this integration"
    );
    for flag in [false, true] {
        let error = post(
            &place,
            json!({"function_name": "create-issue", "allow_destructive": flag}),
        )
        .await
        .denied(400, "invalid_request");
        assert_eq!(
            error["message"],
            "Cannot overwrite existing function 'create-issue'"
        );
    }
    // A sync may have the name of an action.
    let row = done(
        &place,
        json!({"function_name": "create-issue", "function_type": "sync", "code": SYNC}),
    )
    .await;
    assert_eq!(row["status"], "success", "{row}");
    let template = json!({"type": "template", "integration_id": "github", "template": "nothing"});
    let error = place
        .client
        .post(PATH, template)
        .await
        .denied(404, "template_not_found");
    assert_eq!(
        error["message"],
        "No template named 'nothing' exists for this integration"
    );
    let template = json!({"type": "template", "integration_id": "nobody", "template": "nothing"});
    place
        .client
        .post(PATH, template)
        .await
        .denied(404, "integration_not_found");
    // A template takes the place of a function from another source.
    let sync = json!({"function_name": "list-issues", "function_type": "sync", "code": SYNC});
    done(&place, sync).await;
    let template = json!({"type": "template", "integration_id": "github", "template": "list-issues", "function_type": "sync"});
    place.client.post(PATH, template).await.good(202);
    let entry = place
        .client
        .get("/integrations/github/functions/list-issues")
        .await
        .good(200);
    assert_eq!(entry["data"]["source"], "catalog");
}

/// Unlike sets, functions that are deployed one by one wait for each other.
#[tokio::test]
async fn deployments_of_one_function_at_once_take_turns() {
    let place = Place::new().await;
    let code = |number: usize| action("", &format!("return {number};"));
    let ask = |number: usize| post(&place, json!({"code": code(number)}));
    let made = tokio::join!(ask(0), ask(1), ask(2), ask(3));
    let mut versions = Vec::new();
    let mut newest = (0, 0);
    for (number, made) in [made.0, made.1, made.2, made.3].iter().enumerate() {
        let row = bed::done(&place, "deployments", made).await;
        assert_eq!(row["status"], "success", "{row}");
        let deployed = &row["deployed_functions"][0];
        assert_eq!(deployed["name"], "one", "{row}");
        versions.push(deployed["version"].as_str().expect("a text").to_owned());
        newest = newest.max((made.position(), number));
    }
    versions.sort();
    assert_eq!(versions, ["v1", "v2", "v3", "v4"]);
    // The one that was asked for last is what runs.
    assert_eq!(place.act("one", json!({})).await.good(200), newest.1);
}
