//! The description of the API, against what is published and what is answered.

use serde_json::{Value, json};

use crate::client::Client;

const PUBLISHED: &str = include_str!("published.txt");

async fn document(client: &Client) -> Value {
    serde_json::from_slice(&client.get("/openapi.json").await.bytes).expect("JSON")
}

#[tokio::test]
async fn every_published_operation_and_parameter_is_there() {
    let document = document(&Client::new()).await;
    let mut operations = 0;
    for line in PUBLISHED.lines().filter(|line| !line.starts_with('#')) {
        operations += 1;
        let (operation, names) = line.split_once(':').unwrap();
        let (method, path) = operation.split_once(' ').unwrap();
        let described = &document["paths"][path][method.to_lowercase()];
        assert!(described.is_object(), "{operation} is not described");
        let parameters = described["parameters"].as_array().unwrap();
        let content = described["requestBody"]["content"].as_object();
        let body = content.and_then(|content| content.values().next());
        for name in names.split_whitespace() {
            let found = match name.strip_prefix('*') {
                Some(name) => parameters.iter().any(|parameter| {
                    parameter["name"] == name
                        && parameter["in"] == "path"
                        && parameter["required"] == true
                }),
                None => {
                    let in_query = [name.to_owned(), format!("{name}[]")];
                    parameters.iter().any(|parameter| {
                        parameter["in"] == "query"
                            && in_query.iter().any(|name| parameter["name"] == **name)
                    }) || body.is_some_and(|body| body["schema"]["properties"].get(name).is_some())
                }
            };
            assert!(found, "{operation} lacks {name}");
        }
    }
    assert_eq!(operations, 26);
}

/// The names of a schema's fields, sorted.
fn fields(document: &Value, name: &str) -> Vec<String> {
    let schema = &document["components"]["schemas"][format!("Appwrite{name}")]["properties"];
    let mut names: Vec<String> = schema.as_object().expect(name).keys().cloned().collect();
    names.sort();
    names
}

#[tokio::test]
async fn answers_have_the_described_fields() {
    let client = Client::new();
    let document = document(&client).await;
    let function = client.function(json!({})).await;
    let deployment = client
        .deploy(&function, "export default ({ res }) => res.text('x');")
        .await;
    let path = format!("/v1/functions/{function}");
    let variable = json!({"variableId": "v", "key": "K", "value": "x"});
    client.post(&format!("{path}/variables"), variable).await;
    let ran = client.post(&format!("{path}/executions"), json!({})).await;
    for (name, value) in [
        ("Function", client.get(&path).await.json()),
        (
            "Deployment",
            client
                .get(&format!("{path}/deployments/{deployment}"))
                .await
                .json(),
        ),
        (
            "Variable",
            client.get(&format!("{path}/variables/v")).await.json(),
        ),
        ("Execution", ran.json()),
        ("FunctionList", client.get("/v1/functions").await.json()),
        (
            "Runtime",
            client.get("/v1/functions/runtimes").await.json()["runtimes"][0].clone(),
        ),
        (
            "TemplateFunction",
            client.get("/v1/functions/templates/starter").await.json(),
        ),
        ("Error", client.get("/v1/nothing").await.json()),
    ] {
        let mut have: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        have.sort();
        assert_eq!(have, fields(&document, name), "{name}");
    }
}

/// `make openapi` writes the committed copy again.
#[tokio::test]
async fn the_committed_document_is_the_one_answered() {
    let committed: Value =
        serde_json::from_str(include_str!("../../docs/openapi.json")).expect("JSON");
    let answered = document(&Client::new()).await;
    assert!(
        committed == answered,
        "docs/openapi.json has drifted: run `make openapi`"
    );
}
