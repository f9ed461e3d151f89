//! `/v1/functions/{functionId}/deployments`.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Answer, CHUNK, Client, Part, archive, column, noise, unique};
use crate::server::until;

const CODE: &[u8] = b"export default ({ res }) => res.text('ran');";

/// Sends one chunk of a file.
async fn chunk(client: &Client, function: &str, upload: &str, file: &[u8], index: usize) -> Answer {
    let (start, end) = (index * CHUNK, ((index + 1) * CHUNK).min(file.len()));
    let range = format!("bytes {start}-{}/{}", end - 1, file.len());
    client
        .ask(
            Method::POST,
            &format!("/v1/functions/{function}/deployments"),
        )
        .header("content-range", &range)
        .header("x-appwrite-id", upload)
        .multipart(&[
            Part::field("activate", "true"),
            Part::file("code", "code.tar.gz", &file[start..end]),
        ])
        .await
}

#[tokio::test]
async fn chunks_may_come_in_any_order_and_more_than_once() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let noise = noise(11_000_000);
    let file = archive(&[("main.js", CODE), ("noise.bin", &noise)]);
    assert_eq!(file.len().div_ceil(CHUNK), 3);
    // The client may choose the id, and the first chunk to come may be the last.
    let upload = unique("upload");
    for index in [2, 0, 2, 0] {
        let answer = chunk(&client, &function, &upload, &file, index).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let deployment = answer.json();
        assert_eq!(
            (&deployment["$id"], &deployment["status"]),
            (&json!(upload), &json!("waiting"))
        );
        assert_eq!(deployment["sourceSize"], file.len());
        assert_eq!(deployment["buildLogs"], "");
    }
    let list = client
        .get(&format!("/v1/functions/{function}/deployments"))
        .await
        .json();
    assert_eq!(column(&list, "deployments", "$id"), [&upload]);

    // It is nobody else's upload.
    let other = client.function(json!({})).await;
    chunk(&client, &other, &upload, &file, 1)
        .await
        .refused(404, "deployment_not_found");
    // Nor an upload of another size.
    chunk(&client, &function, &upload, &file[..CHUNK + 10], 1)
        .await
        .refused(400, "storage_invalid_content_range");

    let last = chunk(&client, &function, &upload, &file, 1).await;
    assert_eq!(last.json()["totalSize"], file.len());
    let built = client.built(&function, &upload).await;
    assert_eq!(built["status"], "ready", "{built}");
    // Chunks that come again change nothing.
    let late = chunk(&client, &function, &upload, &file, 0).await;
    assert_eq!(late.status, 202);
    assert_eq!(late.json()["status"], "ready");
    chunk(&client, &other, &upload, &file, 1)
        .await
        .refused(404, "deployment_not_found");
    assert_eq!(
        client.execute(&function, json!({})).await["responseBody"],
        "ran"
    );

    let path = format!("/v1/functions/{function}/deployments/{upload}/download");
    let whole = client.get(&path).await;
    assert_eq!(whole.bytes, file);
    // A range over the border of two chunks.
    let (from, to) = (CHUNK - 5, CHUNK + 5);
    let some = client
        .with("range", &format!("bytes={from}-{to}"))
        .get(&path)
        .await;
    assert_eq!(some.status, 206);
    assert_eq!(some.bytes, file[from..=to]);
    assert_eq!(
        some.header("content-range"),
        format!("bytes {from}-{to}/{}", file.len())
    );
    assert_eq!(some.header("content-length"), "11");
    let open = client.with("range", "bytes=100-").get(&path).await;
    assert_eq!(open.bytes, file[100..100 + 10 * 1024 * 1024]);
}

#[tokio::test]
async fn parallel_chunks_make_one_deployment() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let noise = noise(25_000_000);
    let file = archive(&[("main.js", CODE), ("noise.bin", &noise)]);
    let upload = unique("parallel");
    let all = (0..file.len().div_ceil(CHUNK))
        .map(|index| chunk(&client, &function, &upload, &file, index));
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    let built = client.built(&function, &upload).await;
    assert_eq!(
        (&built["status"], &built["sourceSize"]),
        (&json!("ready"), &json!(file.len()))
    );
    let path = format!("/v1/functions/{function}/deployments/{upload}/download");
    assert!(
        client.get(&path).await.bytes == file,
        "the chunks are in order"
    );
}

#[tokio::test]
async fn bad_uploads_are_refused_in_order() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let bare = client.function(json!({"entrypoint": ""})).await;
    let file = archive(&[("main.js", CODE)]);
    let send = async |function: &str, range: &str, parts: &[Part<'_>]| {
        let mut ask = client.ask(
            Method::POST,
            &format!("/v1/functions/{function}/deployments"),
        );
        if !range.is_empty() {
            ask = ask.header("content-range", range);
        }
        ask.multipart(parts).await
    };
    let activate = || Part::field("activate", "1");
    let code = || Part::file("code", "code.tar.gz", &file);
    send(&function, "", &[code()])
        .await
        .refused(400, "general_argument_invalid");
    send("nobody", "", &[activate(), code()])
        .await
        .refused(404, "function_not_found");
    send(&bare, "", &[activate()])
        .await
        .refused(404, "function_entrypoint_missing");
    send(&function, "", &[activate()])
        .await
        .refused(400, "storage_file_empty");
    let text = Part::field("code", "text");
    send(&function, "", &[activate(), text])
        .await
        .refused(403, "storage_invalid_file");
    let zip = Part::file("code", "code.zip", &file);
    send(&function, "", &[activate(), zip])
        .await
        .refused(400, "storage_file_type_unsupported");
    for range in [
        "bytes 0-9",
        "bytes 5-20/10",
        "0-9/10",
        "bytes 0-99999999/100000000",
    ] {
        let answer = send(&function, range, &[activate(), code()]).await;
        answer.refused(400, "storage_invalid_content_range");
    }
    let large = noise(30_000_001);
    let large = Part::file("code", "code.tar.gz", &large);
    send(&function, "", &[activate(), large])
        .await
        .refused(400, "deployment_invalid_file_size");
    let list = client
        .get(&format!("/v1/functions/{function}/deployments"))
        .await
        .json();
    assert_eq!(list["total"], 0, "nothing is left of a refused upload");

    // An entry file may come with the upload, and a broken archive fails its build.
    let entry = Part::field("entrypoint", "main.js");
    let accepted = send(&bare, "", &[activate(), entry, code()]).await;
    assert_eq!(accepted.status, 202);
    assert_eq!(accepted.text("entrypoint"), "main.js");
    let broken = client.upload(&function, b"this is no archive", true).await;
    assert_eq!(broken.status, 202);
    let failed = client.built(&function, &broken.text("$id")).await;
    assert_eq!(failed["status"], "failed");
    assert_ne!(failed["buildLogs"], "");
    let function = client
        .get(&format!("/v1/functions/{function}"))
        .await
        .json();
    assert_eq!(
        (
            &function["deploymentId"],
            &function["latestDeploymentStatus"]
        ),
        (&json!(""), &json!("failed"))
    );
}

#[tokio::test]
async fn a_failed_build_leaves_the_old_code_active() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let first = client
        .deploy(&function, "export default ({ res }) => res.text('one');")
        .await;
    let broken = archive(&[("main.js", b"export default ({ res }) => {")]);
    let broken = client.upload(&function, &broken, true).await.text("$id");
    let failed = client.built(&function, &broken).await;
    assert_eq!(failed["status"], "failed");
    assert!(
        failed["buildLogs"]
            .as_str()
            .is_some_and(|log| log.contains("main.js")),
        "{failed}"
    );
    let path = format!("/v1/functions/{function}");
    let now = client.get(&path).await.json();
    assert_eq!(
        (&now["deploymentId"], &now["latestDeploymentId"]),
        (&json!(first), &json!(broken))
    );
    assert_eq!(
        client.execute(&function, json!({})).await["responseBody"],
        "one"
    );
    client
        .patch(
            &format!("{path}/deployment"),
            json!({"deploymentId": broken}),
        )
        .await
        .refused(400, "build_not_ready");
    client
        .patch(
            &format!("{path}/deployment"),
            json!({"deploymentId": "nobody"}),
        )
        .await
        .refused(404, "deployment_not_found");
    client
        .patch(&format!("{path}/deployment"), json!({}))
        .await
        .refused(400, "general_argument_invalid");
    client
        .patch(&format!("{path}/deployments/{broken}/status"), json!({}))
        .await
        .refused(400, "build_already_completed");
    let other = client.function(json!({})).await;
    client
        .get(&format!("/v1/functions/{other}/deployments/{first}"))
        .await
        .refused(404, "deployment_not_found");
    client
        .patch(
            &format!("/v1/functions/{other}/deployments/{first}"),
            json!({}),
        )
        .await
        .refused(404, "deployment_not_found");
}

#[tokio::test]
async fn the_newest_that_asks_for_it_becomes_active() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let quiet = archive(&[("main.js", b"export default ({ res }) => res.text('quiet');")]);
    let mut ids = Vec::new();
    for number in 0..3 {
        let code = format!("export default ({{ res }}) => res.text('{number}');");
        let made = client
            .upload(&function, &archive(&[("main.js", code.as_bytes())]), true)
            .await;
        ids.push(made.text("$id"));
    }
    let silent = client.upload(&function, &quiet, false).await.text("$id");
    for id in ids.iter().chain([&silent]) {
        assert_eq!(client.built(&function, id).await["status"], "ready");
    }
    let path = format!("/v1/functions/{function}");
    until("activation", async || {
        let now = client.get(&path).await.json();
        (now["deploymentId"] == *ids[2]).then_some(())
    })
    .await;
    assert_eq!(
        client.execute(&function, json!({})).await["responseBody"],
        "2"
    );
    let flags = json!({"method": "equal", "attribute": "activate", "values": [true]});
    let flagged = client
        .list(&format!("{path}/deployments"), &[flags])
        .await
        .json();
    assert_eq!(column(&flagged, "deployments", "$id"), [&ids[2]]);
    // By the alias, and the others stay as they are.
    let back = client
        .patch(&format!("{path}/deployments/{silent}"), json!({}))
        .await
        .json();
    assert_eq!(back["deploymentId"], *silent);
    assert_eq!(
        client.execute(&function, json!({})).await["responseBody"],
        "quiet"
    );
}

#[tokio::test]
async fn canceled_uploads_and_builds_stay_canceled() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let file = noise(CHUNK + 10);
    let upload = unique("canceled");
    chunk(&client, &function, &upload, &file, 0).await;
    let path = format!("/v1/functions/{function}/deployments/{upload}");
    client
        .get(&format!("{path}/download"))
        .await
        .refused(404, "deployment_not_found");
    for alias in ["status", "build"] {
        let canceled = client
            .patch(&format!("{path}/{alias}"), json!({}))
            .await
            .json();
        assert_eq!(canceled["status"], "canceled");
        let log = canceled["buildLogs"].as_str().unwrap();
        assert_eq!(log.matches("Build has been canceled.").count(), 1, "{log}");
    }
    assert_eq!(
        chunk(&client, &function, &upload, &file, 1).await.json()["status"],
        "canceled"
    );
    client
        .post(
            &format!("/v1/functions/{function}/deployments/duplicate"),
            json!({"deploymentId": upload}),
        )
        .await
        .refused(404, "deployment_not_found");
    assert_eq!(client.delete(&path).await.status, 204);
    client.get(&path).await.refused(404, "deployment_not_found");
}

#[tokio::test]
async fn duplicates_take_the_settings_of_now() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let files: [(&str, &[u8]); 2] = [
        ("main.js", b"export default ({ res }) => res.text('main');"),
        (
            "other.js",
            b"export default ({ res }) => res.text('other');",
        ),
    ];
    let made = client
        .upload(&function, &archive(&files), false)
        .await
        .text("$id");
    client.built(&function, &made).await;
    let path = format!("/v1/functions/{function}");
    client
        .put(
            &path,
            json!({"name": "test", "execute": ["any"], "entrypoint": "other.js"}),
        )
        .await;
    for alias in [
        "deployments/duplicate",
        &format!("deployments/{made}/build"),
        &format!("deployments/{made}/builds/x"),
    ] {
        let again = client
            .post(&format!("{path}/{alias}"), json!({"deploymentId": made}))
            .await;
        assert_eq!(again.status, 202, "{alias}");
        let again = again.json();
        assert_ne!(again["$id"], *made);
        assert_eq!(
            (
                &again["entrypoint"],
                &again["activate"],
                &again["buildSize"]
            ),
            (&json!("other.js"), &json!(true), &json!(0))
        );
        let built = client
            .built(&function, again["$id"].as_str().unwrap())
            .await;
        assert_eq!(built["status"], "ready", "{built}");
    }
    until("activation", async || {
        let ran = client.post(&format!("{path}/executions"), json!({})).await;
        (ran.status == 201 && ran.json()["responseBody"] == "other").then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_latest_falls_back_when_it_is_deleted() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let first = client
        .deploy(&function, "export default ({ res }) => res.text('1');")
        .await;
    let second = client
        .deploy(&function, "export default ({ res }) => res.text('2');")
        .await;
    let path = format!("/v1/functions/{function}");
    let latest = async || {
        let now = client.get(&path).await.json();
        [
            &now["deploymentId"],
            &now["latestDeploymentId"],
            &now["latestDeploymentStatus"],
        ]
        .map(Value::clone)
    };
    assert_eq!(
        latest().await,
        [json!(second), json!(second), json!("ready")]
    );
    assert_eq!(
        client
            .delete(&format!("{path}/deployments/{second}"))
            .await
            .status,
        204
    );
    assert_eq!(latest().await, [json!(""), json!(first), json!("ready")]);
    client
        .post(&format!("{path}/executions"), json!({}))
        .await
        .refused(404, "deployment_not_found");
    assert_eq!(
        client
            .delete(&format!("{path}/deployments/{first}"))
            .await
            .status,
        204
    );
    assert_eq!(latest().await, [json!(""), json!(""), json!("")]);
}

#[tokio::test]
async fn builds_can_be_downloaded() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let id = client
        .deploy(
            &function,
            "export default ({ res }) => res.text('downloaded');",
        )
        .await;
    let path = format!("/v1/functions/{function}/deployments/{id}");
    let output = client.get(&format!("{path}/download?type=output")).await;
    assert_eq!(output.header("content-type"), "application/octet-stream");
    let name = format!("attachment; filename=\"{id}-output-");
    assert!(output.header("content-disposition").starts_with(&name));
    assert_eq!(
        client.get(&format!("{path}/build/download")).await.bytes,
        output.bytes
    );
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&output.bytes[..]));
    let mut files = Vec::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        files.push((entry.path().unwrap().display().to_string(), text));
    }
    assert_eq!(files[0].0, "bundle.js");
    assert!(files[0].1.contains("downloaded"));

    let source = client.get(&format!("{path}/download")).await;
    assert_eq!(source.header("content-type"), "application/gzip");
    assert_eq!(source.header("cache-control"), "private, max-age=3888000");
    for bad in [
        "bytes=5-5",
        "bytes=9-1",
        "bytes=0-999999",
        "lines=1-2",
        "bytes=-5",
    ] {
        let refused = client
            .with("range", bad)
            .get(&format!("{path}/download"))
            .await;
        refused.refused(416, "storage_invalid_range");
    }
    client
        .get(&format!("{path}/download?type=x"))
        .await
        .refused(400, "general_argument_invalid");
    let guest = client.guest();
    guest
        .get("/v1/functions/nobody/deployments/nothing/download")
        .await
        .refused(401, "user_unauthorized");
}
