//! The same request again and again, from some clients.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use workload::{Arguments, Clock, Timings};

use crate::connection::Target;
use crate::{Error, Result};

pub async fn run(arguments: &Arguments) -> Result<Map<String, Value>> {
    let target = Target::read(arguments);
    let request = Arc::new((
        arguments.text("method", "GET"),
        arguments.text("path", "/"),
        arguments.text("body", ""),
        // A text that each answer must hold.
        arguments.text("expect", ""),
    ));
    let most = arguments.number("requests", 2000);
    let clients = arguments.number("clients", 1).max(1);
    let stop_at = Duration::from_secs(arguments.number("max-seconds", 10));
    let clock = Clock::start();
    let mut tasks = Vec::new();
    for index in 0..clients {
        let share = most / clients + u64::from(index < most % clients);
        let (target, request) = (target.clone(), request.clone());
        tasks.push(tokio::spawn(async move {
            let (method, path, body, expect) = &*request;
            let mut connection = target.connect().await?;
            let mut timings = Timings::default();
            for _ in 0..share {
                if clock.elapsed() > stop_at {
                    break;
                }
                let sent = Instant::now();
                let answer = connection.must(method, path, body).await?;
                timings.add(sent.elapsed());
                let text = String::from_utf8_lossy(&answer);
                if !text.contains(expect.as_str()) {
                    return Err(Error::from(format!(
                        "not the answer that was expected: {text}"
                    )));
                }
            }
            Ok(timings)
        }));
    }
    let mut timings = Timings::default();
    for task in tasks {
        timings.join(task.await??);
    }
    Ok(timings.summary(&clock))
}
