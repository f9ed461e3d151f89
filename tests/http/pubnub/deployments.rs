//! Package deployments: every transition, legal and illegal.

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, OK, at, before, refused, slow};
use crate::client::Client;
use crate::server::{Server, until};

const NOBODY: &str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";
const THROWS: &str = "throw new Error('not today');\nexport default (request) => request.ok();";

#[tokio::test]
async fn a_deployment_from_its_assignment_to_its_end() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let functions = [before("b", "chat.*", OK), before("a", "chat.*", OK)];
    let revision = bed.package(&functions).await;
    let made = bed.try_assign(&revision, &keyset).await.data(201);
    let members: Vec<&String> = made.as_object().expect("an object").keys().collect();
    let published = [
        "id",
        "packageRevisionId",
        "keysetId",
        "state",
        "functionDeployments",
        "createdDttm",
        "updatedDttm",
    ];
    assert_eq!(members, published);
    assert_eq!(made["state"], "STOPPED");
    assert_eq!(made["keysetId"], keyset.number);
    assert_eq!(made["packageRevisionId"], revision.id.as_str());
    let parts = made["functionDeployments"].as_array().expect("a list");
    let ids: Vec<&Value> = parts
        .iter()
        .map(|part| &part["functionRevisionId"])
        .collect();
    let expected: Vec<&Value> = revision
        .functions
        .iter()
        .map(|function| &function["functionRevisionId"])
        .collect();
    assert_eq!(ids, expected);
    for part in parts {
        assert_eq!(part["state"], "STOPPED");
        assert_eq!(part["createdDttm"], made["createdDttm"]);
        assert_eq!(part["updatedDttm"], made["updatedDttm"]);
    }
    let id = made["id"].as_str().expect("an id");
    assert_eq!(bed.get(id).await, made);
    // It is stopped already.
    assert_eq!(bed.stop(id, "").await.data(200), made);

    let started = bed.start(id).await.data(200);
    assert_eq!(started["state"], "RUNNING");
    for part in started["functionDeployments"].as_array().expect("a list") {
        assert_eq!(part["state"], "RUNNING");
    }
    assert!(started["updatedDttm"].as_str() > made["updatedDttm"].as_str());
    assert_eq!(started["createdDttm"], made["createdDttm"]);
    refused(&bed.remove(id).await, 409, "FAAS-1014");
    // A further start is a restart.
    let again = bed.start(id).await.data(200);
    assert_eq!(again["state"], "RUNNING");
    assert!(again["updatedDttm"].as_str() > started["updatedDttm"].as_str());
    assert_eq!(
        bed.stop(id, "?force=false").await.data(200)["state"],
        "STOPPED"
    );
    assert_eq!(bed.start(id).await.data(200)["state"], "RUNNING");
    assert_eq!(
        bed.stop(id, "?force=true").await.data(200)["state"],
        "STOPPED"
    );
    let removed = bed.remove(id).await;
    assert_eq!((removed.status, removed.bytes.len()), (204, 0));
    let path = at(&format!("/package-deployments/{id}"));
    refused(&bed.client.get(&path).await, 404, "FAAS-404");
    // The pair is free again.
    let other = bed.assign(&revision, &keyset).await;
    assert_ne!(other, id);
}

#[tokio::test]
async fn what_cannot_be_assigned() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let revision = bed.package(&[before("f", "a", OK)]).await;
    let path = at("/package-deployments");
    let try_to = async |body: Value| bed.client.post(&path, body).await;
    let (good, number) = (json!(revision.id), json!(keyset.number));
    for body in [
        json!({"packageRevisionId": good, "keysetId": keyset.number.to_string()}),
        json!({"packageRevisionId": good, "keysetId": 0}),
        json!({"packageRevisionId": good, "keysetId": -5}),
        json!({"packageRevisionId": good, "keysetId": 1.5}),
        json!({"packageRevisionId": good}),
        json!({"packageRevisionId": "7", "keysetId": number}),
        json!({"keysetId": number}),
    ] {
        refused(&try_to(body).await, 400, "FAAS-400");
    }
    let ask = bed.client.ask(Method::POST, &path);
    let broken = ask
        .header("content-type", "application/json")
        .body("{")
        .send();
    refused(&broken.await, 400, "FAAS-1003");
    for body in [
        json!({"packageRevisionId": NOBODY, "keysetId": number}),
        json!({"packageRevisionId": good, "keysetId": 999_999_999}),
    ] {
        refused(&try_to(body).await, 404, "FAAS-404");
    }
    let stranger = Bed::new().await;
    let foreign = stranger.try_assign(&revision, &keyset).await;
    refused(&foreign, 404, "FAAS-404");
    let own = stranger.package(&[before("f", "a", OK)]).await;
    refused(&stranger.try_assign(&own, &keyset).await, 404, "FAAS-404");
    // A state in the body is ignored, and so is the case of an id.
    let body = json!({
        "packageRevisionId": revision.id.to_uppercase(),
        "keysetId": number,
        "state": "RUNNING",
    });
    assert_eq!(try_to(body.clone()).await.data(201)["state"], "STOPPED");
    refused(&try_to(body).await, 409, "FAAS-1015");
    // Another revision of the same package is welcome.
    let second = bed
        .revision(&revision.package, &[before("f", "a", OK)])
        .await;
    bed.assign(&second, &keyset).await;
}

#[tokio::test]
async fn of_two_assignments_at_once_one_is_made() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    for _ in 0..5 {
        let revision = bed.package(&[before("f", "a", OK)]).await;
        let all = (0..2).map(|_| bed.try_assign(&revision, &keyset));
        let mut answers = join_all(all).await;
        answers.sort_by_key(|answer| answer.status);
        assert_eq!(answers[0].status, 201, "{answers:?}");
        refused(&answers[1], 409, "FAAS-1015");
    }
}

#[tokio::test]
async fn of_many_starts_at_once_one_wins() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let revision = bed.package(&[before("f", "a", &slow(2))]).await;
    let id = bed.assign(&revision, &keyset).await;
    let answers = join_all((0..8).map(|_| bed.start(&id))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 7), "{answers:?}");
    assert_eq!(won[0].data(200)["state"], "RUNNING");
    for answer in lost {
        refused(answer, 423, "FAAS-1008");
    }
}

#[tokio::test]
async fn between_states_only_force_helps() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let revision = bed.package(&[before("f", "a", &slow(7))]).await;
    let id = bed.assign(&revision, &keyset).await;
    let begun = bed.begin(&id).await;
    assert_eq!(begun.header("preference-applied"), "respond-async");
    assert_eq!(begun.data(202)["state"], "STARTING");
    refused(&bed.start(&id).await, 423, "FAAS-1008");
    refused(&bed.stop(&id, "").await, 423, "FAAS-1009");
    refused(&bed.remove(&id).await, 409, "FAAS-1014");
    refused(&bed.stop(&id, "?force=1").await, 400, "FAAS-400");
    assert_eq!(
        bed.stop(&id, "?force=true").await.data(200)["state"],
        "STOPPED"
    );
    // What was under way does not come back.
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    assert_eq!(bed.state(&id).await, "STOPPED");
}

#[tokio::test]
async fn who_waits_is_answered_after_five_seconds() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let revision = bed.package(&[before("f", "a", &slow(7))]).await;
    let id = bed.assign(&revision, &keyset).await;
    let begun = std::time::Instant::now();
    assert_eq!(bed.start(&id).await.data(200)["state"], "STARTING");
    let took = begun.elapsed().as_secs_f32();
    assert!((4.5..6.9).contains(&took), "{took}");
    bed.reaches(&id, "RUNNING").await;
}

#[tokio::test]
async fn a_function_that_does_not_load_fails_the_start() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let functions = [before("good", "a", OK), before("bad", "a", THROWS)];
    let revision = bed.package(&functions).await;
    let id = bed.assign(&revision, &keyset).await;
    for _ in 0..2 {
        let failed = bed.start(&id).await;
        refused(&failed, 500, "FAAS-1012");
        let message = failed.json()["errors"][0]["message"].to_string();
        assert!(
            message.contains("bad") && message.contains("not today"),
            "{message}"
        );
        assert_eq!(bed.state(&id).await, "FAILED");
    }
    assert_eq!(bed.stop(&id, "").await.data(200)["state"], "STOPPED");
    refused(&bed.start(&id).await, 500, "FAAS-1012");
    assert_eq!(bed.remove(&id).await.status, 204);
}

fn answers(name: &str, path: &str) -> Value {
    json!({
        "name": name,
        "type": "ON_REQUEST",
        "config": {"type": "ON_REQUEST", "path": path},
        "code": "export default (request, response) => response.send('here');",
    })
}

#[tokio::test]
async fn paths_that_meet_are_refused_and_nothing_changes() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let first = bed.package(&[answers("f", "users/*")]).await;
    let first_id = bed.running(&first, &keyset).await;
    let second = bed.package(&[answers("g", "users/me")]).await;
    let id = bed.assign(&second, &keyset).await;
    refused(&bed.start(&id).await, 409, "FAAS-9005");
    assert_eq!(bed.state(&id).await, "STOPPED");
    // The one that goes is not in the way of the one that comes.
    let next = bed
        .revision(&first.package, &[answers("f", "users/m*")])
        .await;
    let next_id = bed.assign(&next, &keyset).await;
    assert_eq!(
        bed.roll(&first_id, &next_id).await.data(200)["state"],
        "RUNNING"
    );
    bed.reaches(&first_id, "STOPPED").await;
    // On another keyset it is free.
    let elsewhere = bed.keyset().await;
    bed.running(&second, &elsewhere).await;
}

#[tokio::test]
async fn a_roll_puts_the_new_in_the_place_of_the_old() {
    let bed = Bed::new().await;
    let (keyset, elsewhere) = (bed.keyset().await, bed.keyset().await);
    let first = bed.package(&[before("f", "a", OK)]).await;
    let second = bed.revision(&first.package, &[before("f", "b", OK)]).await;
    let stranger = bed.package(&[before("f", "a", OK)]).await;
    let old = bed.assign(&first, &keyset).await;
    let new = bed.assign(&second, &keyset).await;
    // Which of them is checked in this order.
    refused(&bed.roll(&old, NOBODY).await, 404, "FAAS-404");
    refused(&bed.roll(NOBODY, &new).await, 404, "FAAS-404");
    refused(&bed.roll(&old, "7").await, 400, "FAAS-400");
    refused(&bed.roll(&old, &old).await, 400, "FAAS-400");
    let of_another = bed.assign(&stranger, &keyset).await;
    refused(&bed.roll(&old, &of_another).await, 400, "FAAS-400");
    let on_another = bed.assign(&second, &elsewhere).await;
    refused(&bed.roll(&old, &on_another).await, 400, "FAAS-400");
    refused(&bed.roll(&old, &new).await, 423, "FAAS-1008");
    assert_eq!(bed.start(&old).await.data(200)["state"], "RUNNING");
    let rolled = bed.roll(&old, &new).await.data(200);
    assert_eq!(
        (&rolled["id"], &rolled["state"]),
        (&json!(new), &json!("RUNNING"))
    );
    bed.reaches(&old, "STOPPED").await;
    // Both run the other way round now.
    refused(&bed.roll(&old, &new).await, 423, "FAAS-1008");
    assert_eq!(bed.roll(&new, &old).await.data(200)["id"], old.as_str());
    bed.reaches(&new, "STOPPED").await;
    assert_eq!(bed.state(&old).await, "RUNNING");
}

#[tokio::test]
async fn a_roll_that_fails_leaves_the_old_as_it_was() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let first = bed.package(&[before("f", "a", OK)]).await;
    let second = bed
        .revision(&first.package, &[before("f", "a", THROWS)])
        .await;
    let old = bed.running(&first, &keyset).await;
    let before = bed.get(&old).await;
    let new = bed.assign(&second, &keyset).await;
    refused(&bed.roll(&old, &new).await, 500, "FAAS-1012");
    assert_eq!(bed.state(&new).await, "FAILED");
    assert_eq!(bed.get(&old).await, before);
}

#[tokio::test]
async fn a_stop_of_the_old_ends_a_roll() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let first = bed.package(&[before("f", "a", OK)]).await;
    let second = bed
        .revision(&first.package, &[before("f", "a", &slow(3))])
        .await;
    let old = bed.running(&first, &keyset).await;
    let new = bed.assign(&second, &keyset).await;
    let (rolled, stopped) = tokio::join!(bed.roll(&old, &new), async {
        bed.reaches(&new, "STARTING").await;
        bed.stop(&old, "").await
    });
    assert_eq!(stopped.data(200)["state"], "STOPPED");
    refused(&rolled, 500, "FAAS-1012");
    assert_eq!(bed.state(&new).await, "FAILED");
}

#[tokio::test]
async fn who_listens_to_given_channels() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let rooms = bed.package(&[before("f", "chat.*", OK)]).await;
    let deep = bed
        .package(&[before("f", "chat.room.*", OK), answers("g", "x")])
        .await;
    let signals = json!({
        "name": "s",
        "type": "js-after-signal",
        "config": {"type": "AFTER_SIGNAL", "inputChannel": "chat.a"},
        "code": OK,
    });
    let signals = bed.package(&[signals]).await;
    let rooms_id = bed.running(&rooms, &keyset).await;
    let deep_id = bed.running(&deep, &keyset).await;
    let signals_id = bed.running(&signals, &keyset).await;
    // One that does not run does not count.
    let idle = bed.revision(&rooms.package, &[before("f", "*", OK)]).await;
    bed.assign(&idle, &keyset).await;
    let ask = async |query: &str| {
        let number = keyset.number;
        let path = at(&format!(
            "/package-deployments/intersected?keyset_id={number}{query}"
        ));
        bed.client.get(&path).await
    };
    let found = async |query: &str| {
        let data = ask(query).await.data(200);
        let rows = data.as_array().expect("a list").clone();
        let row = |row: &Value| {
            let deployments = row["packageDeployments"].as_array().expect("a list");
            let ids = deployments
                .iter()
                .map(|one| one["id"].as_str().expect("an id").to_owned());
            (
                row["channel"].as_str().expect("a channel").to_owned(),
                ids.collect::<Vec<_>>(),
            )
        };
        rows.iter().map(row).collect::<Vec<_>>()
    };
    let one = |channel: &str, ids: &[&String]| {
        let ids = ids.iter().map(|id| (*id).clone()).collect::<Vec<_>>();
        (channel.to_owned(), ids)
    };
    assert_eq!(
        found("&channel=chat.a&channel=*&channel=chat.room.x&channel=none&channel=chat.a").await,
        [
            one("chat.a", &[&rooms_id, &signals_id]),
            one("*", &[&rooms_id, &deep_id, &signals_id]),
            one("chat.room.x", &[&deep_id]),
            one("none", &[]),
            one("chat.a", &[&rooms_id, &signals_id]),
        ]
    );
    assert_eq!(
        found("&channel=chat.*").await,
        [one("chat.*", &[&rooms_id, &signals_id])]
    );
    let filtered = found("&channel=*&function_type=js-after-signal").await;
    assert_eq!(filtered, [one("*", &[&signals_id])]);
    for query in [
        "",
        "&channel=*.x",
        "&channel=a.b.c.*",
        "&channel=",
        "&channel=a&function_type=NONE",
        &"&channel=a".repeat(101),
    ] {
        refused(&ask(query).await, 400, "FAAS-400");
    }
    for keyset in ["x", "0", "-1"] {
        let path = at(&format!(
            "/package-deployments/intersected?keyset_id={keyset}&channel=a"
        ));
        refused(&bed.client.get(&path).await, 400, "FAAS-400");
    }
    let path = at("/package-deployments/intersected?channel=a");
    refused(&bed.client.get(&path).await, 400, "FAAS-400");
    let path = at("/package-deployments/intersected?keyset_id=999999999&channel=a");
    refused(&bed.client.get(&path).await, 404, "FAAS-404");
}

#[tokio::test]
async fn stopping_by_package_or_revision() {
    let bed = Bed::new().await;
    let (one, two) = (bed.keyset().await, bed.keyset().await);
    let first = bed.package(&[before("f", "a", OK)]).await;
    let second = bed.revision(&first.package, &[before("f", "a", OK)]).await;
    let ids = [
        bed.running(&first, &one).await,
        bed.running(&first, &two).await,
        bed.running(&second, &one).await,
    ];
    let idle = bed.assign(&second, &two).await;
    let stop = async |query: &str| {
        let path = at(&format!("/function-deployments{query}"));
        bed.client.ask(Method::DELETE, &path).send().await
    };
    let none = format!(
        "?package_id={}&package_revision_id={}",
        first.package, first.id
    );
    for query in ["", &none, "?package_id=7"] {
        refused(&stop(query).await, 400, "FAAS-400");
    }
    refused(
        &stop(&format!("?package_id={NOBODY}")).await,
        404,
        "FAAS-404",
    );
    refused(
        &stop(&format!("?package_revision_id={NOBODY}")).await,
        404,
        "FAAS-404",
    );
    let stopped = |answer: &crate::client::Answer| {
        let data = answer.data(200);
        let rows = data.as_array().expect("a list").clone();
        let row = |row: &Value| {
            assert_eq!(row["state"], "STOPPED", "{row}");
            row["id"].as_str().expect("an id").to_owned()
        };
        rows.iter().map(row).collect::<Vec<_>>()
    };
    let answer = stop(&format!("?package_revision_id={}", first.id)).await;
    assert_eq!(stopped(&answer), ids[..2]);
    assert_eq!(bed.state(&ids[2]).await, "RUNNING");
    let answer = stop(&format!("?package_id={}", first.package)).await;
    assert_eq!(stopped(&answer), ids[2..]);
    let answer = stop(&format!("?package_id={}", first.package)).await;
    assert_eq!(answer.data(200), json!([]));
    assert_eq!(bed.state(&idle).await, "STOPPED");
    // All that there are is on its way.
    let third = bed.package(&[before("f", "a", &slow(4))]).await;
    let id = bed.assign(&third, &one).await;
    bed.begin(&id).await.data(202);
    let answer = stop(&format!("?package_id={}", third.package)).await;
    refused(&answer, 423, "FAAS-1009");
    bed.reaches(&id, "RUNNING").await;
}

#[tokio::test]
async fn permissions_hold_for_each_keyset() {
    let bed = Bed::new().await;
    let (mine, other) = (bed.keyset().await, bed.keyset().await);
    let revision = bed.package(&[before("f", "a", OK)]).await;
    let id = bed.assign(&revision, &other).await;
    let write = format!("functions.package-deployment:write@{}", mine.number);
    let read = format!("functions.package-deployment:read@{}", mine.number);
    let limited = bed.limited(&[&write, &read]).await;
    let reader = bed.limited(&["functions.package-deployment:read"]).await;
    let writer = bed.limited(&["functions.package-deployment:write"]).await;
    let nobody = bed.limited(&["functions.package:read"]).await;
    let as_who = |client: &Client| Bed {
        client: client.clone(),
        project: bed.project.clone(),
    };
    refused(
        &as_who(&limited).try_assign(&revision, &other).await,
        403,
        "FAAS-403",
    );
    let own = as_who(&limited).assign(&revision, &mine).await;
    for who in [&limited, &reader, &nobody] {
        let who = as_who(who);
        refused(&who.start(&id).await, 403, "FAAS-403");
        refused(&who.stop(&id, "").await, 403, "FAAS-403");
        refused(&who.remove(&id).await, 403, "FAAS-403");
        // What is not there is not there for anybody.
        refused(&who.start(NOBODY).await, 404, "FAAS-404");
        let path = at(&format!(
            "/function-deployments?package_id={}",
            revision.package
        ));
        let by_package = who.client.ask(Method::DELETE, &path).send().await;
        refused(&by_package, 403, "FAAS-403");
    }
    let path = at(&format!("/package-deployments/{id}"));
    for (who, status) in [
        (&limited, 403),
        (&reader, 200),
        (&writer, 403),
        (&nobody, 403),
    ] {
        assert_eq!(who.get(&path).await.status, status);
    }
    let intersected = |number: u64| {
        at(&format!(
            "/package-deployments/intersected?keyset_id={number}&channel=a"
        ))
    };
    refused(
        &limited.get(&intersected(other.number)).await,
        403,
        "FAAS-403",
    );
    limited.get(&intersected(mine.number)).await.data(200);
    let who = as_who(&limited);
    assert_eq!(who.start(&own).await.data(200)["state"], "RUNNING");
    assert_eq!(who.stop(&own, "").await.data(200)["state"], "STOPPED");
    assert_eq!(who.remove(&own).await.status, 204);
    assert_eq!(
        as_who(&writer).start(&id).await.data(200)["state"],
        "RUNNING"
    );
    let path = at(&format!(
        "/function-deployments?package_id={}",
        revision.package
    ));
    let by_package = writer.ask(Method::DELETE, &path).send().await;
    assert_eq!(by_package.data(200)[0]["state"], "STOPPED");
}

#[tokio::test]
async fn so_many_run_and_no_more() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let settings = [
        ("STRATA_PUBNUB_RUNNING_DEPLOYMENTS", "1"),
        ("STRATA_PUBNUB_KEYSETS_PER_REVISION", "2"),
    ];
    let server = Server::start_with(dir.path(), &settings);
    let bed = Bed::on(&server).await;
    let (one, two, three) = (bed.keyset().await, bed.keyset().await, bed.keyset().await);
    let first = bed.package(&[before("f", "a", OK)]).await;
    let id = bed.running(&first, &one).await;
    let more = bed.assign(&first, &two).await;
    refused(&bed.start(&more).await, 422, "FAAS-9001");
    assert_eq!(bed.state(&more).await, "STOPPED");
    refused(&bed.try_assign(&first, &three).await, 422, "FAAS-9003");
    // What is there already comes first.
    refused(&bed.try_assign(&first, &two).await, 409, "FAAS-1015");
    // A restart, and a pair that is rolled, count once.
    assert_eq!(bed.start(&id).await.data(200)["state"], "RUNNING");
    let second = bed.revision(&first.package, &[before("f", "a", OK)]).await;
    let new = bed.assign(&second, &one).await;
    assert_eq!(bed.roll(&id, &new).await.data(200)["state"], "RUNNING");
    // Of many that would be too many, one starts.
    assert_eq!(bed.stop(&new, "").await.data(200)["state"], "STOPPED");
    bed.reaches(&id, "STOPPED").await;
    let all = [&id, &more, &new].map(|id| bed.start(id));
    let mut statuses: Vec<u16> = join_all(all).await.iter().map(|one| one.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422, 422]);
}

/// Lets a server die at a place while it does something, and starts it again.
async fn dies(
    place: &str,
    make: impl AsyncFn(&Bed) -> String,
    act: impl AsyncFn(&Bed, &str),
) -> (Bed, Server, String, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start_in(dir.path());
    let bed = Bed::on(&server).await;
    let id = make(&bed).await;
    drop(server);
    let mut server = Server::start_with(dir.path(), &[("STRATA_FAILPOINT", place)]);
    act(&bed.again(&server), &id).await;
    server.wait_for_death().await;
    let server = Server::start_in(dir.path());
    let bed = bed.again(&server);
    (bed, server, id, dir)
}

#[tokio::test]
async fn a_start_that_was_cut_off_goes_on() {
    for place in ["deployment.starting", "deployment.connected"] {
        let make = async |bed: &Bed| {
            let keyset = bed.keyset().await;
            let revision = bed.package(&[before("f", "a", OK)]).await;
            bed.assign(&revision, &keyset).await
        };
        let (bed, _server, id, _dir) = dies(place, make, async |bed, id| {
            bed.try_to_begin(id).await;
        })
        .await;
        bed.reaches(&id, "RUNNING").await;
        assert_eq!(bed.stop(&id, "").await.data(200)["state"], "STOPPED");
    }
}

#[tokio::test]
async fn a_stop_that_was_cut_off_ends() {
    let make = async |bed: &Bed| {
        let keyset = bed.keyset().await;
        let revision = bed.package(&[before("f", "a", OK)]).await;
        bed.running(&revision, &keyset).await
    };
    let (bed, _server, id, _dir) = dies("deployment.stopping", make, async |bed, id| {
        // It ran on through the restart.
        assert_eq!(bed.state(id).await, "RUNNING");
        bed.try_to_stop(id).await;
    })
    .await;
    bed.reaches(&id, "STOPPED").await;
    assert_eq!(bed.start(&id).await.data(200)["state"], "RUNNING");
}

#[tokio::test]
async fn what_runs_still_runs_after_a_kill() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::start_in(dir.path());
    let bed = Bed::on(&server).await;
    let keyset = bed.keyset().await;
    let running = bed.package(&[before("f", "a", OK)]).await;
    let running = bed.running(&running, &keyset).await;
    let starting = bed.package(&[before("f", "a", &slow(3))]).await;
    let starting = bed.assign(&starting, &keyset).await;
    bed.begin(&starting).await.data(202);
    server.kill();
    let server = Server::start_in(dir.path());
    let bed = bed.again(&server);
    assert_eq!(bed.state(&running).await, "RUNNING");
    bed.reaches(&starting, "RUNNING").await;
    let path = format!("/strata/v1/keysets/{}/deployments", keyset.number);
    until("both to take part", async || {
        let shown = bed.strata().get(&path).await.json();
        let rows = shown["deployments"].as_array().expect("a list").clone();
        let places: Vec<_> = rows.iter().map(|row| row["place"].as_u64()).collect();
        (places == [Some(0), Some(1)]).then_some(())
    })
    .await;
}
