//! What was answered is there for the next request, however much else goes on.

use futures::future::join_all;
use serde_json::json;

use super::bed::Place;
use super::sources::{action, sync};
use crate::server::until;

const MANY: usize = 8;

#[tokio::test]
async fn an_action_that_is_deployed_can_be_run() {
    let places = join_all((0..MANY).map(|_| Place::new())).await;
    join_all(places.iter().enumerate().map(async |(number, place)| {
        let code = action("", &format!("return {number};"));
        place.deploy("action", "one", &code).await;
        assert_eq!(place.act("one", json!({})).await.good(200), number);
        let path = "/integrations/github/functions/one/code";
        let shown = place.client.get(path).await.good(200);
        assert_eq!(shown["code"], code);
    }))
    .await;
}

#[tokio::test]
async fn a_sync_that_is_deployed_can_be_run() {
    let places = join_all((0..MANY).map(|_| Place::new())).await;
    join_all(places.iter().enumerate().map(async |(number, place)| {
        let body = format!("await nango.batchSave([{{ id: 'r{number}' }}], 'Thing');");
        place.deploy("sync", "things", &sync("", &body)).await;
        assert_eq!(place.sync("things").await["name"], "things");
        let ran = place.run("things", json!({})).await;
        assert_eq!(ran["recordCount"]["Thing"], 1);
    }))
    .await;
}

#[tokio::test]
async fn a_sync_starts_by_itself_on_every_connection() {
    let places = join_all((0..MANY).map(|_| Place::new())).await;
    join_all(places.iter().enumerate().map(async |(number, place)| {
        let body = format!("await nango.batchSave([{{ id: 's{number}' }}], 'Thing');");
        place.connect("conn-2").await;
        let code = sync("autoStart: true,", &body);
        place.deploy("sync", "things", &code).await;
        place.connect("conn-3").await;
        until("runs on three connections", async || {
            let path = "/sync/status?syncs=*&provider_config_key=github";
            let all = place.client.get(path).await.good(200)["syncs"].clone();
            let ended = all.as_array().expect("a list").iter();
            let ended =
                ended.filter(|one| one["status"] == "SUCCESS" && !one["finishedAt"].is_null());
            (ended.count() == 3).then_some(())
        })
        .await;
    }))
    .await;
}
