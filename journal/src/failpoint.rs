//! Places where a test can make the process die.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

struct Armed {
    name: String,
    left: AtomicU64,
}

/// Aborts the process, as `kill -9` would, when `STRATA_FAILPOINT` names this
/// place.
///
/// The variable is read once per process. `journal.before_commit` dies at the
/// first time that this place is reached, `journal.before_commit@3` at the
/// third. Where it is not set, a call costs one atomic load.
pub fn failpoint(name: &str) {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    let armed = ARMED.get_or_init(|| {
        let value = std::env::var("STRATA_FAILPOINT").ok()?;
        let (name, times) = match value.split_once('@') {
            Some((name, times)) => (name, times.parse().unwrap_or(1)),
            None => (value.as_str(), 1),
        };
        Some(Armed {
            name: name.to_owned(),
            left: AtomicU64::new(times),
        })
    });
    if let Some(armed) = armed
        && armed.name == name
        && armed.left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        eprintln!("failpoint {name}: aborting");
        std::process::abort();
    }
}
