//! Requests of one project in one minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::auth::now_ms;

const WINDOW: i64 = 60_000;

/// Counts requests in fixed windows of a minute, by whatever names their sender.
pub struct Rate {
    most: u32,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    window: i64,
    of: HashMap<String, u32>,
}

/// There have been too many.
pub struct Exceeded {
    /// Most in a minute.
    pub most: u32,
    /// Seconds until the next window.
    pub wait: i64,
    /// When the next window begins, in seconds since the Unix epoch.
    pub reset: i64,
}

impl Rate {
    /// At most so many in a minute; 0: any number.
    pub fn new(most: u32) -> Self {
        Self {
            most,
            counts: Mutex::default(),
        }
    }

    /// Counts a request of `sender`.
    pub fn count(&self, sender: String) -> Result<(), Exceeded> {
        if self.most == 0 {
            return Ok(());
        }
        let now = now_ms();
        let window = now / WINDOW;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.window != window {
            *counts = Counts {
                window,
                ..Counts::default()
            };
        }
        let count = counts.of.entry(sender).or_default();
        if *count < self.most {
            *count += 1;
            return Ok(());
        }
        let reset = (window + 1) * WINDOW;
        Err(Exceeded {
            most: self.most,
            wait: (reset - now + 999) / 1000,
            reset: reset / 1000,
        })
    }
}
