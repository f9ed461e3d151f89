//! When each sync is to be looked at next, so that nothing is read while nothing is due.

use std::collections::{BTreeSet, HashMap};
use std::mem;

use aggregates::{ProjectId, SyncKey};

/// A sync of any project.
pub(super) type Name = (ProjectId, SyncKey);

/// Moments (milliseconds since the Unix epoch), at most one for each sync.
#[derive(Default)]
pub(super) struct Agenda {
    in_order: BTreeSet<(i64, Name)>,
    at: HashMap<Name, i64>,
}

impl Agenda {
    /// Notes when a sync is to be looked at; none: not until something happens to it.
    pub(super) fn set(&mut self, name: &Name, at: Option<i64>) {
        if let Some(before) = self.at.remove(name) {
            self.in_order.remove(&(before, name.clone()));
        }
        if let Some(at) = at {
            self.at.insert(name.clone(), at);
            self.in_order.insert((at, name.clone()));
        }
    }

    /// Takes the first sync out that is to be looked at by now.
    pub(super) fn take(&mut self, now: i64) -> Option<Name> {
        let (at, _) = self.in_order.first()?;
        if *at > now {
            return None;
        }
        let (_, name) = self.in_order.pop_first()?;
        self.at.remove(&name);
        Some(name)
    }

    /// The first moment at which something is to be looked at.
    pub(super) fn first(&self) -> Option<i64> {
        self.in_order.first().map(|(at, _)| *at)
    }
}

/// What has happened since it was last asked.
#[derive(Default)]
pub(super) struct Changes {
    /// Anything may have happened to any sync: what functions there are has changed.
    pub(super) all: bool,
    /// Something has happened to these.
    pub(super) syncs: BTreeSet<Name>,
    /// Where that stands in the global order; the read models must have come that far.
    pub(super) position: u64,
}

impl Changes {
    /// Notes something at a position; none: to anything.
    pub(super) fn note(&mut self, sync: Option<Name>, position: u64) {
        match sync {
            Some(name) => {
                self.syncs.insert(name);
            }
            None => self.all = true,
        }
        self.position = self.position.max(position);
    }

    /// Takes all of it.
    pub(super) fn take(&mut self) -> Self {
        mem::take(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Agenda, Changes, Name};

    fn name(id: &str) -> Name {
        ("p".into(), id.into())
    }

    #[test]
    fn each_sync_is_taken_once_and_in_the_order_of_the_moments() {
        let mut agenda = Agenda::default();
        for (id, at) in [("late", 30), ("early", 10), ("same", 10), ("moved", 5)] {
            agenda.set(&name(id), Some(at));
        }
        agenda.set(&name("moved"), Some(20));
        agenda.set(&name("same"), None);
        assert_eq!(agenda.first(), Some(10));
        assert_eq!(agenda.take(9), None);
        assert_eq!(agenda.take(25), Some(name("early")));
        assert_eq!(agenda.take(25), Some(name("moved")));
        assert_eq!(agenda.take(25), None);
        assert_eq!(agenda.first(), Some(30));
        assert_eq!(agenda.take(30), Some(name("late")));
        assert_eq!((agenda.first(), agenda.take(99)), (None, None));
    }

    #[test]
    fn what_was_taken_is_not_there_any_more() {
        let mut changes = Changes::default();
        changes.note(Some(name("a")), 7);
        changes.note(Some(name("a")), 5);
        changes.note(None, 6);
        let taken = changes.take();
        assert_eq!((taken.all, taken.syncs.len(), taken.position), (true, 1, 7));
        let again = changes.take();
        assert_eq!(
            (again.all, again.syncs.len(), again.position),
            (false, 0, 0)
        );
    }
}
