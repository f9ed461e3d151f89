//! How long each of many things took.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// Durations of single operations, and how long all of them took together.
#[derive(Clone, Debug, Default)]
pub struct Timings {
    micros: Vec<u64>,
}

impl Timings {
    /// One more.
    pub fn add(&mut self, took: Duration) {
        self.micros.push(took.as_micros() as u64);
    }

    /// Those of another client.
    pub fn join(&mut self, other: Self) {
        self.micros.extend(other.micros);
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.micros.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.micros.is_empty()
    }

    /// Count, rate, median and 99th percentile, as the driver takes them.
    pub fn summary(mut self, elapsed: Duration) -> Map<String, Value> {
        self.micros.sort_unstable();
        let at = |share: f64| {
            let last = self.micros.len().saturating_sub(1);
            let index = (last as f64 * share).round() as usize;
            self.micros.get(index).copied().unwrap_or(0)
        };
        let seconds = elapsed.as_secs_f64().max(1e-9);
        let summary = json!({
            "done": self.micros.len(),
            "seconds": seconds,
            "per_second": self.micros.len() as f64 / seconds,
            "p50_us": at(0.5),
            "p99_us": at(0.99),
        });
        match summary {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

/// Prints what a program measured: one line of JSON on standard output.
pub fn report(values: Map<String, Value>) {
    println!("{}", Value::Object(values));
}
