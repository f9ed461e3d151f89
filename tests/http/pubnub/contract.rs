//! The page of the vendor's reference about making a package deployment: its examples, as they are
//! published, against what this server answers.

use serde_json::{Value, json};

use super::bed::{Bed, OK, at, before};

const CREATED: &str = include_str!("published/created.json");
const REFUSED: &str = include_str!("published/refused.json");

/// The form of a text: ids and times are told from other texts.
fn form(text: &str) -> String {
    let digit = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    let shape: Vec<u8> = text.bytes().map(digit).collect();
    match (uuid::Uuid::try_parse(text), &*shape) {
        (Ok(id), _) if id.to_string() == text => "uuid".to_owned(),
        (_, b"0000-00-00T00:00:00.000Z") => "time".to_owned(),
        _ if text.bytes().all(|byte| byte.is_ascii_uppercase()) => "word".to_owned(),
        _ => text.to_owned(),
    }
}

/// Names in their order, types, and forms of texts; lists by their first element.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let each = members
                .iter()
                .map(|(name, value)| json!([name, shape(value)]));
            json!({"members": each.collect::<Vec<_>>()})
        }
        Value::Array(items) => json!({"list": items.first().map(shape)}),
        Value::String(text) => json!(form(text)),
        Value::Number(number) => json!(if number.is_u64() { "integer" } else { "number" }),
        Value::Bool(_) => json!("boolean"),
        Value::Null => json!("null"),
    }
}

#[tokio::test]
async fn what_is_made_has_the_published_shape() {
    let published: Value = serde_json::from_str(CREATED).expect("JSON");
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let revision = bed.package(&[before("f", "chat.*", OK)]).await;
    let answer = bed.try_assign(&revision, &keyset).await;
    assert_eq!(answer.status, 201);
    let made = answer.json();
    assert_eq!(shape(&made), shape(&published), "{made}");
    let data = &made["data"];
    assert_eq!(data["packageRevisionId"], revision.id.as_str());
    assert_eq!(data["keysetId"], keyset.number);
    assert_eq!(data["state"], published["data"]["state"]);
    // Every read of it has the same shape.
    let id = data["id"].as_str().expect("an id");
    let read = bed
        .client
        .get(&at(&format!("/package-deployments/{id}")))
        .await
        .json();
    assert_eq!(shape(&read), shape(&published));
    let list = at(&format!(
        "/package-revisions/{}/package-deployments",
        revision.id
    ));
    let list = bed.client.get(&list).await.json();
    assert_eq!(shape(&list["data"][0]), shape(&published["data"]));
}

#[tokio::test]
async fn what_is_missing_has_the_published_answer() {
    let published: Value = serde_json::from_str(REFUSED).expect("JSON");
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let revision = bed.package(&[before("f", "chat.*", OK)]).await;
    let nobody = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";
    for (revision, keyset) in [(nobody, keyset.number), (&*revision.id, 1)] {
        let body = json!({"packageRevisionId": revision, "keysetId": keyset});
        let answer = bed.client.post(&at("/package-deployments"), body).await;
        assert_eq!(answer.status, 404);
        let refused = answer.json();
        assert_eq!(shape(&refused), shape(&published));
        assert_eq!(refused["errors"], published["errors"]);
    }
}
