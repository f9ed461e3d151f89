//! The catalogue, and what is made from it.

use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, Keyset, at, refused};
use crate::client::unique;

const NOBODY: &str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";

async fn blueprint(bed: &Bed, name: &str) -> (String, Vec<Value>) {
    let list = bed
        .client
        .get(&at(&format!("/package-blueprints?name={name}")))
        .await
        .data(200);
    let id = list[0]["id"].as_str().expect("an id").to_owned();
    let path = at(&format!("/package-blueprints/{id}/function-blueprints"));
    let functions = bed.client.get(&path).await.data(200);
    (id, functions.as_array().expect("a list").clone())
}

fn body(keyset: &Keyset, functions: Value) -> Value {
    json!({"keysetId": keyset.number, "revisionName": "v1", "functions": functions})
}

#[tokio::test]
async fn the_catalogue_is_the_same_for_everybody() {
    let bed = Bed::new().await;
    let nobody = bed.limited(&["nothing"]).await;
    let list = nobody
        .get(&at("/package-blueprints?sort=name"))
        .await
        .json();
    let rows = list["data"].as_array().expect("a list");
    assert!(rows.len() >= 6);
    assert_eq!(list["meta"]["paging"]["totalElements"], rows.len());
    let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert!(names.is_sorted(), "{names:?}");
    for row in rows {
        let members: Vec<&String> = row.as_object().expect("an object").keys().collect();
        let published = [
            "id",
            "parentId",
            "name",
            "version",
            "description",
            "iconBase64",
            "iconMediaType",
            "state",
            "tags",
            "createdDttm",
            "updatedDttm",
        ];
        assert_eq!(members, published);
        assert_eq!(row["state"], "GENERAL_AVAILABILITY");
        assert_eq!(row["tags"][0]["visibility"], "PUBLIC");
        let path = at(&format!(
            "/package-blueprints/{}",
            row["id"].as_str().expect("an id")
        ));
        assert_eq!(nobody.get(&path).await.data(200), *row);
        let functions = nobody
            .get(&format!("{path}/function-blueprints"))
            .await
            .json();
        assert!(functions["meta"].get("paging").is_none());
        for function in functions["data"].as_array().expect("a list") {
            let members: Vec<&String> = function.as_object().expect("an object").keys().collect();
            let published = [
                "id",
                "packageBlueprintId",
                "name",
                "type",
                "language",
                "code",
                "params",
                "testInputs",
                "config",
                "sortOrder",
                "createdDttm",
                "updatedDttm",
            ];
            assert_eq!(members, published);
            assert_eq!(function["config"]["type"], function["type"]);
            let id = function["id"].as_str().expect("an id");
            let path = at(&format!(
                "/function-blueprints/{id}/function-blueprint-params"
            ));
            let params = nobody.get(&path).await.data(200);
            assert_eq!(params, function["params"]);
            for param in params.as_array().expect("a list") {
                let id = param["id"].as_str().expect("an id");
                let path = at(&format!("/function-blueprint-params/{id}"));
                assert_eq!(nobody.get(&path).await.data(200), *param);
            }
        }
    }
    let two = nobody
        .get(&at("/package-blueprints?sort=name,DESC&size=2&page=1"))
        .await
        .json();
    assert_eq!(
        two["data"],
        json!([rows[rows.len() - 3], rows[rows.len() - 4]])
    );
    assert_eq!(two["meta"]["paging"]["pageOffset"], 2);
    let tagged = nobody
        .get(&at("/package-blueprints?tag=kvstore&tag=http"))
        .await
        .data(200);
    assert_eq!(tagged.as_array().map(Vec::len), Some(1));
    let none = nobody
        .get(&at("/package-blueprints?tag=kvstore&tag=nothing"))
        .await
        .data(200);
    assert_eq!(none, json!([]));

    let all = nobody
        .get(&at("/function-blueprint-params?size=100"))
        .await
        .json();
    let total = all["data"].as_array().map(Vec::len);
    assert_eq!(
        all["meta"]["paging"]["totalElements"].as_u64(),
        total.map(|total| total as u64)
    );
    let (webhook, functions) = blueprint(&bed, "webhook").await;
    let path = at(&format!(
        "/function-blueprint-params?package_blueprint_id={webhook}&sort=name"
    ));
    let of = nobody.get(&path).await.data(200);
    assert_eq!(of, functions[0]["params"]);
    let found = nobody
        .get(&at("/function-blueprint-params?name=TOKEN"))
        .await
        .data(200);
    assert_eq!(
        (&found[0]["storage"], &found[0]["sourceName"]),
        (&json!("VAULT"), &json!("WEBHOOK_TOKEN"))
    );
    for path in [
        "/package-blueprints/{}",
        "/package-blueprints/{}/function-blueprints",
        "/function-blueprints/{}/function-blueprint-params",
        "/function-blueprint-params/{}",
    ] {
        refused(
            &nobody.get(&at(&path.replace("{}", NOBODY))).await,
            404,
            "FAAS-404",
        );
        refused(
            &nobody.get(&at(&path.replace("{}", "x"))).await,
            400,
            "FAAS-400",
        );
    }
    refused(
        &nobody
            .get(&at("/function-blueprint-params?package_blueprint_id=x"))
            .await,
        400,
        "FAAS-400",
    );
}

#[tokio::test]
async fn every_package_of_the_catalogue_can_be_imported_and_started() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let list = bed
        .client
        .get(&at("/package-blueprints?size=100"))
        .await
        .data(200);
    for row in list.as_array().expect("a list") {
        let name = row["name"].as_str().expect("a name");
        let (id, functions) = blueprint(&bed, &name.replace(' ', "%20")).await;
        let given: Vec<Value> = functions
            .iter()
            .map(|function| {
                let params = function["params"].as_array().expect("a list").iter();
                let needed = params.filter(|param| param["defaultValue"].is_null());
                let given = needed.map(|param| json!({"id": param["id"], "value": "c2VjcmV0"}));
                json!({"functionBlueprintId": function["id"], "params": given.collect::<Vec<_>>()})
            })
            .collect();
        let path = at(&format!("/package-blueprints/{id}/packages"));
        let made = bed
            .client
            .post(&path, body(&keyset, json!(given)))
            .await
            .data(201);
        assert_eq!(made["packageBlueprintId"], row["id"]);
        assert_eq!(made["name"], row["name"]);
        assert_eq!(
            (&made["revisionsTotal"], &made["packageDeploymentsTotal"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(made["packageDeploymentsRunning"], 0);
        let package = made["id"].as_str().expect("an id");
        let revisions = at(&format!("/packages/{package}/package-revisions"));
        let revision = bed.client.get(&revisions).await.data(200)[0].clone();
        assert_eq!(
            revision["functions"].as_array().map(Vec::len),
            Some(functions.len())
        );
        assert!(!revision.to_string().contains("{{"), "{revision}");
        let id = revision["id"].as_str().expect("an id");
        let path = at(&format!("/package-revisions/{id}/package-deployments"));
        let deployment = bed.client.get(&path).await.data(200)[0].clone();
        assert_eq!(
            (&deployment["state"], &deployment["keysetId"]),
            (&json!("STOPPED"), &json!(keyset.number))
        );
        let id = deployment["id"].as_str().expect("an id");
        assert_eq!(bed.start(id).await.data(200)["state"], "RUNNING", "{name}");
    }
    let path = at(&format!("/kv/secrets?subkey={}", keyset.subscribe_key));
    let secrets = bed.client.get(&path).await.data(200);
    assert_eq!(
        secrets,
        json!([{"key": "SIGNING_KEY"}, {"key": "WEBHOOK_TOKEN"}])
    );
}

#[tokio::test]
async fn what_is_given_takes_the_place_of_defaults() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let (id, functions) = blueprint(&bed, "word").await;
    let params = &functions[0]["params"];
    let value = "{{REPLACEMENT}} \" \\ \n ${x} ` \u{2028}";
    let mut body = body(
        &keyset,
        json!([{
            "functionBlueprintId": functions[0]["id"],
            "name": "mine",
            "config": {"inputChannel": "own.*"},
            "params": [{"id": params[0]["id"], "value": value}],
        }]),
    );
    body["name"] = unique("filter").into();
    body["description"] = "My own".into();
    body["tags"] = json!(["a"]);
    let path = at(&format!("/package-blueprints/{id}/packages"));
    let made = bed.client.post(&path, body.clone()).await.data(201);
    assert_eq!(
        (&made["name"], &made["description"], &made["tags"]),
        (&body["name"], &json!("My own"), &json!(["a"]))
    );
    let package = made["id"].as_str().expect("an id");
    let revisions = bed
        .client
        .get(&at(&format!("/packages/{package}/package-revisions")))
        .await
        .data(200);
    let function = &revisions[0]["functions"][0];
    assert_eq!(
        (&function["name"], &function["config"]["inputChannel"]),
        (&json!("mine"), &json!("own.*"))
    );
    let code = function["code"].as_str().expect("code");
    assert!(code.contains(&format!("{}.split", json!(value))), "{code}");
    assert!(code.contains("replacement = \"***\""), "{code}");
    refused(&bed.client.post(&path, body).await, 409, "FAAS-409");
}

#[tokio::test]
async fn what_cannot_be_imported() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let (id, functions) = blueprint(&bed, "webhook").await;
    let (_, others) = blueprint(&bed, "rate").await;
    let path = at(&format!("/package-blueprints/{id}/packages"));
    let post = async |functions: Value| bed.client.post(&path, body(&keyset, functions)).await;
    let function = functions[0]["id"].clone();
    // Two parameters have no default.
    let missing = post(json!([])).await;
    assert_eq!(missing.status, 400);
    let errors = missing.json()["errors"].clone();
    assert_eq!(errors.as_array().map(Vec::len), Some(2), "{errors}");
    assert_eq!(errors[0]["code"], "FAAS-1023");
    let unknown =
        json!([{"functionBlueprintId": function, "params": [{"id": NOBODY, "value": "x"}]}]);
    let told = post(unknown).await.json()["errors"].clone();
    assert_eq!(told.as_array().map(Vec::len), Some(3), "{told}");
    let foreign = json!([{"functionBlueprintId": others[0]["id"]}]);
    refused(&post(foreign).await, 404, "FAAS-404");
    for functions in [
        json!({}),
        json!([1]),
        json!([{"functionBlueprintId": "x"}]),
        json!([{"functionBlueprintId": function, "params": [{"id": NOBODY}]}]),
        json!([{"functionBlueprintId": function, "config": 5}]),
        json!([{"functionBlueprintId": function}, {"functionBlueprintId": function}]),
    ] {
        refused(&post(functions).await, 400, "FAAS-400");
    }
    let rate = blueprint(&bed, "rate").await;
    let path = at(&format!("/package-blueprints/{}/packages", rate.0));
    let wrong = json!([{"functionBlueprintId": rate.1[0]["id"], "params": [{"id": rate.1[0]["params"][0]["id"], "value": "many"}]}]);
    refused(
        &bed.client.post(&path, body(&keyset, wrong)).await,
        400,
        "FAAS-1023",
    );
    let mut nowhere = body(&keyset, json!([]));
    nowhere["keysetId"] = 1.into();
    refused(
        &bed.client.post(&path, nowhere.clone()).await,
        404,
        "FAAS-404",
    );
    nowhere["keysetId"] = "1001".into();
    refused(&bed.client.post(&path, nowhere).await, 400, "FAAS-400");
    let theirs = Bed::new().await.keyset().await;
    refused(
        &bed.client.post(&path, body(&theirs, json!([]))).await,
        404,
        "FAAS-404",
    );
    let missing = at(&format!("/package-blueprints/{NOBODY}/packages"));
    refused(
        &bed.client.post(&missing, body(&keyset, json!([]))).await,
        404,
        "FAAS-404",
    );

    // Both permissions are needed, and nothing is there after all of this.
    let write = format!("functions.package-deployment:write@{}", keyset.number);
    for scopes in [&["functions.package:write"][..], &[&*write][..]] {
        let limited = bed.limited(scopes).await;
        refused(
            &limited.post(&path, body(&keyset, json!([]))).await,
            403,
            "FAAS-403",
        );
    }
    assert_eq!(bed.client.get(&at("/packages")).await.data(200), json!([]));
    let list = at(&format!("/kv/secrets?subkey={}", keyset.subscribe_key));
    assert_eq!(bed.client.get(&list).await.data(200), json!([]));
    let both = bed.limited(&["functions.package:write", &write]).await;
    let with = both.with("idempotency-key", &unique("key"));
    let made = with.post(&path, body(&keyset, json!([]))).await.data(201);
    assert_eq!(
        with.post(&path, body(&keyset, json!([]))).await.data(201),
        made
    );
}
