//! The store as a fold in memory that keeps a copy of everything after each
//! change.

use std::collections::{BTreeMap, HashMap};

use records::{Action, Counts, Merging, Mode, Record, Scope, Unseen, merge};
use serde_json::Value;
use uuid::Uuid;

/// A record. What it is called there is told by the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub content: Value,
    pub is_pruned: bool,
    pub first_seen_at: i64,
    pub modified_at: i64,
    pub action: Action,
    pub pruned_at: Option<i64>,
    /// Tells a life from the next one.
    pub life: u64,
    seen: u64,
    seen_by: String,
}

type Rows = BTreeMap<String, Row>;
type State = BTreeMap<Scope, Rows>;

#[derive(Default)]
pub struct World {
    pub state: State,
    /// Everything after each change, with its time.
    past: Vec<(i64, State)>,
    /// Saves so far; a mark is such a number.
    pub saves: u64,
    at: i64,
    /// The time of the last change, and how often it was emptied or dropped.
    scopes: BTreeMap<Scope, (i64, u64)>,
    pub uuids: HashMap<(Scope, u64, String), Uuid>,
}

impl World {
    pub fn times(&self) -> Vec<i64> {
        let mut times: Vec<_> = self.past.iter().map(|(at, _)| *at).collect();
        times.dedup();
        times
    }

    pub fn now(&self, scope: &Scope) -> Rows {
        self.state.get(scope).cloned().unwrap_or_default()
    }

    pub fn then(&self, scope: &Scope, at: i64) -> Rows {
        let before = self.past.partition_point(|(time, _)| *time <= at);
        let state = before.checked_sub(1).map(|last| &self.past[last].1);
        let rows = state.and_then(|state| state.get(scope));
        rows.cloned().unwrap_or_default()
    }

    /// The time of a change of a scope.
    fn turn(&mut self, scope: &Scope, now: i64) -> i64 {
        let (changed_at, _) = self.scopes.entry(scope.clone()).or_insert((0, 0));
        self.at = self.at.max(now).max(*changed_at + 1);
        *changed_at = self.at;
        self.at
    }

    fn keep(&mut self) {
        self.past.push((self.at, self.state.clone()));
    }

    pub fn save(
        &mut self,
        scope: &Scope,
        now: i64,
        job: &str,
        page: &[(String, Value)],
        (mode, merging): (Mode, Merging),
    ) -> Counts {
        self.saves += 1;
        let mut counts = Counts::default();
        let mut rows = self.now(scope);
        let before = rows.clone();
        let at = self.turn_if(scope, now);
        let life = self.scopes[scope].1;
        let mut given = Vec::new();
        for (id, content) in page {
            if given.contains(&id) {
                counts.duplicates.push(id.clone());
                continue;
            }
            given.push(id);
            let old = rows.get_mut(id);
            let is_there = old
                .as_ref()
                .is_some_and(|old| old.action != Action::Deleted);
            if !is_there && mode != Mode::Save {
                counts.unknown.push(id.clone());
                continue;
            }
            let Some(old) = old else {
                counts.added += 1;
                let row = Row {
                    content: content.clone(),
                    is_pruned: false,
                    first_seen_at: at,
                    modified_at: at,
                    action: Action::Added,
                    pruned_at: None,
                    life,
                    seen: self.saves,
                    seen_by: job.to_owned(),
                };
                rows.insert(id.clone(), row);
                continue;
            };
            (old.seen, old.seen_by) = (self.saves, job.to_owned());
            if let Merging::IgnoreIfModifiedAfter(time) = merging
                && old.modified_at > time
            {
                counts.unchanged += 1;
                continue;
            }
            let mut new = content.clone();
            if mode == Mode::Update && !old.is_pruned {
                new = old.content.clone();
                merge(&mut new, content.clone());
            }
            if is_there && new == old.content {
                counts.unchanged += 1;
                continue;
            }
            old.action = match is_there {
                true => Action::Updated,
                false => Action::Added,
            };
            match is_there {
                true => counts.updated += 1,
                false => counts.added += 1,
            }
            (old.content, old.is_pruned, old.pruned_at) = (new, false, None);
            old.modified_at = at;
        }
        let changed = counts.added + counts.updated > 0;
        if changed || rows != before {
            self.state.insert(scope.clone(), rows);
        }
        if changed {
            self.turn(scope, now);
            self.keep();
        }
        counts
    }

    /// The time that a change would have.
    fn turn_if(&mut self, scope: &Scope, now: i64) -> i64 {
        let (changed_at, _) = self.scopes.entry(scope.clone()).or_insert((0, 0));
        self.at.max(now).max(*changed_at + 1)
    }

    pub fn delete(&mut self, scope: &Scope, now: i64, wanted: &[String]) -> Counts {
        let mut counts = Counts::default();
        let mut rows = self.now(scope);
        let at = self.turn_if(scope, now);
        for id in wanted {
            match rows.get_mut(id) {
                None => counts.unknown.push(id.clone()),
                Some(row) if row.action == Action::Deleted => counts.unchanged += 1,
                Some(row) => {
                    counts.deleted += 1;
                    (row.action, row.modified_at) = (Action::Deleted, at);
                }
            }
        }
        if counts.deleted > 0 {
            self.state.insert(scope.clone(), rows);
            self.turn(scope, now);
            self.keep();
        }
        counts
    }

    /// `mark` is a number of saves.
    pub fn delete_unseen(&mut self, scope: &Scope, now: i64, by: (u64, &Unseen)) -> Vec<String> {
        let rows = self.now(scope).into_iter();
        let unseen = rows.filter(|(_, row)| {
            let seen = match by {
                (mark, Unseen::Since(_)) => row.seen > mark,
                (_, Unseen::NotBy(job)) => row.seen_by == *job,
            };
            row.action != Action::Deleted && !seen
        });
        let ids: Vec<String> = unseen.map(|(id, _)| id).collect();
        self.delete(scope, now, &ids);
        ids
    }

    /// Prunes the records of these ids.
    pub fn prune(&mut self, scope: &Scope, now: i64, ids: &[String]) {
        if ids.is_empty() {
            return;
        }
        let at = self.turn(scope, now);
        let rows = self.state.entry(scope.clone()).or_default();
        for id in ids {
            let row = rows.get_mut(id).expect("it was listed");
            (row.is_pruned, row.pruned_at) = (true, Some(at));
        }
        self.keep();
    }

    pub fn empty(&mut self, scope: &Scope, now: i64) {
        if self.state.remove(scope).is_some() {
            self.turn(scope, now);
            self.scopes.get_mut(scope).expect("turned").1 += 1;
            self.keep();
        }
    }

    pub fn drop_connection(&mut self, scope: &Scope) {
        let same = |other: &Scope| {
            (&other.project, &other.connection) == (&scope.project, &scope.connection)
        };
        self.state.retain(|other, _| !same(other));
        for (_, state) in &mut self.past {
            state.retain(|other, _| !same(other));
        }
        for (other, (changed_at, life)) in &mut self.scopes {
            if same(other) {
                // Nothing remembers when it was changed.
                *changed_at = 0;
                *life += 1;
            }
        }
    }

    /// The rows as the store should list them.
    pub fn expected(&self, scope: &Scope, rows: &Rows) -> Vec<Record> {
        let record = |(id, row): (&String, &Row)| Record {
            id: id.clone(),
            uuid: self.uuids[&(scope.clone(), row.life, id.clone())],
            payload: (!row.is_pruned).then(|| row.content.to_string().into_bytes()),
            first_seen_at: row.first_seen_at,
            last_modified_at: row.modified_at,
            last_action: row.action,
            deleted_at: (row.action == Action::Deleted).then_some(row.modified_at),
            pruned_at: row.pruned_at,
        };
        let mut records: Vec<_> = rows.iter().map(record).collect();
        records.sort_unstable_by_key(Record::cursor);
        records
    }
}

/// Records that are not deleted.
pub fn live(rows: &Rows) -> u64 {
    let live = rows.values().filter(|row| row.action != Action::Deleted);
    live.count() as u64
}
