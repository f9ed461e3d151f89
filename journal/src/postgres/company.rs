//! How long to wait for more requests before a commit.

use std::time::Duration;

use tokio::time::Instant;

/// Clients that were just answered together come back together, and a flush
/// costs the same for many as for one. So it pays to wait for them a fraction
/// of a commit, if they do come back in that time; when they do not, this is
/// tried less and less often.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// So many requests are likely to be there soon.
    wanted: usize,
    time: Duration,
    /// How often in a row they did not come.
    misses: u32,
    /// For so many commits nobody is waited for.
    skip: u32,
}

/// A timer is no more exact than this, so shorter waits are not worth one.
const SHORTEST: Duration = Duration::from_micros(250);
const LONGEST: Duration = Duration::from_millis(2);

impl Company {
    /// After a commit of `answered` requests that took `took`, while `queued`
    /// others arrived.
    pub(super) fn committed(&mut self, answered: usize, queued: usize, took: Duration) {
        self.wanted = answered + queued;
        self.time = (took / 4).min(LONGEST);
    }

    /// Whether more than `here` are likely to be there soon.
    pub(super) fn is_expected(&self, here: usize) -> bool {
        here < self.wanted
    }

    /// Until when to wait, if it is worth a timer.
    pub(super) fn until(&mut self) -> Option<Instant> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        (self.time >= SHORTEST).then(|| Instant::now() + self.time)
    }

    pub(super) fn came(&mut self) {
        self.misses = 0;
    }

    pub(super) fn did_not_come(&mut self) {
        self.misses = (self.misses + 1).min(6);
        self.skip = 1 << self.misses;
    }
}
