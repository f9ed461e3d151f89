//! What a run says and which HTTP calls it makes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Host;
use crate::execution::Written;

/// Bytes of logs that are kept of one run.
const MOST: usize = 1_000_000;

/// One logged message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Log {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The text.
    #[serde(alias = "line")]
    pub message: String,
    /// What was given beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Value>,
    /// When, ISO 8601.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// Written to the console.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub console: bool,
}

/// One HTTP call, without credentials.
#[derive(Clone, Debug, Serialize)]
pub struct HttpCall {
    /// The method.
    pub method: String,
    /// Where to, without what providers put into the query.
    pub url: String,
    /// The status; none: there was no answer.
    pub status: Option<u16>,
    /// How often it was sent.
    pub attempts: u32,
    /// A recording answered, or it was refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not_sent: bool,
    /// How many lines had been logged before.
    #[serde(skip)]
    pub after: usize,
}

impl Host {
    pub(super) fn note_log(&self, mut log: Log, console: bool) {
        let mut noted = self.noted();
        noted.size += log.message.len() + 32;
        if noted.size > MOST {
            return;
        }
        log.console = console;
        noted.logs.push(log);
    }

    /// Puts the author's own lines into stacks that were logged.
    pub fn map_logs(&self, map: &compiler::StackMapper) {
        for log in &mut self.noted().logs {
            log.message = map.map(&log.message);
            if let Some(meta) = &mut log.meta {
                map.map_json(meta);
            }
        }
    }

    pub(super) fn note_call(&self, mut call: HttpCall) {
        let mut noted = self.noted();
        call.after = noted.logs.len();
        if noted.calls.len() < 10_000 {
            noted.calls.push(call);
        }
    }
}

/// As the log of an execution shows it.
pub(super) fn written(logs: &[Log]) -> Written {
    let mut written = Written::default();
    for log in logs {
        let to = match log.level.as_str() {
            "warn" | "error" => &mut written.errors,
            _ => &mut written.logs,
        };
        let line = format!("{} [{}] {}", log.at, log.level, log.message);
        to.push_str(line.trim_start());
        if let Some(meta) = &log.meta {
            to.push_str(&format!(" {meta}"));
        }
        to.push('\n');
    }
    written
}
