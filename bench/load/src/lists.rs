//! A filtered list of 50 functions: now, and as of a random position, in turns.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use workload::{Arguments, Clock, Random, Timings};

use crate::Result;
use crate::connection::{Connection, Target};

pub async fn run(arguments: &Arguments) -> Result<Map<String, Value>> {
    let mut connection = Target::read(arguments).connect().await?;
    let requests = arguments.number("requests", 200);
    let stop_at = Duration::from_secs(arguments.number("max-seconds", 20));
    let (first, last) = (arguments.number("first", 1), arguments.number("last", 1));
    let value = serde_json::from_str(&arguments.text("value", "true"))?;
    let queries = list(&arguments.text("attribute", "enabled"), &value);
    let mut random = Random::new(arguments.number("seed", 1));
    let (mut now, mut then) = (Timings::default(), Timings::default());
    let clock = Clock::start();
    for _ in 0..requests {
        if clock.elapsed() > stop_at {
            break;
        }
        now.add(timed(&mut connection, &queries).await?);
        let position = first + random.below(last - first + 1);
        then.add(timed(&mut connection, &format!("{queries}&as_of={position}")).await?);
    }
    let mut values = Map::new();
    values.insert("now".to_owned(), now.summary(&clock).into());
    values.insert("as_of".to_owned(), then.summary(&clock).into());
    Ok(values)
}

fn list(attribute: &str, value: &Value) -> String {
    let queries = [
        json!({"method": "equal", "attribute": attribute, "values": [value]}),
        json!({"method": "orderDesc", "attribute": "$createdAt"}),
        json!({"method": "limit", "values": [50]}),
    ];
    let queries: Vec<_> = queries
        .iter()
        .map(|query| format!("queries[]={}", encode(&query.to_string())))
        .collect();
    format!("/v1/functions?{}", queries.join("&"))
}

async fn timed(connection: &mut Connection, path: &str) -> Result<Duration> {
    let sent = Instant::now();
    let answer = connection.must("GET", path, "").await?;
    let took = sent.elapsed();
    let answer: Value = serde_json::from_slice(&answer)?;
    match answer["functions"].as_array().map(Vec::len) {
        Some(50) => Ok(took),
        length => Err(format!("{path} listed {length:?} functions, not 50").into()),
    }
}

fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let one = |byte| match byte {
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}
