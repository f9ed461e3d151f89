//! Asynchronous actions of the Nango dialect run one at a time in a project, in the order in which
//! they were asked for, on whatever node.
//!
//! Nobody gives turns out. Every node reads the same requests and the same ends, in the same order,
//! from the journal, and begins an action only when all before it have ended. A node that is behind
//! waits longer; none runs ahead. What waits is in the journal, so that a restart changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use aggregates::{ExecutionId, ProjectId, ScriptCall};

/// Who waits for a turn, by project.
#[derive(Default)]
pub(super) struct Turns {
    /// In each project by the position of the request.
    waiting: Mutex<HashMap<ProjectId, BTreeMap<u64, ExecutionId>>>,
}

impl Turns {
    /// Whether an execution takes turns.
    pub(super) fn takes(trigger: &str, script: Option<&ScriptCall>) -> bool {
        trigger == "async" && script.is_some()
    }

    /// Lets one wait, or run, since its request at `position`. One that is there stays.
    pub(super) fn enter(&self, project: &ProjectId, position: u64, id: ExecutionId) {
        let mut waiting = self.lock();
        waiting
            .entry(project.clone())
            .or_default()
            .insert(position, id);
    }

    /// Ends the turn, or the waiting, of one; false when it was not there.
    pub(super) fn leave(&self, project: &ProjectId, id: &ExecutionId) -> bool {
        let mut waiting = self.lock();
        let Some(queue) = waiting.get_mut(project) else {
            return false;
        };
        let found = queue.iter().find(|(_, one)| *one == id);
        let Some(position) = found.map(|(position, _)| *position) else {
            return false;
        };
        queue.remove(&position);
        if queue.is_empty() {
            waiting.remove(project);
        }
        true
    }

    /// The one whose turn it is.
    pub(super) fn first(&self, project: &ProjectId) -> Option<ExecutionId> {
        let waiting = self.lock();
        let (_, id) = waiting.get(project)?.first_key_value()?;
        Some(id.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, BTreeMap<u64, ExecutionId>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;

    #[test]
    fn the_first_request_has_the_turn_in_its_project() {
        let (turns, one, two) = (Turns::default(), "one".into(), "two".into());
        turns.enter(&one, 7, "b".into());
        turns.enter(&one, 5, "a".into());
        turns.enter(&two, 9, "c".into());
        assert_eq!(turns.first(&one), Some("a".into()));
        assert_eq!(turns.first(&two), Some("c".into()));
        assert!(turns.leave(&one, &"a".into()));
        assert!(!turns.leave(&one, &"a".into()));
        assert_eq!(turns.first(&one), Some("b".into()));
        assert!(turns.leave(&one, &"b".into()));
        assert_eq!(turns.first(&one), None);
    }
}
