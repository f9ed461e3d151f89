//! `/v1/functions`.

use serde_json::{Value, json};

use crate::client::{Client, column, encode, unique};

#[tokio::test]
async fn limits_and_rules_of_settings() {
    let client = Client::new();
    let valid = json!({"functionId": "unique()", "name": "x", "runtime": "node-22"});
    for (field, value, message) in [
        (
            "functionId",
            json!(null),
            "Param \"functionId\" is not optional.",
        ),
        (
            "functionId",
            json!("-x"),
            "Invalid `functionId` param: Parameter must contain at most 36 chars",
        ),
        (
            "functionId",
            json!("x".repeat(37)),
            "Invalid `functionId` param",
        ),
        (
            "name",
            json!(""),
            "Invalid `name` param: Value must be a valid string and at least 1 chars and no longer than 128 chars",
        ),
        ("name", json!("x".repeat(129)), "Invalid `name` param"),
        ("name", json!(7), "Invalid `name` param"),
        (
            "runtime",
            json!("node-1"),
            "Invalid `runtime` param: Value must be one of (node-14.5",
        ),
        ("runtime", json!(null), "Param \"runtime\" is not optional."),
        (
            "execute",
            json!(["any", "some-random-string"]),
            "Invalid `execute` param: Value must a valid array no longer than 100 items and ",
        ),
        ("execute", json!(["*"]), "Invalid `execute` param"),
        ("execute", json!("any"), "Invalid `execute` param"),
        (
            "execute",
            json!(vec!["any"; 101]),
            "Invalid `execute` param",
        ),
        (
            "events",
            json!(["functions.*.create"]),
            "Invalid `events` param: Triggering a function on a function event is not allowed.",
        ),
        (
            "events",
            json!(["nonsense"]),
            "Invalid `events` param: Event is not valid.",
        ),
        (
            "schedule",
            json!("* * * *"),
            "Invalid `schedule` param: String must be a valid cron expression",
        ),
        ("schedule", json!("0 0 31 2 *"), "Invalid `schedule` param"),
        (
            "timeout",
            json!(0),
            "Invalid `timeout` param: Value must be a valid range between 1 and 900",
        ),
        ("timeout", json!(901), "Invalid `timeout` param"),
        ("timeout", json!("soon"), "Invalid `timeout` param"),
        (
            "enabled",
            json!("true"),
            "Invalid `enabled` param: Value must be a valid boolean",
        ),
        ("logging", json!(1), "Invalid `logging` param"),
        (
            "entrypoint",
            json!("x".repeat(1029)),
            "Invalid `entrypoint` param",
        ),
        (
            "commands",
            json!("x".repeat(8193)),
            "Invalid `commands` param",
        ),
        ("scopes", json!(["garbage"]), "Invalid `scopes` param"),
        (
            "specification",
            json!("s-large"),
            "Invalid `specification` param: Specification must be one of: s-0.5vcpu-512mb",
        ),
        (
            "deploymentRetention",
            json!(36501),
            "Invalid `deploymentRetention` param",
        ),
        (
            "providerPaths",
            json!(["x".repeat(129)]),
            "Invalid `providerPaths` param",
        ),
        ("providerRepositoryId", json!("r"), "installationId"),
    ] {
        let mut body = valid.clone();
        body[field] = value.clone();
        let answer = client.post("/v1/functions", body).await;
        let text = answer.refused(400, "general_argument_invalid");
        assert!(text.contains(message), "{field} {value}: {text}");
    }
    let mut body = valid.clone();
    body["runtime"] = "python-3.12".into();
    client
        .post("/v1/functions", body)
        .await
        .refused(404, "function_runtime_unsupported");
    let mut body = valid.clone();
    body["installationId"] = "github".into();
    client
        .post("/v1/functions", body)
        .await
        .refused(404, "installation_not_found");

    // Everything at its limit, in the old and the new spelling.
    let body = json!({
        "functionId": unique("Long.Id_"), "name": "ä".repeat(128), "runtime": "deno-2.0",
        "execute": vec!["users/verified"; 100], "events": ["users.*.update.email"],
        "schedule": "*/5 0-6 * * MON-FRI", "timeout": "900", "entrypoint": "x".repeat(1028),
        "commands": "y".repeat(8192), "scopes": ["users.read", "execution.write"],
        "specification": "s-4vcpu-4gb", "deploymentRetention": 36500, "providerSilentMode": null,
        "unknown": {"is": "ignored"},
    });
    let made = client.post("/v1/functions", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!(made["timeout"], 900);
    assert_eq!(made["buildSpecification"], "s-4vcpu-4gb");
    assert_eq!(made["runtimeSpecification"], "s-4vcpu-4gb");
    assert_eq!(
        (&made["live"], &made["version"]),
        (&json!(true), &json!("v5"))
    );
}

#[tokio::test]
async fn replacing_resets_what_is_not_sent() {
    let client = Client::new();
    let id = client
        .function(
            json!({"schedule": "0 0 * * *", "timeout": 60, "enabled": false, "logging": false,
            "commands": "npm ci", "scopes": ["users.read"], "specification": "s-2vcpu-2gb",
            "deploymentRetention": 3, "providerBranches": ["main"]}),
        )
        .await;
    let path = format!("/v1/functions/{id}");
    let before = client.get(&path).await.json();
    client
        .put(&path, json!({}))
        .await
        .refused(400, "general_argument_invalid");
    let after = client.put(&path, json!({"name": "test"})).await;
    assert_eq!(after.status, 200);
    let after = after.json();
    for (field, value) in [
        ("execute", json!([])),
        ("scopes", json!([])),
        ("schedule", json!("")),
        ("commands", json!("")),
        ("timeout", json!(15)),
        ("enabled", json!(true)),
        ("logging", json!(true)),
        ("deploymentRetention", json!(0)),
        ("runtime", before["runtime"].clone()),
        ("entrypoint", before["entrypoint"].clone()),
        ("buildSpecification", json!("s-2vcpu-2gb")),
        ("providerBranches", json!(["main"])),
        ("live", json!(false)),
    ] {
        assert_eq!(after[field], value, "{field}");
    }
    assert!(after["$updatedAt"].as_str() >= before["$updatedAt"].as_str());
    assert_eq!(after["$createdAt"], before["$createdAt"]);
    // Nothing that needs a build changes: it is live again.
    let again = client
        .put(&path, json!({"name": "test", "timeout": 5}))
        .await
        .json();
    assert_eq!(again["live"], true);
    assert_eq!(client.get(&path).await.json(), again);
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let client = Client::new();
    let tag = unique("list");
    let mut ids = Vec::new();
    for (name, timeout) in [("b", 30), ("a", 20), ("c", 10), ("a", 40)] {
        let name = format!("{tag} {name}");
        ids.push(
            client
                .function(json!({"name": name, "timeout": timeout}))
                .await,
        );
    }
    let ours = json!({"method": "startsWith", "attribute": "name", "values": [tag]});
    let ask = async |more: &[Value]| {
        let mut queries = vec![ours.clone()];
        queries.extend_from_slice(more);
        client.list("/v1/functions", &queries).await.json()
    };
    let order = |indexes: &[usize]| {
        indexes
            .iter()
            .map(|index| ids[*index].as_str())
            .collect::<Vec<_>>()
    };

    let all = ask(&[]).await;
    assert_eq!(
        column(&all, "functions", "$id"),
        order(&[0, 1, 2, 3]),
        "oldest first"
    );
    assert_eq!(all["total"], 4);
    let newest = ask(&[json!({"method": "orderDesc", "values": ["$id"]})]).await;
    assert_eq!(column(&newest, "functions", "$id"), order(&[3, 2, 1, 0]));
    let named = [
        json!({"method": "orderAsc", "attribute": "name"}),
        json!({"method": "orderDesc", "attribute": "timeout"}),
    ];
    let sorted = ask(&named).await;
    assert_eq!(column(&sorted, "functions", "$id"), order(&[3, 1, 0, 2]));

    let after = |id: &str| json!({"method": "cursorAfter", "values": [id]});
    let before = |id: &str| json!({"method": "cursorBefore", "values": [id]});
    let limit = |count: u32| json!({"method": "limit", "values": [count]});
    let page = ask(&[named[0].clone(), named[1].clone(), after(&ids[3]), limit(2)]).await;
    assert_eq!(column(&page, "functions", "$id"), order(&[1, 0]));
    assert_eq!(page["total"], 4, "the total ignores the page");
    let page = ask(&[
        named[0].clone(),
        named[1].clone(),
        before(&ids[2]),
        limit(2),
    ])
    .await;
    assert_eq!(
        column(&page, "functions", "$id"),
        order(&[1, 0]),
        "right before, in order"
    );
    let page = ask(&[limit(2), json!({"method": "offset", "values": [3]})]).await;
    assert_eq!(column(&page, "functions", "$id"), order(&[3]));

    for (query, expected) in [
        (
            json!({"method": "between", "attribute": "timeout", "values": [15, 30]}),
            vec![0, 1],
        ),
        (
            json!({"method": "notEqual", "attribute": "timeout", "values": [20]}),
            vec![0, 2, 3],
        ),
        (
            json!({"method": "endsWith", "attribute": "name", "values": ["A"]}),
            vec![1, 3],
        ),
        (
            json!({"method": "contains", "attribute": "name", "values": [" b", " c"]}),
            vec![0, 2],
        ),
        (
            json!({"method": "or", "values": [
                {"method": "lessThan", "attribute": "timeout", "values": [15]},
                {"method": "and", "values": [
                    {"method": "equal", "attribute": "enabled", "values": [true]},
                    {"method": "greaterThanEqual", "attribute": "timeout", "values": [40]},
                ]},
            ]}),
            vec![2, 3],
        ),
        (
            json!({"method": "equal", "attribute": "runtime", "values": ["bun-1.1"]}),
            vec![],
        ),
        (
            json!({"method": "contains", "attribute": "name", "values": ["%"]}),
            vec![],
        ),
    ] {
        let found = ask(std::slice::from_ref(&query)).await;
        assert_eq!(
            column(&found, "functions", "$id"),
            order(&expected),
            "{query}"
        );
    }

    let unknown = [after("nobody")];
    client
        .list("/v1/functions", &unknown)
        .await
        .refused(400, "general_cursor_not_found");
    let uncounted = client.get("/v1/functions?total=false").await.json();
    assert_eq!(uncounted["total"], 0);
    client
        .get("/v1/functions?total=maybe")
        .await
        .refused(400, "general_argument_invalid");
    // Both spellings of an array, and a plain value that is none.
    let query = encode(&ours.to_string());
    let found = client
        .get(&format!("/v1/functions?queries[]={query}"))
        .await
        .json();
    assert_eq!(found["total"], 4);
    client
        .get(&format!("/v1/functions?queries={query}"))
        .await
        .refused(400, "general_argument_invalid");
}

#[tokio::test]
async fn words_are_searched() {
    let client = Client::new();
    let word = unique("needle").replace('-', "");
    let id = format!("Some-{word}");
    client
        .post(
            "/v1/functions",
            json!({"functionId": id, "name": "Pay Bills", "runtime": "bun-1.2"}),
        )
        .await;
    for (search, found) in [
        (word.clone(), true),
        (word[..word.len() - 1].to_owned(), true),
        (word.to_uppercase(), true),
        (format!("+{word}* (nothing)"), true),
        (format!("\"{word} pay bills\""), true),
        (format!("\"bills pay {word}\""), false),
        (word[1..].to_owned(), false),
    ] {
        let list = client
            .get(&format!("/v1/functions?search={}", encode(&search)))
            .await
            .json();
        let ids = column(&list, "functions", "$id");
        assert_eq!(ids.contains(&id.as_str()), found, "{search}: {ids:?}");
    }
    let long = "x".repeat(257);
    client
        .get(&format!("/v1/functions?search={long}"))
        .await
        .refused(400, "general_argument_invalid");
}

#[tokio::test]
async fn a_deleted_function_is_gone_with_everything_below_it() {
    let client = Client::new();
    let id = client.function(json!({})).await;
    let path = format!("/v1/functions/{id}");
    let variable = json!({"variableId": "v", "key": "K", "value": "x", "secret": false});
    assert_eq!(
        client
            .post(&format!("{path}/variables"), variable)
            .await
            .status,
        201
    );
    let json = "application/json; charset=UTF-8";
    assert_eq!(client.get(&path).await.header("content-type"), json);
    assert_eq!(client.get("/v1/nothing").await.header("content-type"), json);
    let gone = client.delete(&path).await;
    assert_eq!(gone.status, 204);
    assert!(gone.bytes.is_empty());
    assert_eq!(gone.header("content-type"), "text/html; charset=UTF-8");
    for below in [
        "",
        "/deployments",
        "/variables",
        "/variables/v",
        "/executions",
    ] {
        client
            .get(&format!("{path}{below}"))
            .await
            .refused(404, "function_not_found");
    }
    client
        .delete(&path)
        .await
        .refused(404, "function_not_found");
    // The id may be used again, and nothing of the old one is there.
    let body = json!({"functionId": id, "name": "new", "runtime": "node-22"});
    let made = client.post("/v1/functions", body).await.json();
    assert_eq!(made["vars"], json!([]));
}

#[tokio::test]
async fn what_the_server_offers() {
    let client = Client::new();
    let runtimes = client
        .guest()
        .get("/v1/functions/runtimes?total=true")
        .await
        .json();
    let ids = column(&runtimes, "runtimes", "$id");
    assert_eq!(runtimes["total"], ids.len());
    assert!(ids.contains(&"node-22") && !ids.iter().any(|id| id.starts_with("php")));
    let node = runtimes["runtimes"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["$id"] == "node-22"));
    assert_eq!(node.unwrap()["image"], "openruntimes/node:v5-22");

    let sizes = client
        .get("/v1/functions/specifications?type=builds")
        .await
        .json();
    assert_eq!(
        sizes["specifications"][1],
        json!({"memory": 512, "cpus": 1.0, "enabled": true, "slug": "s-1vcpu-512mb"})
    );
    client
        .get("/v1/functions/specifications?type=x")
        .await
        .refused(400, "general_argument_invalid");
    client
        .guest()
        .get("/v1/functions/specifications")
        .await
        .refused(401, "general_unauthorized_scope");

    let guest = client.guest();
    let templates = guest
        .get("/v1/functions/templates?useCases[]=starter&runtimes[]=node-22")
        .await
        .json();
    assert_eq!(column(&templates, "templates", "id"), ["starter"]);
    assert_eq!(templates["total"], 1);
    for none in ["useCases[]=ai", "runtimes[]=php-8.0", "offset=1"] {
        let found = guest
            .get(&format!("/v1/functions/templates?{none}"))
            .await
            .json();
        assert_eq!(found["templates"], json!([]), "{none}");
    }
    for bad in [
        "useCases[]=x",
        "limit=0",
        "limit=5001",
        "offset=5001",
        "runtimes[]=cobol",
    ] {
        guest
            .get(&format!("/v1/functions/templates?{bad}"))
            .await
            .refused(400, "general_argument_invalid");
    }
    assert_eq!(
        guest
            .get("/v1/functions/templates/starter")
            .await
            .text("name"),
        "Starter function"
    );
    guest
        .get("/v1/functions/templates/none")
        .await
        .refused(404, "function_template_not_found");
}

#[tokio::test]
async fn functions_are_found_by_when_they_are_due() {
    let client = Client::new();
    let tag = unique("due");
    let mut ids = Vec::new();
    for schedule in ["0 0 1 1 *", "* * * * *", ""] {
        let id = client
            .function(json!({"name": tag, "schedule": schedule}))
            .await;
        client
            .deploy(&id, "export default ({ res }) => res.empty();")
            .await;
        ids.push(id);
    }
    // Without an active deployment it is not armed.
    client
        .function(json!({"name": tag, "schedule": "* * * * *"}))
        .await;
    let soon = client
        .get(&format!("/v1/functions/{}", ids[2]))
        .await
        .text("$createdAt");
    let soon = soon.parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_mins(10);
    let ours = json!({"method": "equal", "attribute": "name", "values": [tag]});
    for (query, expected) in [
        (
            json!({"method": "lessThan", "attribute": "scheduleNext", "values": [soon.to_string()]}),
            vec![1],
        ),
        (
            json!({"method": "isNotNull", "attribute": "schedulePrevious"}),
            vec![0, 1],
        ),
    ] {
        let found = client
            .list("/v1/functions", &[ours.clone(), query.clone()])
            .await
            .json();
        let expected: Vec<&str> = expected.iter().map(|index| ids[*index].as_str()).collect();
        assert_eq!(column(&found, "functions", "$id"), expected, "{query}");
    }
}
