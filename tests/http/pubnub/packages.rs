//! Packages: made with a revision, changed, deleted, and what is refused.

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, OK, at, before, refused};
use crate::client::{Answer, unique};

const NOBODY: &str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";

fn id(row: &Value) -> String {
    row["id"].as_str().expect("an id").to_owned()
}

fn body(name: &str) -> Value {
    json!({"name": name, "revisionName": "first", "functions": [before("f", "chat.*", OK)]})
}

/// Codes and texts of a refused request.
fn faults(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    assert!(body.get("data").is_none(), "{body}");
    let errors = body["errors"].as_array().expect("errors");
    let text = |error: &Value, name: &str| error[name].as_str().expect("a text").to_owned();
    let each = |error| format!("{} {}", text(error, "code"), text(error, "message"));
    errors.iter().map(each).collect()
}

#[tokio::test]
async fn a_package_from_its_beginning_to_its_end() {
    let bed = Bed::new().await;
    let name = format!("  {}  ", unique("package"));
    let body = json!({
        "name": name,
        "revisionName": " v1.0.0 ",
        "description": "What it is for",
        "tags": ["one", " two "],
        "apiManaged": true,
        "functions": [before("f", "chat.*", OK)],
        "nobody": "asks for this",
    });
    let answer = bed.client.post(&at("/packages"), body).await;
    let made = answer.data(201);
    let members: Vec<&String> = made.as_object().expect("an object").keys().collect();
    let published = [
        "id",
        "packageBlueprintId",
        "name",
        "description",
        "apiManaged",
        "tags",
        "revisionsTotal",
        "revisionsRunning",
        "packageDeploymentsTotal",
        "packageDeploymentsRunning",
        "createdDttm",
        "updatedDttm",
    ];
    assert_eq!(members, published);
    assert_eq!(made["name"], name.trim());
    assert_eq!(made["packageBlueprintId"], Value::Null);
    assert_eq!(made["apiManaged"], true);
    assert_eq!(made["tags"], json!(["one", "two"]));
    assert_eq!(made["revisionsTotal"], 1);
    for count in [
        "revisionsRunning",
        "packageDeploymentsTotal",
        "packageDeploymentsRunning",
    ] {
        assert_eq!(made[count], 0);
    }
    assert_eq!(made["createdDttm"], made["updatedDttm"]);
    let path = at(&format!("/packages/{}", id(&made)));
    assert_eq!(bed.client.get(&path).await.data(200), made);
    let upper = at(&format!("/packages/{}", id(&made).to_uppercase()));
    assert_eq!(bed.client.get(&upper).await.data(200), made);
    assert_eq!(
        bed.client.get(&at("/packages")).await.data(200),
        json!([made])
    );
    let before = answer.position();

    // An absent member keeps its value, and `null` takes it away.
    let changed = bed
        .client
        .put(&path, json!({"description": null}))
        .await
        .data(200);
    assert_eq!(changed["description"], Value::Null);
    assert_eq!(changed["tags"], made["tags"]);
    assert!(changed["updatedDttm"].as_str() > made["updatedDttm"].as_str());
    assert_eq!(changed["createdDttm"], made["createdDttm"]);
    // What is so already does not move the time.
    let same = json!({"tags": ["one", "two"], "apiManaged": false});
    assert_eq!(bed.client.put(&path, same).await.data(200), changed);
    let renamed = bed
        .client
        .put(&path, json!({"name": "x", "tags": []}))
        .await
        .data(200);
    assert_eq!(
        (&renamed["name"], &renamed["tags"]),
        (&json!("x"), &json!([]))
    );
    refused(&bed.client.put(&path, json!({})).await, 400, "FAAS-400");

    let gone = bed.client.ask(Method::DELETE, &path).send().await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0));
    assert!(!gone.header("x-correlation-id").is_empty());
    refused(&bed.client.get(&path).await, 404, "FAAS-404");
    refused(&bed.client.delete(&path).await, 404, "FAAS-404");
    refused(
        &bed.client.put(&path, json!({"name": "y"})).await,
        404,
        "FAAS-404",
    );

    // The past is still there.
    let then = bed.client.get(&format!("{path}?as_of={before}")).await;
    assert_eq!(then.data(200), made);
    let list = bed
        .client
        .get(&at(&format!("/packages?as_of={before}&search=pack")))
        .await;
    assert_eq!(list.data(200), json!([made]));
    refused(
        &bed.client.get(&at("/packages?as_of=tomorrow")).await,
        400,
        "FAAS-400",
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_package_is_told_in_the_order_of_its_members() {
    let bed = Bed::new().await;
    let post = async |body: Value| bed.client.post(&at("/packages"), body).await;
    let wrong = post(json!({
        "name": " ",
        "revisionName": "x".repeat(101),
        "description": 5,
        "tags": ["", "ok"],
        "apiManaged": "yes",
        "functions": [
            {"name": 1, "type": "BEFORE_LUNCH", "config": {}, "code": OK},
            {"name": "b", "type": "ON_REQUEST", "config": {"path": "/x"}, "code": ""},
            {"name": "c", "type": "ON_INTERVAL", "config": {"interval": 999}, "code": OK},
            {"name": "d", "type": "AFTER_PRESENCE", "config": {"inputChannel": "a-pnpres"}, "code": 1},
            {"name": "e", "type": "BEFORE_PRESENCE", "config": {"inputChannel": "a"}, "code": OK},
            {"name": "f", "type": "BEFORE_SIGNAL", "config": {"inputChannel": "a.*.b"}, "code": OK},
            {"name": "g", "type": "BEFORE_SIGNAL", "code": OK, "channels": ["a", "b"]},
            {"name": "h", "type": "BEFORE_SIGNAL", "code": OK, "language": "PYTHON", "config": {}},
            {"name": "i", "eventType": "js-on-interval", "code": OK, "interval": 3_600_001, "sortOrder": -1},
        ],
    }))
    .await;
    assert_eq!(wrong.status, 400);
    let told = faults(&wrong);
    let begins = [
        "FAAS-400 name must have 1 to 100",
        "FAAS-400 revisionName must have 1 to 100",
        "FAAS-400 description must be a string",
        "FAAS-400 tags[0] must be a string of 1 to 50",
        "FAAS-400 functions[0].name must be a string",
        "FAAS-400 functions[0].type must be one of",
        "FAAS-400 functions[1].config.path must not begin",
        "FAAS-400 functions[1].code must not be empty",
        "FAAS-400 functions[2].config.interval must be an integer from 1000",
        "FAAS-400 functions[3].config.inputChannel must be the channel itself",
        "FAAS-400 functions[3].code must be a string",
        "FAAS-400 functions[4].type cannot be BEFORE_PRESENCE",
        "FAAS-400 functions[5].config.inputChannel must be a channel",
        "FAAS-400 functions[6].channels must be an array of one",
        "FAAS-400 functions[7].config.inputChannel is missing",
        "FAAS-400 functions[7].language must be JAVASCRIPT",
        "FAAS-400 functions[8].config.interval must be",
        "FAAS-400 functions[8].sortOrder must be",
        "FAAS-400 apiManaged must be a boolean",
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (told, begin) in told.iter().zip(begins) {
        assert!(told.starts_with(begin), "{told}, not {begin}");
    }
    let missing = faults(&post(json!({})).await);
    assert_eq!(
        missing,
        [
            "FAAS-400 name is missing",
            "FAAS-400 revisionName is missing",
            "FAAS-400 functions is missing"
        ]
    );
    for functions in [json!([]), json!({}), json!([1])] {
        let mut body = body("x");
        body["functions"] = functions;
        refused(&post(body).await, 400, "FAAS-400");
    }
    let mut tags = body("x");
    tags["tags"] = json!(vec!["t"; 21]);
    refused(&post(tags).await, 400, "FAAS-400");
    let mut long = body("x");
    long["description"] = "d".repeat(1001).into();
    refused(&post(long).await, 400, "FAAS-400");
    let mut large = body("x");
    large["functions"][0]["code"] = format!("{OK}//{}", "x".repeat(64 << 10)).into();
    refused(&post(large.clone()).await, 413, "FAAS-9006");
    let fits = format!("{OK}//{}", "x".repeat((64 << 10) - OK.len() - 2));
    large["functions"][0]["code"] = fits.into();
    assert_eq!(post(large).await.status, 201);
}

#[tokio::test]
async fn functions_of_a_revision_do_not_meet() {
    let bed = Bed::new().await;
    let route = |name: &str, path: &str| {
        json!({
            "name": name,
            "type": "ON_REQUEST",
            "path": path,
            "code": "export default (request, response) => response.send();",
        })
    };
    let post = async |functions: Vec<Value>| {
        let body = json!({"name": unique("p"), "revisionName": "r", "functions": functions});
        bed.client.post(&at("/packages"), body).await
    };
    let same = post(vec![before("a", "x", OK), before("a", "y", OK)]).await;
    refused(&same, 409, "FAAS-409");
    let overlap = post(vec![route("a", "users/*"), route("b", "*/posts")]).await;
    refused(&overlap, 409, "FAAS-9005");
    post(vec![route("a", "users/*"), route("b", "users")])
        .await
        .data(201);
    let most: Vec<Value> = (0..11).map(|n| before(&format!("f{n}"), "x", OK)).collect();
    refused(&post(most.clone()).await, 422, "FAAS-1006");
    post(most[..10].to_vec()).await.data(201);
    let timed = json!({
        "name": "t",
        "type": "SUBSCRIBE_ON_INTERVAL",
        "config": {"inputChannel": "a", "interval": 1000},
        "code": OK,
    });
    refused(&post(vec![timed]).await, 403, "FAAS-403");
}

#[tokio::test]
async fn functions_compile_or_are_refused_with_the_place() {
    let bed = Bed::new().await;
    let post = async |codes: &[&str]| {
        let functions = codes.iter().enumerate();
        let functions: Vec<Value> = functions
            .map(|(index, code)| before(&format!("f{index}"), "x", code))
            .collect();
        let body = json!({"name": unique("p"), "revisionName": "r", "functions": functions});
        bed.client.post(&at("/packages"), body).await
    };
    for (code, part, place) in [
        ("export default (request => {", "", "(line 1"),
        (
            "const a = 1;\nconst b = 2;",
            "no default export",
            "(line 1, column 1)",
        ),
        (
            "\nexport default 5;",
            "not a function",
            "(line 2, column 1)",
        ),
        ("export default (() => 5)();", "not a function", "(line 1"),
        (
            "import x from 'kvstore';\nexport default () => x;",
            "require",
            "(line 1, column 1)",
        ),
        (
            "const x = 1;\n  await x;\nexport default () => x;",
            "top level",
            "(line 2, column 3)",
        ),
        (
            "export default () => 1;\nexport default () => 2;",
            "",
            "(line 2",
        ),
    ] {
        let answer = post(&[OK, code]).await;
        let told = faults(&answer);
        assert_eq!(answer.status, 422, "{told:?}");
        let first = &told[0];
        assert!(first.starts_with("FAAS-9004 Function 'f1': "), "{first}");
        assert!(first.contains(part) && first.contains(place), "{first}");
    }
    // Faults of several functions are told together.
    let told = faults(&post(&["x(", "y("]).await);
    assert!(
        told[0].contains("'f0'") && told.last().is_some_and(|last| last.contains("'f1'")),
        "{told:?}"
    );
    // Nothing was stored.
    assert_eq!(bed.client.get(&at("/packages")).await.data(200), json!([]));
    for code in [
        "const f = () => 1;\nexport { f as default };",
        "export default async function (request) { return request.ok(); }",
        // These can be loaded later, or not.
        "throw new Error('not now');\nexport default () => 1;",
        "require('nothing');\nexport default () => 1;",
    ] {
        assert_eq!(post(&[code]).await.status, 201, "{code}");
    }
}

#[tokio::test]
async fn names_are_unique_in_an_account_whatever_their_case() {
    let bed = Bed::new().await;
    let name = unique("Ünique");
    let first = bed
        .client
        .post(&at("/packages"), body(&name))
        .await
        .data(201);
    let again = bed
        .client
        .post(&at("/packages"), body(&name.to_uppercase()))
        .await;
    refused(&again, 409, "FAAS-409");
    let other = bed
        .client
        .post(&at("/packages"), body("other"))
        .await
        .data(201);
    let path = at(&format!("/packages/{}", id(&other)));
    refused(
        &bed.client.put(&path, json!({"name": name})).await,
        409,
        "FAAS-409",
    );
    // Its own name in another case is no other's.
    bed.client
        .put(&path, json!({"name": "OTHER"}))
        .await
        .data(200);
    // Another account has its own names, and none of ours.
    let stranger = Bed::new().await;
    stranger
        .client
        .post(&at("/packages"), body(&name))
        .await
        .data(201);
    let foreign = at(&format!("/packages/{}", id(&first)));
    refused(&stranger.client.get(&foreign).await, 404, "FAAS-404");
    refused(&stranger.client.delete(&foreign).await, 404, "FAAS-404");
    refused(
        &stranger.client.put(&foreign, json!({"name": "z"})).await,
        404,
        "FAAS-404",
    );
    // Of many at once, one wins.
    let race = unique("race");
    let sent = (0..8).map(|_| async { bed.client.post(&at("/packages"), body(&race)).await });
    let answers = join_all(sent.collect::<Vec<_>>()).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        refused(answer, 409, "FAAS-409");
    }
}

#[tokio::test]
async fn a_repeat_with_a_key_has_one_effect_and_one_answer() {
    let bed = Bed::new().await;
    let with = bed.client.with("idempotency-key", &unique("key"));
    let name = unique("p");
    let first = with.post(&at("/packages"), body(&name)).await;
    let made = first.data(201);
    let again = with.post(&at("/packages"), body(&name)).await;
    assert_eq!(again.data(201), made);
    assert_eq!(again.position(), first.position());
    refused(
        &with.post(&at("/packages"), body("another")).await,
        422,
        "FAAS-9008",
    );
    let path = at(&format!("/packages/{}", id(&made)));
    let key = bed.client.with("idempotency-key", &unique("key"));
    assert_eq!(key.delete(&path).await.status, 204);
    assert_eq!(key.delete(&path).await.status, 204);
    // The answer to a repeat is the one of that time.
    assert_eq!(
        with.post(&at("/packages"), body(&name)).await.data(201),
        made
    );
    assert_eq!(bed.client.get(&at("/packages")).await.data(200), json!([]));
    let long = bed.client.with("idempotency-key", &"x".repeat(256));
    refused(
        &long.post(&at("/packages"), body("q")).await,
        400,
        "FAAS-400",
    );
}

#[tokio::test]
async fn a_change_can_ask_for_the_state_that_it_knows() {
    let bed = Bed::new().await;
    let made = bed.client.post(&at("/packages"), body(&unique("p"))).await;
    let path = at(&format!("/packages/{}", id(&made.data(201))));
    let tag = made.header("etag").to_owned();
    let changed = bed
        .client
        .with("if-match", &tag)
        .put(&path, json!({"tags": ["a"]}))
        .await;
    changed.data(200);
    let stale = bed.client.with("if-match", &tag);
    refused(
        &stale.put(&path, json!({"tags": ["b"]})).await,
        412,
        "FAAS-9007",
    );
    refused(&stale.delete(&path).await, 412, "FAAS-9007");
    refused(
        &bed.client.with("if-match", "x").delete(&path).await,
        400,
        "FAAS-400",
    );
    let fresh = bed.client.with("if-match", changed.header("etag"));
    assert_eq!(fresh.delete(&path).await.status, 204);
}

#[tokio::test]
async fn what_runs_keeps_its_package() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let revision = bed.package(&[before("f", "chat.*", OK)]).await;
    let stopped = bed
        .revision(&revision.package, &[before("f", "chat.*", OK)])
        .await;
    let idle = bed.assign(&stopped, &keyset).await;
    let running = bed.running(&revision, &keyset).await;
    let path = at(&format!("/packages/{}", revision.package));
    let shown = bed.client.get(&path).await.data(200);
    assert_eq!(shown["revisionsTotal"], 2);
    assert_eq!(shown["revisionsRunning"], 1);
    assert_eq!(shown["packageDeploymentsTotal"], 2);
    assert_eq!(shown["packageDeploymentsRunning"], 1);
    let limit = bed
        .client
        .get(&at("/limits/package-deployments-running"))
        .await
        .data(200);
    assert_eq!(limit["name"], "max_running_package_deployments");
    assert_eq!(
        (&limit["currentValue"], &limit["maxValue"]),
        (&json!("1"), &json!("30"))
    );

    refused(&bed.client.delete(&path).await, 409, "FAAS-1016");
    let revision_path = at(&format!("/package-revisions/{}", revision.id));
    refused(&bed.client.delete(&revision_path).await, 409, "FAAS-1017");
    // Nothing was taken away.
    assert_eq!(bed.state(&idle).await, "STOPPED");
    bed.stop(&running, "").await.data(200);
    assert_eq!(bed.client.delete(&path).await.status, 204);
    for id in [&idle, &running] {
        let path = at(&format!("/package-deployments/{id}"));
        refused(&bed.client.get(&path).await, 404, "FAAS-404");
    }
    refused(&bed.client.get(&revision_path).await, 404, "FAAS-404");
    refused(
        &bed.client.get(&at(&format!("/packages/{NOBODY}"))).await,
        404,
        "FAAS-404",
    );
    let limit = bed
        .client
        .get(&at("/limits/package-deployments-running"))
        .await
        .data(200);
    assert_eq!(limit["currentValue"], "0");
}
