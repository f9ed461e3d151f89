//! Requests of one project in one minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aggregates::ProjectId;
use http::request::Parts;
use serde_json::json;

use super::error::Error;
use crate::auth::now_ms;

const WINDOW: i64 = 60_000;

/// Counts requests in fixed windows of a minute, for each project; calls of functions apart.
pub struct Rate {
    most: u32,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    window: i64,
    of: HashMap<(String, bool), u32>,
}

impl Rate {
    /// At most so many in a minute; 0: any number.
    pub fn new(most: u32) -> Self {
        Self {
            most,
            counts: Mutex::default(),
        }
    }

    /// Counts a request; refuses it when there have been too many.
    pub(super) fn check(&self, project: &ProjectId, parts: &Parts) -> Result<(), Error> {
        if self.most == 0 {
            return Ok(());
        }
        let of_script = parts
            .headers
            .get("nango-is-script")
            .is_some_and(|v| v == "true");
        let now = now_ms();
        let window = now / WINDOW;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.window != window {
            *counts = Counts {
                window,
                ..Counts::default()
            };
        }
        let count = counts
            .of
            .entry((project.to_string(), of_script))
            .or_default();
        if *count < self.most {
            *count += 1;
            return Ok(());
        }
        let reset = (window + 1) * WINDOW;
        let wait = (reset - now + 999) / 1000;
        Err(Error::bare(429, "too_many_request")
            .with("method", json!(parts.method.as_str()))
            .with("path", json!(parts.uri.path()))
            .header("retry-after", wait.to_string())
            .header("x-ratelimit-limit", self.most.to_string())
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", (reset / 1000).to_string()))
    }
}
