//! The build log while a build runs: lines are collected and handed on a few
//! times a second, so that a short build needs no event of its own for them.

use std::sync::{Mutex, PoisonError};

/// Longest build log, in bytes; the compiler cannot flood the journal.
const LIMIT: usize = 1_000_000;

#[derive(Default)]
pub(super) struct Logbook {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pending: String,
    written: usize,
}

impl Logbook {
    /// Adds a line, with the time of day before it.
    pub(super) fn line(&self, source: &str, text: &str) {
        let time = jiff::Timestamp::now().strftime("%H:%M:%S");
        for line in text.lines() {
            self.raw(&format!("[{time}] [{source}] {line}\n"));
        }
    }

    /// Adds text as it is.
    pub(super) fn raw(&self, text: &str) {
        let mut state = self.lock();
        if state.written >= LIMIT {
            return;
        }
        state.written += text.len();
        state.pending.push_str(text);
        if state.written >= LIMIT {
            state.pending.push_str("[build log truncated]\n");
        }
    }

    /// What has come since the last time.
    pub(super) fn take(&self) -> String {
        std::mem::take(&mut self.lock().pending)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
