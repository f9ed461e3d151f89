//! The server dies at each step of a build, and of an execution that runs
//! later; the next start finishes what was begun, and no step has its effect
//! twice. `journal::failpoint` names the steps.

use serde_json::{Value, json};

use crate::client::{Client, archive};
use crate::server::{ROOT_KEY, Server, until};

const CODE: &str = "export default ({ res }) => res.text('here');";

/// Events of one stream, by type.
async fn history(client: &Client, stream: &str) -> Vec<String> {
    let client = client.with("authorization", &format!("Bearer {ROOT_KEY}"));
    let page = client
        .get(&format!("/strata/v1/audit?stream={stream}"))
        .await
        .json();
    let events = page["events"].as_array().expect("events");
    events
        .iter()
        .map(|event| event["event"].as_str().expect("a type").to_owned())
        .collect()
}

fn source() -> Vec<u8> {
    archive(&[("main.js", CODE.as_bytes())])
}

async fn only_deployment(client: &Client, function: &str) -> String {
    let path = format!("/v1/functions/{function}/deployments");
    let page = client.get(&path).await.json();
    assert_eq!(page["total"], 1, "{page}");
    page["deployments"][0]["$id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

fn count(history: &[String], kind: &str) -> usize {
    history.iter().filter(|event| *event == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_ends_once_wherever_the_server_dies() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path();
    let steps = [
        "build.started",
        "build.fetched",
        "build.compiled",
        "build.stored",
        "build.tested",
        "build.before_finish",
        "build.finished",
        // The commits of a deployment: upload, start, finish, activation.
        "journal.before_commit@2",
        "journal.after_commit@2",
        "journal.before_commit@3",
        "journal.after_commit@3",
        "journal.before_commit@4",
        "journal.after_commit@4",
    ];
    Server::start_in(data).stop();
    for (n, step) in steps.iter().enumerate() {
        let function = format!("f{n}");
        {
            let mut server = Server::start_in(data);
            Client::to(&server)
                .function(json!({"functionId": function}))
                .await;
            server.stop();
        }
        let mut dying = Server::start_with(data, &[("STRATA_FAILPOINT", step)]);
        Client::to(&dying)
            .upload_to_the_dying(&function, &source())
            .await;
        dying.wait_for_death().await;

        let mut server = Server::start_in(data);
        let client = Client::to(&server);
        let id = only_deployment(&client, &function).await;
        let built = client.built(&function, &id).await;
        assert_eq!(built["status"], "ready", "{step}: {built}");
        until("activation", async || {
            let function = client
                .get(&format!("/v1/functions/{function}"))
                .await
                .json();
            (function["deploymentId"] == *id).then_some(())
        })
        .await;
        let ran = client.execute(&function, json!({})).await;
        assert_eq!(ran["responseBody"], "here", "{step}");

        let deployment = history(&client, &format!("deployment-default:{id}")).await;
        for kind in ["DeploymentCreated", "SourceStored", "BuildSucceeded"] {
            assert_eq!(
                count(&deployment, kind),
                1,
                "{step}: {kind} in {deployment:?}"
            );
        }
        assert_eq!(
            count(&deployment, "BuildFailed"),
            0,
            "{step}: {deployment:?}"
        );
        let attempts = count(&deployment, "BuildStarted");
        assert!((1..=2).contains(&attempts), "{step}: {deployment:?}");
        let function = history(&client, &format!("function-default:{function}")).await;
        assert_eq!(
            count(&function, "DeploymentActivated"),
            1,
            "{step}: {function:?}"
        );
        server.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_keeps_killing_the_server_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path();
    let fatal = [("STRATA_FAILPOINT", "build.compiled")];
    let mut server = Server::start_with(data, &fatal);
    let client = Client::to(&server);
    client.function(json!({"functionId": "f"})).await;
    client.upload_to_the_dying("f", &source()).await;
    server.wait_for_death().await;
    for _ in 0..2 {
        Server::start_with(data, &fatal).wait_for_death().await;
    }
    let mut server = Server::start_in(data);
    let client = Client::to(&server);
    let id = only_deployment(&client, "f").await;
    let built = client.built("f", &id).await;
    assert_eq!(built["status"], "failed", "{built}");
    let log = built["buildLogs"].as_str().expect("a log");
    assert!(log.contains("broken off 3 times"), "{log}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_was_cut_off_does_not_run_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path();
    {
        let mut server = Server::start_in(data);
        let client = Client::to(&server);
        client.function(json!({"functionId": "f"})).await;
        client.deploy("f", CODE).await;
        server.stop();
    }
    let mut dying = Server::start_with(data, &[("STRATA_FAILPOINT", "execution.started")]);
    let client = Client::to(&dying);
    // It may die before the answer is out.
    let asked = tokio::spawn(async move {
        let later = json!({"async": true});
        client.post("/v1/functions/f/executions", later).await
    });
    dying.wait_for_death().await;
    if let Ok(answer) = asked.await {
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    let mut server = Server::start_in(data);
    let client = Client::to(&server);
    let list = client.get("/v1/functions/f/executions").await.json();
    assert_eq!(list["total"], 1);
    let id = list["executions"][0]["$id"].as_str().expect("an id");
    let path = format!("/v1/functions/f/executions/{id}");
    let ended: Value = until("the end", async || {
        let execution = client.get(&path).await.json();
        (execution["status"] == "failed").then_some(execution)
    })
    .await;
    let errors = ended["errors"].as_str().expect("errors");
    assert!(errors.contains("server stopped"), "{errors}");
    let history = history(&client, &format!("execution-default:{id}")).await;
    assert_eq!(
        history,
        [
            "ExecutionRequested",
            "ExecutionStarted",
            "ExecutionFinished"
        ]
    );
    server.stop();
}
