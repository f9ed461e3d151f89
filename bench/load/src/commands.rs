//! Mixed commands on functions, in the wire format of Appwrite.
//!
//! A deployment can be activated only when it has been built, so that a
//! variable is changed in the place of each activation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aggregates::function::{self, Command};
use serde_json::{Map, Value, json};
use workload::{Arguments, Client, Clock, Step, Timings};

use crate::connection::Target;
use crate::{Error, Result};

pub async fn run(arguments: &Arguments) -> Result<Map<String, Value>> {
    let target = Target::read(arguments);
    let (clients, functions) = (
        arguments.number("clients", 64),
        arguments.number("functions", 2000),
    );
    let commands = arguments.number("commands", 20_000);
    let seed = arguments.number("seed", 1);
    let stop_at = Duration::from_secs(arguments.number("max-seconds", 10));
    let taken = Arc::new(AtomicU64::new(0));
    let clock = Clock::start();
    let mut tasks = Vec::new();
    for index in 0..clients {
        let (target, taken) = (target.clone(), taken.clone());
        tasks.push(tokio::spawn(async move {
            let mut connection = target.connect().await?;
            let mut timings = Timings::default();
            for step in Client::new(index, clients, functions, seed, false) {
                if taken.fetch_add(1, Ordering::Relaxed) >= commands || clock.elapsed() > stop_at {
                    break;
                }
                let (method, path, body) = request(&step)?;
                let sent = Instant::now();
                connection.must(method, &path, &body.to_string()).await?;
                timings.add(sent.elapsed());
            }
            Ok::<_, Error>(timings)
        }));
    }
    let mut timings = Timings::default();
    for task in tasks {
        timings.join(task.await??);
    }
    Ok(timings.summary(&clock))
}

fn request(step: &Step) -> Result<(&'static str, String, Value)> {
    let function = &step.function;
    let own = format!("/v1/functions/{function}");
    Ok(match &step.command {
        Command::Create { settings, .. } => {
            let body = json!({
                "functionId": function,
                "name": settings.name,
                "runtime": settings.runtime,
                "execute": settings.execute,
                "timeout": settings.timeout,
                "entrypoint": settings.entrypoint,
                "commands": settings.commands,
                "scopes": settings.scopes,
            });
            ("POST", "/v1/functions".to_owned(), body)
        }
        Command::Update { change } => {
            let body = json!({
                "name": change.name,
                "execute": change.execute,
                "timeout": change.timeout,
                "commands": change.commands,
                "scopes": change.scopes,
            });
            ("PUT", own, body)
        }
        Command::CreateVariable { id, key, value } => {
            let body = json!({
                "variableId": id.as_str(), "key": key, "value": clear(value), "secret": false,
            });
            ("POST", format!("{own}/variables"), body)
        }
        Command::UpdateVariable { id, value, .. } => {
            let value = value.as_ref().map(clear);
            (
                "PUT",
                format!("{own}/variables/{id}"),
                json!({"key": format!("SETTING_{}", &id.as_str()[1..]), "value": value}),
            )
        }
        _ => return Err("the work holds a command that this load cannot send".into()),
    })
}

fn clear(value: &function::Value) -> &str {
    match value {
        function::Value::Clear(text) => text,
        function::Value::Secret(_) => "",
    }
}
