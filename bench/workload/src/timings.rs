//! How long each of many things took.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// Time that has passed, and time that this process has spent on processors:
/// the second hardly depends on what else the machine does.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    begun: Instant,
    spent: Duration,
}

impl Clock {
    /// Begins to count.
    pub fn start() -> Self {
        Self {
            begun: Instant::now(),
            spent: spent(),
        }
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Processor time of all threads since the start, in steps of 10 ms.
    pub fn processor(&self) -> Duration {
        spent().saturating_sub(self.spent)
    }
}

/// Processor time of this process; none where the system does not tell.
fn spent() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may hold blanks; user and system time are the
    // 12th and 13th field after it, in hundredths of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

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

    /// Count, rate, median, 99th percentile and processor time of each, as the
    /// driver takes them.
    pub fn summary(mut self, clock: &Clock) -> Map<String, Value> {
        self.micros.sort_unstable();
        let at = |share: f64| {
            let last = self.micros.len().saturating_sub(1);
            let index = (last as f64 * share).round() as usize;
            self.micros.get(index).copied().unwrap_or(0)
        };
        let seconds = clock.elapsed().as_secs_f64().max(1e-9);
        let processor = clock.processor().as_micros() as f64;
        let summary = json!({
            "done": self.micros.len(),
            "seconds": seconds,
            "per_second": self.micros.len() as f64 / seconds,
            "p50_us": at(0.5),
            "p99_us": at(0.99),
            "processor_us": processor / self.micros.len().max(1) as f64,
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
