//! Revisions of packages, and their functions.

use http::Method;
use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, OK, at, before, refused};

const NOBODY: &str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";

fn texts<'a>(rows: &'a Value, member: &str) -> Vec<&'a str> {
    let rows = rows.as_array().expect("a list");
    rows.iter().filter_map(|row| row[member].as_str()).collect()
}

#[tokio::test]
async fn revisions_are_added_shown_renamed_and_deleted() {
    let bed = Bed::new().await;
    let first = bed.package(&[before("f", "chat.*", OK)]).await;
    let post = async |body: Value| bed.client.post(&at("/package-revisions"), body).await;
    let functions = [
        before("g", "a.b.*", "export default (r) => r.abort();"),
        before("f", "*", OK),
    ];
    let answer =
        post(json!({"packageId": first.package.to_uppercase(), "functions": functions})).await;
    let made = answer.data(201);
    let members: Vec<&String> = made.as_object().expect("an object").keys().collect();
    let published = [
        "id",
        "packageId",
        "name",
        "description",
        "packageDeploymentsTotal",
        "packageDeploymentsRunning",
        "createdDttm",
        "updatedDttm",
        "functions",
    ];
    assert_eq!(members, published);
    // The second that ever was.
    assert_eq!(
        (&made["name"], &made["packageId"]),
        (&json!("v2"), &json!(first.package))
    );
    assert_eq!(made["description"], Value::Null);
    let function = &made["functions"][0];
    let members: Vec<&String> = function.as_object().expect("an object").keys().collect();
    let published = [
        "id",
        "functionRevisionId",
        "packageRevisionId",
        "name",
        "language",
        "type",
        "sortOrder",
        "code",
        "config",
        "createdDttm",
        "updatedDttm",
    ];
    assert_eq!(members, published);
    assert_eq!(texts(&made["functions"], "name"), ["g", "f"]);
    assert_eq!(function["code"], functions[0]["code"]);
    assert_eq!(function["language"], "JAVASCRIPT");
    assert_eq!(function["sortOrder"], 0);
    assert_eq!(function["packageRevisionId"], made["id"]);
    assert_eq!(
        function["config"],
        json!({"type": "BEFORE_PUBLISH", "inputChannel": "a.b.*", "outputChannel": null})
    );
    // A function of the same name is the same, at another revision.
    let (old, new) = (&first.functions[0], &made["functions"][1]);
    assert_eq!(old["id"], new["id"]);
    assert_ne!(old["functionRevisionId"], new["functionRevisionId"]);
    assert_ne!(function["id"], new["id"]);

    let id = made["id"].as_str().expect("an id");
    let path = at(&format!("/package-revisions/{id}"));
    assert_eq!(bed.client.get(&path).await.data(200), made);
    let all = at(&format!("/packages/{}/package-revisions", first.package));
    let list = bed.client.get(&all).await.data(200);
    assert_eq!(list[0], made);
    assert_eq!(texts(&list, "name"), ["v2", "first"]);
    let found = bed
        .client
        .get(&format!("{all}?search=IRS&sort=name"))
        .await
        .data(200);
    assert_eq!(texts(&found, "name"), ["first"]);

    let named = json!({"name": "v2", "packageId": first.package, "functions": functions});
    refused(&post(named).await, 409, "FAAS-409");
    let alias = json!({"revisionName": "mine", "description": "d", "packageId": first.package, "functions": functions});
    let third = post(alias).await.data(201);
    assert_eq!(
        (&third["name"], &third["description"]),
        (&json!("mine"), &json!("d"))
    );
    let fourth = post(json!({"packageId": first.package, "functions": functions}))
        .await
        .data(201);
    assert_eq!(fourth["name"], "v4");

    let body = json!({"name": "new", "description": "text", "functions": [], "code": 1});
    let changed = bed.client.put(&path, body).await.data(200);
    assert_eq!(
        (&changed["name"], &changed["description"]),
        (&json!("new"), &json!("text"))
    );
    assert_eq!(changed["functions"], made["functions"]);
    assert!(changed["updatedDttm"].as_str() > made["updatedDttm"].as_str());
    refused(
        &bed.client.put(&path, json!({"name": "mine"})).await,
        409,
        "FAAS-409",
    );
    refused(&bed.client.put(&path, json!({})).await, 400, "FAAS-400");
    refused(
        &bed.client.put(&path, json!({"name": ""})).await,
        400,
        "FAAS-400",
    );
    let then = format!("{path}?as_of={}", answer.position());
    assert_eq!(bed.client.get(&then).await.data(200), made);

    for row in [&third, &fourth, &made] {
        let path = at(&format!(
            "/package-revisions/{}",
            row["id"].as_str().expect("an id")
        ));
        let gone = bed.client.ask(Method::DELETE, &path).send().await;
        assert_eq!((gone.status, gone.bytes.len()), (204, 0));
        refused(&bed.client.get(&path).await, 404, "FAAS-404");
        refused(&bed.client.delete(&path).await, 404, "FAAS-404");
    }
    // The last one may go as well.
    let last = at(&format!("/package-revisions/{}", first.id));
    assert_eq!(bed.client.delete(&last).await.status, 204);
    let package = bed
        .client
        .get(&at(&format!("/packages/{}", first.package)))
        .await
        .data(200);
    assert_eq!(package["revisionsTotal"], 0);
    let again = post(json!({"packageId": first.package, "functions": functions}))
        .await
        .data(201);
    assert_eq!(again["name"], "v5");
}

#[tokio::test]
async fn what_is_not_there_or_not_ours_is_not_found() {
    let bed = Bed::new().await;
    let stranger = Bed::new().await;
    let theirs = stranger.package(&[before("f", "x", OK)]).await;
    let functions = json!([before("f", "x", OK)]);
    for (package, revision) in [(NOBODY, NOBODY), (&*theirs.package, &*theirs.id)] {
        let body = json!({"packageId": package, "functions": functions});
        refused(
            &bed.client.post(&at("/package-revisions"), body).await,
            404,
            "FAAS-404",
        );
        let all = at(&format!("/packages/{package}/package-revisions"));
        refused(&bed.client.get(&all).await, 404, "FAAS-404");
        let path = at(&format!("/package-revisions/{revision}"));
        refused(&bed.client.get(&path).await, 404, "FAAS-404");
        refused(
            &bed.client.put(&path, json!({"name": "x"})).await,
            404,
            "FAAS-404",
        );
        refused(&bed.client.delete(&path).await, 404, "FAAS-404");
        refused(
            &bed.client.get(&format!("{path}/functions")).await,
            404,
            "FAAS-404",
        );
        refused(
            &bed.client.get(&format!("{path}/package-deployments")).await,
            404,
            "FAAS-404",
        );
    }
    for path in [
        "/packages/1/package-revisions",
        "/package-revisions/x",
        "/package-revisions/x/functions",
    ] {
        refused(&bed.client.get(&at(path)).await, 400, "FAAS-400");
    }
    let body = json!({"packageId": "x", "functions": functions});
    refused(
        &bed.client.post(&at("/package-revisions"), body).await,
        400,
        "FAAS-400",
    );
}

#[tokio::test]
async fn every_trigger_has_its_own_configuration() {
    let bed = Bed::new().await;
    let function = |name: &str, word: &str, more: Value| {
        let mut function =
            json!({"name": name, "type": word, "code": "export default (r) => r.ok();"});
        for (name, value) in more.as_object().expect("an object") {
            function[name] = value.clone();
        }
        function
    };
    let channel = json!({"config": {"inputChannel": "a.*", "outputChannel": "out"}});
    let rows = [
        (
            "a",
            "BEFORE_PUBLISH",
            channel.clone(),
            "BEFORE_PUBLISH",
            json!({"inputChannel": "a.*", "outputChannel": "out"}),
        ),
        (
            "b",
            "js-after-publish",
            json!({"channels": ["x"]}),
            "AFTER_PUBLISH",
            json!({"inputChannel": "x", "outputChannel": null}),
        ),
        (
            "c",
            "BEFORE_PUBLISH_FILE",
            json!({"channel": "*"}),
            "BEFORE_PUBLISH_FILE",
            json!({"inputChannel": "*", "outputChannel": null}),
        ),
        (
            "d",
            "js-before-signal",
            channel.clone(),
            "BEFORE_SIGNAL",
            json!({"inputChannel": "a.*", "outputChannel": "out"}),
        ),
        (
            "e",
            "AFTER_PUBLISH_FILE",
            channel.clone(),
            "AFTER_PUBLISH_FILE",
            json!({"inputChannel": "a.*", "outputChannel": "out"}),
        ),
        (
            "f",
            "AFTER_SIGNAL",
            channel.clone(),
            "AFTER_SIGNAL",
            json!({"inputChannel": "a.*", "outputChannel": "out"}),
        ),
        (
            "g",
            "js-after-presence",
            channel,
            "AFTER_PRESENCE",
            json!({"inputChannel": "a.*", "outputChannel": "out"}),
        ),
        (
            "h",
            "js-on-rest",
            json!({"path": "users/*"}),
            "ON_REQUEST",
            json!({"path": "users/*"}),
        ),
        (
            "i",
            "js-on-interval",
            json!({"interval": 3_600_000}),
            "ON_INTERVAL",
            json!({"interval": 3_600_000}),
        ),
    ];
    let functions: Vec<Value> = rows
        .iter()
        .map(|(name, word, more, ..)| function(name, word, more.clone()))
        .collect();
    let revision = bed.package(&functions).await;
    for (shown, (name, _, _, word, config)) in revision.functions.iter().zip(&rows) {
        assert_eq!(
            (&shown["name"], &shown["type"]),
            (&json!(name), &json!(word))
        );
        let mut expected = json!({"type": word});
        for (name, value) in config.as_object().expect("an object") {
            expected[name] = value.clone();
        }
        assert_eq!(shown["config"], expected);
    }
}

#[tokio::test]
async fn functions_of_a_revision_are_listed_in_their_order() {
    let bed = Bed::new().await;
    let placed = |name: &str, place: u32| {
        let mut function = before(name, "x", OK);
        function["sortOrder"] = place.into();
        function
    };
    let functions = [
        placed("Bear", 2),
        placed("ant", 2),
        placed("cat", 0),
        before("dog", "x", OK),
    ];
    let revision = bed.package(&functions).await;
    let path = at(&format!("/package-revisions/{}/functions", revision.id));
    let list = bed.client.get(&path).await.json();
    assert_eq!(texts(&list["data"], "name").first(), Some(&"cat"));
    assert_eq!(list["data"].as_array().map(Vec::len), Some(4));
    let mut orders: Vec<i64> = Vec::new();
    for row in list["data"].as_array().expect("a list") {
        orders.push(row["sortOrder"].as_i64().expect("a number"));
        assert_eq!(row["code"], OK);
    }
    assert_eq!(orders, [0, 2, 2, 3]);
    assert_eq!(list["meta"]["paging"]["totalElements"], 4);
    // Embedded they are in the order in which they run.
    let names: Vec<&str> = revision
        .functions
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert_eq!(names, ["cat", "Bear", "ant", "dog"]);
    let page = bed
        .client
        .get(&format!("{path}?sort=name,DESC&size=1&page=0"))
        .await
        .data(200);
    assert_eq!(texts(&page, "name"), ["dog"]);
    let found = bed.client.get(&format!("{path}?search=EA")).await.data(200);
    assert_eq!(texts(&found, "name"), ["Bear"]);
    refused(
        &bed.client.get(&format!("{path}?sort=code")).await,
        400,
        "FAAS-400",
    );
}

#[tokio::test]
async fn deployments_of_a_revision_are_those_that_the_caller_may_see() {
    let bed = Bed::new().await;
    let (one, two) = (bed.keyset().await, bed.keyset().await);
    let revision = bed.package(&[before("f", "x", OK)]).await;
    let first = bed.assign(&revision, &one).await;
    let second = bed.assign(&revision, &two).await;
    let path = at(&format!(
        "/package-revisions/{}/package-deployments",
        revision.id
    ));
    let list = bed.client.get(&path).await.data(200);
    assert_eq!(texts(&list, "id"), [&*second, &*first]);
    assert_eq!(list[1], bed.get(&first).await);
    let found = bed
        .client
        .get(&format!("{path}?search={}", &first[..13]))
        .await
        .data(200);
    assert_eq!(texts(&found, "id"), [&*first]);
    let limited = bed
        .limited(&[&format!("functions.package-deployment:read@{}", one.number)])
        .await;
    let list = limited.get(&path).await.json();
    assert_eq!(texts(&list["data"], "id"), [&*first]);
    assert_eq!(list["meta"]["paging"]["totalElements"], 1);
    let none = bed.limited(&["functions.package:read"]).await;
    let list = none.get(&path).await.json();
    assert_eq!(list["data"], json!([]));
    assert_eq!(list["meta"]["paging"]["totalElements"], 0);
    let shown = bed
        .client
        .get(&at(&format!("/package-revisions/{}", revision.id)))
        .await
        .data(200);
    assert_eq!(
        (
            &shown["packageDeploymentsTotal"],
            &shown["packageDeploymentsRunning"]
        ),
        (&json!(2), &json!(0))
    );
}
