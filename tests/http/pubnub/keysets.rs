//! Keysets, which only Strata's own API makes, and keys that are limited to them.

use futures::future::join_all;
use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, OK, at, bearer, before, refused};
use crate::client::unique;

fn one(number: u64, bed: &Bed) -> String {
    format!("/strata/v1/keysets/{number}?project={}", bed.project)
}

fn all(bed: &Bed) -> String {
    format!("/strata/v1/keysets?project={}", bed.project)
}

#[tokio::test]
async fn keysets_are_made_changed_and_deleted() {
    let bed = Bed::new().await;
    let strata = bed.strata();
    let answer = strata.post(&all(&bed), json!({})).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let made = answer.json();
    let number = made["id"].as_u64().expect("a number");
    assert!(number > 1000);
    assert_eq!(made["name"], format!("Keyset {number}"));
    for (name, prefix) in [("publishKey", "pub-c-"), ("subscribeKey", "sub-c-")] {
        let id = made[name].as_str().and_then(|key| key.strip_prefix(prefix));
        assert!(
            id.is_some_and(|id| uuid::Uuid::try_parse(id).is_ok()),
            "{made}"
        );
    }
    let settings =
        ["onFunctionError", "afterRetries", "retryDelayMs"].map(|name| made[name].clone());
    assert_eq!(settings, [json!("block"), json!(0), json!(1000)]);
    assert_eq!(strata.get(&one(number, &bed)).await.json(), made);
    let body =
        json!({"name": "mine", "onFunctionError": "pass", "afterRetries": 3, "retryDelayMs": 50});
    let changed = strata.patch(&one(number, &bed), body).await.json();
    let settings = ["name", "onFunctionError", "afterRetries", "retryDelayMs"]
        .map(|name| changed[name].clone());
    assert_eq!(
        settings,
        [json!("mine"), json!("pass"), json!(3), json!(50)]
    );
    let changed = strata
        .patch(&one(number, &bed), json!({"afterRetries": 0}))
        .await
        .json();
    assert_eq!(
        (&changed["onFunctionError"], &changed["afterRetries"]),
        (&json!("pass"), &json!(0))
    );
    assert_eq!(changed["subscribeKey"], made["subscribeKey"]);
    for body in [
        json!({"name": ""}),
        json!({"onFunctionError": "shrug"}),
        json!({"afterRetries": -1}),
        json!({"afterRetries": 1000}),
        json!({"retryDelayMs": 0}),
    ] {
        assert_eq!(
            strata.post(&all(&bed), body.clone()).await.status,
            400,
            "{body}"
        );
        assert_eq!(
            strata.patch(&one(number, &bed), body.clone()).await.status,
            400,
            "{body}"
        );
    }
    let key = strata.with("idempotency-key", &unique("key"));
    let second = key.post(&all(&bed), json!({"name": "second"})).await.json();
    assert_eq!(
        key.post(&all(&bed), json!({"name": "second"})).await.json(),
        second
    );
    let list = strata.get(&all(&bed)).await.json();
    assert_eq!(
        (&list["total"], &list["keysets"]),
        (&json!(2), &json!([changed, second]))
    );
    let then = format!("{}&as_of={}", all(&bed), answer.position());
    assert_eq!(strata.get(&then).await.json()["keysets"], json!([made]));

    assert_eq!(strata.delete(&one(number, &bed)).await.status, 204);
    assert_eq!(strata.delete(&one(number, &bed)).await.status, 404);
    assert_eq!(strata.get(&one(number, &bed)).await.status, 404);
    assert_eq!(
        strata
            .patch(&one(number, &bed), json!({"name": "x"}))
            .await
            .status,
        404
    );
    let subkey = made["subscribeKey"].as_str().expect("a key");
    refused(
        &bed.client
            .get(&at(&format!("/kv/strings?subkey={subkey}")))
            .await,
        400,
        "FAAS-1022",
    );
    // A number is not given twice.
    let third = strata.post(&all(&bed), json!({})).await.json();
    assert!(third["id"].as_u64() > second["id"].as_u64());
    let nowhere = strata
        .post("/strata/v1/keysets?project=nowhere-at-all", json!({}))
        .await;
    assert_eq!(nowhere.status, 404);
}

#[tokio::test]
async fn numbers_are_unique_in_the_installation() {
    let (one, other) = (Bed::new().await, Bed::new().await);
    let sent = [&one, &other]
        .into_iter()
        .cycle()
        .take(8)
        .map(|bed| bed.keyset());
    let mut numbers: Vec<u64> = join_all(sent)
        .await
        .iter()
        .map(|keyset| keyset.number)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 8);
}

#[tokio::test]
async fn a_keyset_with_what_runs_stays() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let revision = bed.package(&[before("f", "x", OK)]).await;
    let id = bed.running(&revision, &keyset).await;
    let path = one(keyset.number, &bed);
    let refusal = bed.strata().delete(&path).await;
    assert_eq!(refusal.status, 409, "{refusal:?}");
    assert_eq!(bed.state(&id).await, "RUNNING");
    bed.stop(&id, "").await.data(200);
    assert_eq!(bed.strata().delete(&path).await.status, 204);
    let path = at(&format!("/package-deployments/{id}"));
    refused(&bed.client.get(&path).await, 404, "FAAS-404");
    let package = bed
        .client
        .get(&at(&format!("/packages/{}", revision.package)))
        .await
        .data(200);
    assert_eq!(package["packageDeploymentsTotal"], 0);
}

#[tokio::test]
async fn keys_reach_as_far_as_their_scopes() {
    let bed = Bed::new().await;
    let (first, second) = (bed.keyset().await, bed.keyset().await);
    let read = format!("keyset:read@{}", first.number);
    let write = format!("keyset:write@{}", first.number);
    let strata = bearer(&bed.client, &bed.key(&[&read, &write]).await).with("strata-project", "");
    // Without a project in the query, it is the key's own.
    let path = |number: u64| format!("/strata/v1/keysets/{number}");
    assert_eq!(strata.get(&path(first.number)).await.status, 200);
    assert_eq!(strata.get(&path(second.number)).await.status, 403);
    let list = strata.get("/strata/v1/keysets").await.json();
    assert_eq!(list["total"], 1);
    assert_eq!(
        strata
            .patch(&path(first.number), json!({"name": "x"}))
            .await
            .status,
        200
    );
    assert_eq!(
        strata
            .patch(&path(second.number), json!({"name": "x"}))
            .await
            .status,
        403
    );
    assert_eq!(
        strata.post("/strata/v1/keysets", json!({})).await.status,
        403
    );
    assert_eq!(strata.delete(&path(second.number)).await.status, 403);
    assert_eq!(
        strata
            .get("/strata/v1/keysets?project=default")
            .await
            .status,
        403
    );
    let none = bearer(&bed.client, &bed.key(&["functions.package:read"]).await);
    assert_eq!(none.get("/strata/v1/keysets").await.status, 403);
    let stranger = bearer(&bed.client, &Bed::new().await.key(&["*"]).await);
    assert_eq!(stranger.get(&path(first.number)).await.status, 404);
    assert_eq!(stranger.delete(&path(first.number)).await.status, 404);

    // Nobody hands on more than they have; what they have may be limited further.
    let keys = format!("/strata/v1/projects/{}/keys", bed.project);
    let maker = bearer(
        &bed.client,
        &bed.key(&["keys.write", "keyset:read", &write]).await,
    );
    let give = async |scope: &str| maker.post(&keys, json!({"scopes": [scope]})).await.status;
    assert_eq!(give("keyset:read").await, 201);
    assert_eq!(give(&format!("keyset:read@{}", second.number)).await, 201);
    assert_eq!(give(&write).await, 201);
    assert_eq!(give(&format!("keyset:write@{}", second.number)).await, 400);
    assert_eq!(give("keyset:write").await, 400);
    for scope in [
        "keyset:read@x",
        "keyset:read@",
        "functions.package:read@1001",
    ] {
        let answer = bed.strata().post(&keys, json!({"scopes": [scope]})).await;
        assert_eq!(answer.status, 400, "{scope}");
    }
}

/// A call of the Admin API, and what a key must hold for it.
struct Call {
    method: &'static str,
    path: String,
    body: Value,
    account: &'static [&'static str],
    keyset: &'static [&'static str],
}

#[tokio::test]
async fn every_call_needs_its_permission() {
    let bed = Bed::new().await;
    let (keyset, other) = (bed.keyset().await, bed.keyset().await);
    let revision = bed.package(&[before("f", "x", OK)]).await;
    let function = revision.functions[0]["functionRevisionId"]
        .as_str()
        .expect("an id");
    let inputs = format!("/function-revisions/{function}/test-inputs");
    let input = bed
        .client
        .post(&at(&inputs), json!({"payload": 1}))
        .await
        .data(201);
    let input = format!("{inputs}/{}", input["id"].as_str().expect("an id"));
    let (package, id) = (&revision.package, &revision.id);
    let kv = |path: &str| format!("/kv/{path}?subkey={}", keyset.subscribe_key);
    let (read, write) = (
        &["functions.package:read"][..],
        &["functions.package:write"][..],
    );
    let (kv_read, kv_write) = (&["keyset:read"][..], &["keyset:write"][..]);
    let set = || json!({"value": "x"});
    let new =
        || json!({"name": unique("p"), "revisionName": "r", "functions": [before("f", "x", OK)]});
    let more = || json!({"packageId": package, "functions": [before("f", "x", OK)]});
    let call = |method, path: String, body: Value, account, keyset| Call {
        method,
        path,
        body,
        account,
        keyset,
    };
    let none = &[][..];
    // What deletes comes last.
    let calls = [
        call("GET", "/packages".into(), Value::Null, read, none),
        call("POST", "/packages".into(), new(), write, none),
        call(
            "GET",
            format!("/packages/{package}"),
            Value::Null,
            read,
            none,
        ),
        call(
            "PUT",
            format!("/packages/{package}"),
            json!({"tags": ["x"]}),
            write,
            none,
        ),
        call(
            "GET",
            format!("/packages/{package}/package-revisions"),
            Value::Null,
            read,
            none,
        ),
        call("POST", "/package-revisions".into(), more(), write, none),
        call(
            "GET",
            format!("/package-revisions/{id}"),
            Value::Null,
            read,
            none,
        ),
        call(
            "PUT",
            format!("/package-revisions/{id}"),
            json!({"description": "x"}),
            write,
            none,
        ),
        call(
            "GET",
            format!("/package-revisions/{id}/functions"),
            Value::Null,
            read,
            none,
        ),
        call("GET", inputs.clone(), Value::Null, read, none),
        call("POST", inputs.clone(), json!({"payload": 2}), write, none),
        call("PUT", input.clone(), json!({"payload": 3}), write, none),
        call("DELETE", input, Value::Null, write, none),
        call(
            "GET",
            "/limits/package-deployments-running".into(),
            Value::Null,
            read,
            none,
        ),
        call("GET", kv("strings"), Value::Null, none, kv_read),
        call("PUT", kv("strings/k"), set(), none, kv_write),
        call("GET", kv("strings/k"), Value::Null, none, kv_read),
        call("DELETE", kv("strings/k"), Value::Null, none, kv_write),
        call("GET", kv("jsons"), Value::Null, none, kv_read),
        call("PUT", kv("jsons/k"), set(), none, kv_write),
        call("GET", kv("jsons/k"), Value::Null, none, kv_read),
        call("DELETE", kv("jsons/k"), Value::Null, none, kv_write),
        call(
            "POST",
            kv("counters/k/increment"),
            json!({}),
            none,
            kv_write,
        ),
        call(
            "POST",
            kv("counters/k/decrement"),
            json!({}),
            none,
            kv_write,
        ),
        call("GET", kv("counters"), Value::Null, none, kv_read),
        call("GET", kv("counters/k"), Value::Null, none, kv_read),
        call("GET", kv("secrets"), Value::Null, none, kv_read),
        call("PUT", kv("secrets/k"), set(), none, kv_write),
        call("DELETE", kv("secrets/k"), Value::Null, none, kv_write),
        call(
            "DELETE",
            format!("/package-revisions/{id}"),
            Value::Null,
            write,
            none,
        ),
        call(
            "DELETE",
            format!("/packages/{package}"),
            Value::Null,
            write,
            none,
        ),
    ];
    let every = [
        "functions.package:read",
        "functions.package:write",
        "functions.package-deployment:read",
        "functions.package-deployment:write",
        "keyset:read",
        "keyset:write",
    ];
    for call in calls {
        let send = async |client: &crate::client::Client| {
            let method = call.method.parse().expect("a method");
            let ask = client.ask(method, &at(&call.path));
            match call.body.is_null() {
                true => ask.send().await,
                false => ask.json(call.body.clone()).await,
            }
        };
        // All others do not help.
        let needed = [call.account, call.keyset].concat();
        let mut others: Vec<String> = every.iter().map(|scope| (*scope).to_owned()).collect();
        others.retain(|scope| !needed.contains(&&**scope));
        let limited = call
            .keyset
            .iter()
            .map(|scope| format!("{scope}@{}", other.number));
        others.extend(limited);
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let answer = send(&bed.limited(&others).await).await;
        assert_eq!(
            answer.fault(),
            (403, "FAAS-403".to_owned()),
            "{} {}",
            call.method,
            call.path
        );
        // The one that is needed does, limited to the keyset where there is one.
        let limited = call
            .keyset
            .iter()
            .map(|scope| format!("{scope}@{}", keyset.number));
        let scopes: Vec<String> = limited
            .chain(call.account.iter().map(|s| (*s).to_owned()))
            .collect();
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let answer = send(&bed.limited(&scopes).await).await;
        assert!(
            answer.status < 300,
            "{} {}: {answer:?}",
            call.method,
            call.path
        );
    }
}
