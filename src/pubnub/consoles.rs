//! How much functions may still write on their log channels: section 14 gives each a number of
//! lines over the life of its deployment on a node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aggregates::{HandlerRevisionId, PackageDeploymentId};

/// Lines between two starts of a deployment.
pub const LINES: u32 = 250;

type Counts = HashMap<PackageDeploymentId, HashMap<HandlerRevisionId, u32>>;

/// The counts. Cheap to clone.
#[derive(Clone, Default)]
pub struct Consoles(Arc<Mutex<Counts>>);

impl Consoles {
    /// Whether a function may write one more line.
    pub fn spend(&self, deployment: &PackageDeploymentId, handler: &HandlerRevisionId) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = counts.entry(deployment.clone()).or_default();
        let lines = of.entry(handler.clone()).or_default();
        let may = *lines < LINES;
        *lines += u32::from(may);
        may
    }

    /// A deployment starts or has stopped: its functions may write anew.
    pub fn renew(&self, deployment: &PackageDeploymentId) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.remove(deployment);
    }
}

#[cfg(test)]
mod tests {
    use super::{Consoles, LINES};

    #[test]
    fn functions_fall_silent_until_the_next_start() {
        let consoles = Consoles::default();
        let (deployment, handler) = ("d".into(), "h".into());
        for _ in 0..2 {
            for _ in 0..LINES {
                assert!(consoles.spend(&deployment, &handler));
            }
            assert!(!consoles.spend(&deployment, &handler));
            assert!(consoles.spend(&deployment, &"other".into()));
            consoles.renew(&deployment);
        }
    }
}
