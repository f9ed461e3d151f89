//! What functions write: into the log of the execution, and on the log channels of section 15.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Host;
use crate::auth::now_ms;
use crate::execution::Written;
use crate::pubnub::messages::{Delivery, Kind};

/// Bytes of lines that are kept of one run.
const MOST: usize = 1_000_000;
/// Bytes of one line.
const LONGEST: usize = 1024;

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// `log`, `info`, `warn`, `debug` or `error`.
    pub level: String,
    /// The text.
    pub text: String,
    /// When, in milliseconds since the Unix epoch.
    pub ts: i64,
}

impl Line {
    /// A line of the platform's own.
    pub(super) fn warning(text: String) -> Self {
        Self {
            level: "warn".to_owned(),
            text,
            ts: now_ms(),
        }
    }
}

impl Host {
    pub(super) fn write(&self, mut line: Line) {
        let mut end = line.text.len().min(LONGEST);
        while !line.text.is_char_boundary(end) {
            end -= 1;
        }
        line.text.truncate(end);
        line.level.truncate(16);
        self.tell(&line);
        let mut noted = self.noted();
        noted.size += line.text.len() + 32;
        if noted.size <= MOST {
            noted.lines.push(line);
        }
    }

    /// Publishes a line on the channel of the function, unless it has written too much.
    fn tell(&self, line: &Line) {
        let (shared, call) = (&self.0.shared, &self.0.call);
        let Some(deployment) = &call.deployment else {
            return;
        };
        if !shared.consoles.spend(deployment, &call.handler) {
            return;
        }
        let Some(subscribe_key) = &self.0.subscribe_key else {
            return;
        };
        let own = format!("output-rev-{}-key-{subscribe_key}", call.handler);
        for channel in [Some(own), self.0.output.clone()].into_iter().flatten() {
            let payload = json!({
                "level": line.level,
                "ts": line.ts,
                "functionRevisionId": call.handler,
                "executionId": self.0.execution,
                "text": line.text,
            });
            let delivery = Delivery {
                channel,
                payload,
                kind: Kind::Message,
                user: None,
                meta: None,
            };
            shared.messages.deliver(call.keyset, delivery);
        }
    }
}

/// As the log of an execution shows it.
pub(super) fn written(lines: &[Line]) -> Written {
    let mut written = Written::default();
    for line in lines {
        let to = match line.level.as_str() {
            "warn" | "error" => &mut written.errors,
            _ => &mut written.logs,
        };
        let at = jiff::Timestamp::from_millisecond(line.ts).unwrap_or_default();
        let at = at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
        to.push_str(&format!("{at} [{}] {}\n", line.level, line.text));
    }
    written
}
