//! Uploads, each on a function of its own, until the function answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use workload::{Arguments, Clock, Timings};

use crate::connection::{Connection, Target};
use crate::{Error, Result};

const BOUNDARY: &str = "benchmark-7c1f";
/// Between two looks at a deployment that is being built.
const PAUSE: Duration = Duration::from_millis(1);
/// Longest build.
const PATIENCE: Duration = Duration::from_secs(60);

struct Upload {
    form: Vec<u8>,
    function: Value,
    call: String,
    expect: String,
}

pub async fn run(arguments: &Arguments) -> Result<Map<String, Value>> {
    let target = Target::read(arguments);
    let archive = tokio::fs::read(arguments.text("archive", "code.tar.gz")).await?;
    let call = json!({
        "path": arguments.text("path", "/"),
        "method": arguments.text("method", "GET"),
        "body": arguments.text("body", ""),
        "headers": {"content-type": "application/json"},
    });
    let upload = Arc::new(Upload {
        form: form(&archive),
        function: json!({
            "name": "Benchmark",
            "runtime": "node-22",
            "entrypoint": arguments.text("entrypoint", "src/main.ts"),
            "commands": arguments.text("commands", ""),
        }),
        call: call.to_string(),
        expect: arguments.text("expect", ""),
    });
    let count = arguments.number("count", 20);
    let clients = arguments.number("clients", 1).max(1);
    let prefix: Arc<str> = arguments.text("prefix", "b").into();
    let stop_at = Duration::from_secs(arguments.number("max-seconds", 60));
    let next = Arc::new(AtomicU64::new(0));
    let clock = Clock::start();
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let (target, upload, next) = (target.clone(), upload.clone(), next.clone());
        let prefix = prefix.clone();
        tasks.push(tokio::spawn(async move {
            let mut connection = target.connect().await?;
            let mut timings = Timings::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count || clock.elapsed() > stop_at {
                    return Ok::<_, Error>(timings);
                }
                let id = format!("{prefix}-{number}");
                timings.add(deploy(&mut connection, &upload, &id).await?);
            }
        }));
    }
    let mut timings = Timings::default();
    for task in tasks {
        timings.join(task.await??);
    }
    Ok(timings.summary(&clock))
}

/// The function exists before the clock starts; the clock stops with its first
/// answer.
async fn deploy(connection: &mut Connection, upload: &Upload, id: &str) -> Result<Duration> {
    let mut function = upload.function.clone();
    function["functionId"] = id.into();
    connection
        .must("POST", "/v1/functions", &function.to_string())
        .await?;
    let begun = Instant::now();
    let path = format!("/v1/functions/{id}/deployments");
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let answer = connection
        .send_bytes("POST", &path, &kind, &upload.form)
        .await?;
    let made: Value = serde_json::from_slice(&answer.success()?)?;
    let deployment = format!("{path}/{}", made["$id"].as_str().unwrap_or_default());
    loop {
        let now: Value = serde_json::from_slice(&connection.must("GET", &deployment, "").await?)?;
        match now["status"].as_str() {
            Some("ready") => break,
            Some("failed" | "canceled") => {
                return Err(format!("a build ended so: {}", now["buildLogs"]).into());
            }
            _ if begun.elapsed() > PATIENCE => return Err("a build takes too long".into()),
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
    let path = format!("/v1/functions/{id}/executions");
    loop {
        let answer = connection.send("POST", &path, &upload.call).await?;
        let took = begun.elapsed();
        // Ready comes a moment before it is active.
        if answer.status == 404 && took < PATIENCE {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let body = String::from_utf8(answer.success()?)?;
        if !body.contains(&upload.expect) {
            return Err(format!("not the answer that was expected: {body}").into());
        }
        return Ok(took);
    }
}

fn form(archive: &[u8]) -> Vec<u8> {
    let mut form = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"activate\"\r\n\r\ntrue\r\n\
         --{BOUNDARY}\r\ncontent-disposition: form-data; name=\"code\"; filename=\"code.tar.gz\"\r\n\
         content-type: application/gzip\r\n\r\n"
    )
    .into_bytes();
    form.extend_from_slice(archive);
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    form
}
