//! Scheduled events: windows of time in which deployments run.

use std::time::Duration;

use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, OK, at, before, refused};
use crate::client::Answer;
use crate::server::{Server, until};

const NOBODY: &str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";

/// So many milliseconds from now.
fn after(millis: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(millis);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

const HOUR: i64 = 3_600_000;

async fn stopped(bed: &Bed) -> String {
    let keyset = bed.keyset().await;
    let revision = bed.package(&[before("f", "a", OK)]).await;
    bed.assign(&revision, &keyset).await
}

async fn schedule(bed: &Bed, id: &str, begin: &str, end: &str) -> Answer {
    let body = json!({
        "packageDeploymentId": id,
        "dttmBegin": begin,
        "dttmEnd": end,
        "description": "peak hours",
    });
    bed.client.post(&at("/scheduled/events"), body).await
}

fn event(id: &str) -> String {
    at(&format!("/scheduled/events/{id}"))
}

fn id_of(event: &Value) -> String {
    event["id"].as_str().expect("an id").to_owned()
}

/// Waits for the state of an event.
async fn becomes(bed: &Bed, id: &str, state: &str) -> Value {
    let what = format!("{state} of an event");
    until(&what, async || {
        let shown = bed.client.get(&event(id)).await.data(200);
        (shown["state"] == state).then_some(shown)
    })
    .await
}

fn actions(event: &Value) -> [&str; 2] {
    let state = |index: usize| event["scheduledActions"][index]["state"].as_str();
    [0, 1].map(|index| state(index).expect("a state"))
}

#[tokio::test]
async fn an_event_as_it_is_made_changed_and_removed() {
    let bed = Bed::new().await;
    let id = stopped(&bed).await;
    let (begin, end) = (after(HOUR), after(2 * HOUR));
    let made = schedule(&bed, &id, &begin, &end).await.data(201);
    assert_eq!(made["state"], "PENDING");
    assert_eq!(
        (&made["dttmBegin"], &made["dttmEnd"], &made["description"]),
        (&json!(begin), &json!(end), &json!("peak hours"))
    );
    let [start, stop] = [0, 1].map(|index| made["scheduledActions"][index].clone());
    for (action, kind, dttm) in [(&start, "START", &begin), (&stop, "STOP", &end)] {
        assert_eq!(action["type"], kind);
        assert_eq!(action["dttm"], dttm.as_str());
        assert_eq!(action["state"], "PENDING");
        assert_eq!(action["packageDeploymentId"], id.as_str());
        assert!(action["accountId"].is_u64());
    }
    let name = id_of(&made);
    assert_eq!(bed.client.get(&event(&name)).await.data(200), made);

    // Times are taken with any offset, and shown in UTC.
    let later = after(3 * HOUR);
    let shifted: jiff::Timestamp = later.parse().expect("a time");
    let offset = jiff::tz::TimeZone::fixed(jiff::tz::offset(5));
    let shifted = shifted
        .to_zoned(offset)
        .strftime("%Y-%m-%dT%H:%M:%S.%3f%:z")
        .to_string();
    let body = json!({"dttmEnd": shifted, "description": null});
    let changed = bed.client.put(&event(&name), body).await.data(200);
    assert_eq!(
        (&changed["dttmEnd"], &changed["description"]),
        (&json!(later), &Value::Null)
    );
    assert!(changed["updatedDttm"].as_str() > made["updatedDttm"].as_str());

    // No two at the same time.
    let overlap = schedule(&bed, &id, &after(2 * HOUR), &after(4 * HOUR)).await;
    refused(&overlap, 409, "FAAS-409");
    let next = schedule(&bed, &id, &later, &after(4 * HOUR))
        .await
        .data(201);
    let into = json!({"dttmBegin": after(HOUR)});
    refused(
        &bed.client.put(&event(&id_of(&next)), into).await,
        409,
        "FAAS-409",
    );

    let listed = bed
        .client
        .get(&at("/scheduled/events?sort=dttmBegin,DESC"))
        .await;
    let rows = listed.data(200);
    let names: Vec<&str> = rows
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(names, [id_of(&next), name.clone()]);
    assert_eq!(listed.json()["meta"]["paging"]["totalElements"], 2);
    let found = bed
        .client
        .get(&at("/scheduled/events?search=PEAK"))
        .await
        .data(200);
    assert_eq!(found.as_array().expect("a list").len(), 1);

    let removed = bed.client.delete(&event(&name)).await;
    assert_eq!((removed.status, removed.bytes.len()), (204, 0));
    refused(&bed.client.get(&event(&name)).await, 404, "FAAS-404");
    // With its deployment, the other one is canceled.
    assert_eq!(bed.remove(&id).await.status, 204);
    let canceled = bed.client.get(&event(&id_of(&next))).await.data(200);
    assert_eq!(canceled["state"], "CANCELED");
    assert_eq!(actions(&canceled), ["CANCELED", "CANCELED"]);
    let body = json!({"description": "more"});
    refused(
        &bed.client.put(&event(&id_of(&next)), body).await,
        400,
        "FAAS-1007",
    );
    assert_eq!(bed.client.delete(&event(&id_of(&next))).await.status, 204);
}

#[tokio::test]
async fn what_cannot_be_scheduled() {
    let bed = Bed::new().await;
    let id = stopped(&bed).await;
    let (begin, end) = (after(HOUR), after(2 * HOUR));
    for (begin, end) in [
        (after(-1000), end.clone()),
        (end.clone(), begin.clone()),
        (begin.clone(), begin.clone()),
        ("tomorrow".to_owned(), end.clone()),
        ("2099-03-15T08:00:00".to_owned(), end.clone()),
        (begin.clone(), "2099-13-15T08:00:00Z".to_owned()),
    ] {
        refused(&schedule(&bed, &id, &begin, &end).await, 400, "FAAS-1007");
    }
    let path = at("/scheduled/events");
    for body in [
        json!({"packageDeploymentId": id, "dttmBegin": begin}),
        json!({"packageDeploymentId": "7", "dttmBegin": begin, "dttmEnd": end}),
        json!({"dttmBegin": begin, "dttmEnd": end}),
    ] {
        refused(&bed.client.post(&path, body).await, 400, "FAAS-400");
    }
    refused(&schedule(&bed, NOBODY, &begin, &end).await, 404, "FAAS-404");
    refused(&bed.client.get(&event(NOBODY)).await, 404, "FAAS-404");
    refused(&bed.client.get(&event("7")).await, 400, "FAAS-400");
}

#[tokio::test]
async fn a_window_starts_and_stops_its_deployment_once() {
    let bed = Bed::new().await;
    let id = stopped(&bed).await;
    let made = schedule(&bed, &id, &after(1500), &after(HOUR))
        .await
        .data(201);
    let name = id_of(&made);
    let running = becomes(&bed, &name, "RUNNING").await;
    assert_eq!(actions(&running), ["COMPLETED", "PENDING"]);
    assert_eq!(bed.state(&id).await, "RUNNING");
    refused(&bed.client.delete(&event(&name)).await, 409, "FAAS-1010");
    let body = json!({"dttmBegin": after(1000)});
    refused(&bed.client.put(&event(&name), body).await, 400, "FAAS-1007");
    let body = json!({"dttmEnd": after(-1000)});
    refused(&bed.client.put(&event(&name), body).await, 400, "FAAS-1007");
    let body = json!({"dttmEnd": after(1500)});
    bed.client.put(&event(&name), body).await.data(200);
    let completed = becomes(&bed, &name, "COMPLETED").await;
    assert_eq!(actions(&completed), ["COMPLETED", "COMPLETED"]);
    assert_eq!(bed.state(&id).await, "STOPPED");
    let body = json!({"description": "more"});
    refused(&bed.client.put(&event(&name), body).await, 400, "FAAS-1007");
    let path = format!(
        "/strata/v1/audit?project={}&event=StartRequested",
        bed.project
    );
    let asked = bed.strata().get(&path).await.json();
    assert_eq!(
        asked["events"].as_array().expect("a list").len(),
        1,
        "{asked}"
    );
}

#[tokio::test]
async fn what_is_so_already_counts_as_done() {
    let bed = Bed::new().await;
    let id = stopped(&bed).await;
    assert_eq!(bed.start(&id).await.data(200)["state"], "RUNNING");
    let made = schedule(&bed, &id, &after(1500), &after(8000))
        .await
        .data(201);
    becomes(&bed, &id_of(&made), "RUNNING").await;
    assert_eq!(bed.stop(&id, "").await.data(200)["state"], "STOPPED");
    let completed = becomes(&bed, &id_of(&made), "COMPLETED").await;
    assert_eq!(actions(&completed), ["COMPLETED", "COMPLETED"]);
}

#[tokio::test]
async fn a_start_that_fails_fails_the_event() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let code = "throw new Error('no');\nexport default (request) => request.ok();";
    let revision = bed.package(&[before("f", "a", code)]).await;
    let id = bed.assign(&revision, &keyset).await;
    let made = schedule(&bed, &id, &after(1500), &after(HOUR))
        .await
        .data(201);
    let failed = becomes(&bed, &id_of(&made), "FAILED").await;
    assert_eq!(actions(&failed), ["FAILED", "CANCELED"]);
    assert_eq!(bed.state(&id).await, "FAILED");
}

#[tokio::test]
async fn what_was_missed_is_made_up_while_the_window_is_open() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::start_in(dir.path());
    let bed = Bed::on(&server).await;
    let ids = [
        stopped(&bed).await,
        stopped(&bed).await,
        stopped(&bed).await,
    ];
    let open = schedule(&bed, &ids[0], &after(5000), &after(HOUR))
        .await
        .data(201);
    let over = schedule(&bed, &ids[1], &after(5000), &after(6000))
        .await
        .data(201);
    assert_eq!(bed.start(&ids[2]).await.data(200)["state"], "RUNNING");
    let ends = schedule(&bed, &ids[2], &after(1500), &after(6000))
        .await
        .data(201);
    becomes(&bed, &id_of(&ends), "RUNNING").await;
    server.kill();
    tokio::time::sleep(Duration::from_millis(6500)).await;
    let server = Server::start_in(dir.path());
    let bed = bed.again(&server);
    becomes(&bed, &id_of(&open), "RUNNING").await;
    assert_eq!(bed.state(&ids[0]).await, "RUNNING");
    let failed = becomes(&bed, &id_of(&over), "FAILED").await;
    assert_eq!(actions(&failed), ["FAILED", "CANCELED"]);
    assert_eq!(bed.state(&ids[1]).await, "STOPPED");
    becomes(&bed, &id_of(&ends), "COMPLETED").await;
    assert_eq!(bed.state(&ids[2]).await, "STOPPED");
}

#[tokio::test]
async fn an_action_that_was_cut_off_is_done_once() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let settings = [("STRATA_FAILPOINT", "window.begun")];
    let mut server = Server::start_with(dir.path(), &settings);
    let bed = Bed::on(&server).await;
    let id = stopped(&bed).await;
    let made = schedule(&bed, &id, &after(1500), &after(HOUR))
        .await
        .data(201);
    server.wait_for_death().await;
    let server = Server::start_in(dir.path());
    let bed = bed.again(&server);
    let running = becomes(&bed, &id_of(&made), "RUNNING").await;
    assert_eq!(actions(&running), ["COMPLETED", "PENDING"]);
    assert_eq!(bed.state(&id).await, "RUNNING");
}

#[tokio::test]
async fn permissions_hold_for_each_keyset() {
    let bed = Bed::new().await;
    let (mine, other) = (bed.keyset().await, bed.keyset().await);
    let revision = bed.package(&[before("f", "a", OK)]).await;
    let ids = [
        bed.assign(&revision, &mine).await,
        bed.assign(&revision, &other).await,
    ];
    let mut names = Vec::new();
    for id in &ids {
        let made = schedule(&bed, id, &after(HOUR), &after(2 * HOUR))
            .await
            .data(201);
        names.push(id_of(&made));
    }
    let read = format!("functions.package-deployment:read@{}", mine.number);
    let reader = bed.limited(&[&read]).await;
    let listed = reader.get(&at("/scheduled/events")).await;
    assert_eq!(id_of(&listed.data(200)[0]), names[0]);
    assert_eq!(listed.json()["meta"]["paging"]["totalElements"], 1);
    reader.get(&event(&names[0])).await.data(200);
    refused(&reader.get(&event(&names[1])).await, 403, "FAAS-403");
    refused(
        &reader.put(&event(&names[0]), json!({})).await,
        403,
        "FAAS-403",
    );
    refused(&reader.delete(&event(&names[0])).await, 403, "FAAS-403");
    let as_reader = Bed {
        client: reader,
        project: bed.project.clone(),
    };
    let made = schedule(&as_reader, &ids[0], &after(3 * HOUR), &after(4 * HOUR)).await;
    refused(&made, 403, "FAAS-403");
}
