//! The answers that the published page of "Create a package deployment" shows, member for member.

use serde_json::{Value, json};

use super::bed::{Bed, OK, at, before};

/// The answer that the page shows.
fn made() -> Value {
    json!({
        "data": {
            "id": "d4e5f6a7-b8c9-0123-def0-123456789abc",
            "packageRevisionId": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
            "keysetId": 12345,
            "state": "STOPPED",
            "functionDeployments": [
                {
                    "functionRevisionId": "c3d4e5f6-a7b8-9012-cdef-123456789012",
                    "state": "RUNNING",
                    "createdDttm": "2026-01-15T10:30:00.000Z",
                    "updatedDttm": "2026-02-01T14:20:00.000Z"
                }
            ],
            "createdDttm": "2026-01-15T10:30:00.000Z",
            "updatedDttm": "2026-02-01T14:20:00.000Z"
        },
        "meta": {
            "timestamp": "2026-03-10T12:00:00.000Z",
            "correlationId": "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
        },
        "errors": []
    })
}

/// The error that it shows.
fn missing() -> Value {
    json!({
        "meta": {
            "timestamp": "2026-03-10T12:00:00.000Z",
            "correlationId": "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
        },
        "errors": [{"code": "FAAS-404", "message": "Entity not found"}]
    })
}

/// What a text is: a UUID, a time, or itself.
fn form(text: &str) -> String {
    let form: String = text
        .chars()
        .map(|c| match c {
            '0'..='9' => '9',
            'a'..='f' if text.len() == 36 => '9',
            other => other,
        })
        .collect();
    match &*form {
        "99999999-9999-9999-9999-999999999999" => "a UUID".to_owned(),
        "9999-99-99T99:99:99.999Z" => "a time".to_owned(),
        _ => text.to_owned(),
    }
}

/// The same members in the same order, of the same types and forms.
fn same(published: &Value, ours: &Value, place: &str) {
    match (published, ours) {
        (Value::Object(published), Value::Object(ours)) => {
            let (theirs, mine): (Vec<_>, Vec<_>) =
                (published.keys().collect(), ours.keys().collect());
            assert_eq!(theirs, mine, "{place}");
            for (name, value) in published {
                same(value, &ours[name], &format!("{place}.{name}"));
            }
        }
        (Value::Array(published), Value::Array(ours)) => {
            assert_eq!(published.len(), ours.len(), "{place}");
            for (value, ours) in published.iter().zip(ours) {
                same(value, ours, &format!("{place}[]"));
            }
        }
        (Value::Number(_), Value::Number(ours)) => assert!(ours.is_u64(), "{place}"),
        (Value::String(published), Value::String(ours)) => {
            assert_eq!(form(published), form(ours), "{place}");
        }
        (published, ours) => panic!("{place}: {published} and {ours}"),
    }
}

#[tokio::test]
async fn a_package_deployment_is_answered_as_published() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let revision = bed.package(&[before("f", "chat.*", OK)]).await;
    let answer = bed.try_assign(&revision, &keyset).await;
    assert_eq!(answer.status, 201);
    let mut published = made();
    // The page pairs a stopped deployment with a function that runs; nothing runs here yet.
    published["data"]["functionDeployments"][0]["state"] = "STOPPED".into();
    same(&published, &answer.json(), "made");
    let id = answer.json()["data"]["id"].clone();
    let path = at(&format!(
        "/package-deployments/{}",
        id.as_str().expect("an id")
    ));
    let started = bed.start(id.as_str().expect("an id")).await;
    for answer in [started, bed.client.get(&path).await] {
        let mut running = made();
        running["data"]["state"] = "RUNNING".into();
        same(&running, &answer.json(), "running");
    }
}

#[tokio::test]
async fn what_is_missing_is_answered_as_published() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let foreign = Bed::new().await;
    let theirs = foreign.keyset().await;
    let mine = bed.package(&[before("f", "a", OK)]).await;
    let other = foreign.package(&[before("f", "a", OK)]).await;
    let nobody = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";
    for (revision, keyset) in [
        (nobody, keyset.number),
        (&*other.id, keyset.number),
        (&*mine.id, theirs.number),
        (&*mine.id, u64::from(u32::MAX)),
    ] {
        let body = json!({"packageRevisionId": revision, "keysetId": keyset});
        let answer = bed.client.post(&at("/package-deployments"), body).await;
        assert_eq!(answer.status, 404, "{revision} on {keyset}");
        same(&missing(), &answer.json(), "missing");
    }
}
