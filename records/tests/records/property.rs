//! Whatever is done, the store is at every time what the fold in memory was.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use records::{Action, Entry, Merging, Mode, Model, Query, Record, Records, Scope, Unseen};
use serde_json::{Value, json};

use crate::bed::{Bed, Hand, walk};
use crate::naive::{World, live};

/// Ids, contents and scopes are few, so that they meet.
#[derive(Clone, Debug)]
enum Step {
    Save(usize, Vec<(u8, u8)>, Mode, Option<u8>),
    Delete(usize, Vec<u8>),
    Mark,
    DeleteUnseen(usize, Option<usize>),
    Prune(usize, usize, usize),
    Empty(usize),
    Drop(usize),
    Clock(i64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let mode = prop_oneof![
        4 => Just(Mode::Save),
        2 => Just(Mode::Update),
        1 => Just(Mode::Replace)
    ];
    let page = vec((0..7u8, 0..8u8), 0..6);
    let late = prop_oneof![3 => Just(None), 1 => (0..40u8).prop_map(Some)];
    prop_oneof![
        12 => (0..3usize, page, mode, late).prop_map(|(s, p, m, l)| Step::Save(s, p, m, l)),
        3 => (0..3usize, vec(0..7u8, 0..3)).prop_map(|(s, ids)| Step::Delete(s, ids)),
        2 => Just(Step::Mark),
        2 => (0..3usize, proptest::option::of(0..9usize)).prop_map(|(s, m)| Step::DeleteUnseen(s, m)),
        2 => (0..3usize, 0..7usize, 1..5usize).prop_map(|(s, at, n)| Step::Prune(s, at, n)),
        1 => (0..3usize).prop_map(Step::Empty),
        1 => (0..3usize).prop_map(Step::Drop),
        4 => (-3..8i64).prop_map(Step::Clock),
        1 => Just(Step::Reopen),
    ]
}

/// Two of one connection, and one beside it.
fn scopes() -> [Scope; 3] {
    let mut scopes = [("A", "c1"), ("B", "c1"), ("A", "c2")].map(|(model, connection)| Scope {
        connection: connection.to_owned(),
        ..crate::bed::scope(model)
    });
    scopes[1].variant = "v".to_owned();
    scopes
}

fn content(id: u8, n: u8) -> Value {
    match n {
        0 => json!({ "id": id }),
        1 => json!({ "n": [1, 2], "o": { "x": 1 } }),
        2 => json!({ "n": [3] }),
        3 => json!({ "o": { "y": null } }),
        4 => json!({ "o": { "x": 2, "y": { "z": "ü" } } }),
        other => json!({ "o": other }),
    }
}

struct Run {
    bed: Bed,
    clock: Hand,
    records: Records,
    world: World,
    /// Marks of the store and of the world.
    marks: Vec<(i64, u64)>,
    scopes: [Scope; 3],
    job: u32,
}

impl Run {
    async fn new(bed: Bed) -> Self {
        let clock = Hand::at(10);
        Self {
            records: bed.open(&clock).await,
            bed,
            clock,
            world: World::default(),
            marks: vec![(0, 0)],
            scopes: scopes(),
            job: 0,
        }
    }

    async fn take(&mut self, step: &Step) {
        let now = self.clock.now();
        match step {
            Step::Save(index, page, mode, late) => {
                let scope = &self.scopes[*index];
                self.job += 1;
                let job = format!("j{}", self.job / 3);
                let page: Vec<(String, Value)> = page
                    .iter()
                    .map(|(id, n)| (format!("r{id}"), content(*id, *n)))
                    .collect();
                let merging = late.map_or(Merging::Override, |time| {
                    Merging::IgnoreIfModifiedAfter(time.into())
                });
                let how = (*mode, merging);
                let expected = self.world.save(scope, now, &job, &page, how);
                let entry = |(id, content): &(String, Value)| Entry::new(id.clone(), content);
                let entries = page.iter().map(entry).collect();
                let saved = self.records.save(scope, &job, entries, *mode, merging);
                assert_eq!(saved.await.unwrap(), expected);
                self.learn(*index).await;
            }
            Step::Delete(scope, ids) => {
                let mut ids: Vec<_> = ids.iter().map(|id| format!("r{id}")).collect();
                ids.sort_unstable();
                ids.dedup();
                let scope = &self.scopes[*scope];
                let expected = self.world.delete(scope, now, &ids);
                let deleted = self.records.delete(scope, "d", ids).await.unwrap();
                assert_eq!(deleted, expected);
            }
            Step::Mark => {
                let mark = self.records.mark().await.unwrap();
                self.marks.push((mark, self.world.saves));
            }
            Step::DeleteUnseen(scope, mark) => {
                let scope = &self.scopes[*scope];
                let (unseen, saves) = match mark {
                    Some(mark) => {
                        let (mark, saves) = self.marks[mark % self.marks.len()];
                        (Unseen::Since(mark), saves)
                    }
                    None => (Unseen::NotBy(format!("j{}", self.job / 3)), 0),
                };
                let expected = self.world.delete_unseen(scope, now, (saves, &unseen));
                let deleted = self.records.delete_unseen(scope, &unseen, "d");
                let mut deleted = deleted.await.unwrap();
                deleted.sort_unstable();
                assert_eq!(deleted, expected);
            }
            Step::Prune(scope, until, limit) => {
                let scope = &self.scopes[*scope];
                let rows = self.world.expected(scope, &self.world.now(scope));
                let Some(last) = rows.get(*until) else {
                    return;
                };
                let whole = rows[..=*until].iter();
                let whole = whole.filter(|record| record.pruned_at.is_none());
                let mut ids: Vec<_> = whole.map(|record| record.id.clone()).collect();
                let more = ids.len() > *limit;
                ids.truncate(*limit);
                let pruned = self.records.prune(scope, last.cursor(), *limit);
                assert_eq!(pruned.await.unwrap(), (ids.len() as u64, more));
                self.world.prune(scope, now, &ids);
            }
            Step::Empty(scope) => {
                let scope = &self.scopes[*scope];
                let expected = live(&self.world.now(scope));
                self.world.empty(scope, now);
                assert_eq!(self.records.empty(scope).await.unwrap(), expected);
            }
            Step::Drop(scope) => {
                let scope = &self.scopes[*scope];
                self.world.drop_connection(scope);
                let dropped = self
                    .records
                    .drop_connection("p", "github", &scope.connection);
                dropped.await.unwrap();
            }
            Step::Clock(by) => self.clock.set(now + by),
            Step::Reopen => {
                self.records.close().await;
                self.records = self.bed.open(&self.clock).await;
            }
        }
    }

    /// Takes over what only the store knows: the uuids of new records.
    async fn learn(&mut self, scope: usize) {
        let scope = &self.scopes[scope];
        let rows = self.world.now(scope);
        let ids = rows.keys().cloned().collect();
        let found = self.records.get(scope, ids).await.unwrap();
        assert_eq!(found.len(), rows.len());
        for record in found {
            let key = (scope.clone(), rows[&record.id].life, record.id);
            let known = self.world.uuids.entry(key).or_insert(record.uuid);
            assert_eq!(*known, record.uuid, "a uuid is for life");
        }
    }

    /// Holds the store to the world, at every time.
    async fn check(&self) {
        let times = self.world.times();
        let around = times.iter().flat_map(|at| [at - 1, *at, at + 1]);
        let mut times: Vec<Option<i64>> = around.map(Some).collect();
        times.sort_unstable();
        times.dedup();
        times.push(None);
        for (index, as_of) in times.into_iter().enumerate() {
            for scope in &self.scopes {
                self.check_scope(scope, as_of, index).await;
            }
        }
        for connection in ["c1", "c2"] {
            let own = self.world.state.iter();
            let own = own.filter(|(scope, _)| scope.connection == connection);
            let model = |(scope, rows): (&Scope, _)| Model {
                model: scope.model.clone(),
                variant: scope.variant.clone(),
                count: live(rows),
            };
            let expected: Vec<_> = own.map(model).collect();
            let models = self.records.models("p", "github", connection);
            assert_eq!(models.await.unwrap(), expected);
        }
    }

    async fn check_scope(&self, scope: &Scope, as_of: Option<i64>, index: usize) {
        let rows = match as_of {
            Some(at) => self.world.then(scope, at),
            None => self.world.now(scope),
        };
        let expected = self.world.expected(scope, &rows);
        let count = self.records.count(scope, as_of).await.unwrap();
        assert_eq!(count, live(&rows), "as of {as_of:?}");
        let query = Query {
            as_of,
            limit: 1 + index % (expected.len() + 1),
            ..Query::default()
        };
        same(
            &walk(&self.records, scope, query.clone()).await,
            &expected,
            &query,
        );
        let narrowed = Query {
            filter: [
                vec![Action::Added],
                vec![Action::Updated, Action::Deleted],
                vec![Action::Deleted],
            ][index % 3]
                .clone(),
            modified_after: index.is_multiple_of(2).then(|| as_of.unwrap_or(20) / 2),
            ids: index
                .is_multiple_of(5)
                .then(|| ["r1", "r3", "r5"].map(str::to_owned).to_vec()),
            ..query
        };
        let wanted = |record: &Record| {
            narrowed.filter.contains(&record.last_action)
                && narrowed
                    .modified_after
                    .is_none_or(|time| record.last_modified_at > time)
                && narrowed
                    .ids
                    .as_ref()
                    .is_none_or(|ids| ids.contains(&record.id))
        };
        let expected: Vec<_> = expected.into_iter().filter(wanted).collect();
        same(
            &walk(&self.records, scope, narrowed.clone()).await,
            &expected,
            &narrowed,
        );
    }
}

/// Payloads are compared by what they mean: a merge may order members anew.
fn same(found: &[Record], expected: &[Record], query: &Query) {
    let meant = |records: &[Record]| -> Vec<(Record, Option<Value>)> {
        let mut records = records.to_vec();
        let mut meant = Vec::new();
        for record in &mut records {
            let content = crate::bed::content(record);
            record.payload = None;
            meant.push((record.clone(), content));
        }
        meant
    };
    assert_eq!(meant(found), meant(expected), "{query:?}");
}

fn property(cases: u32, bed: impl Fn() -> Bed) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("runtime");
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let done = runner.run(&vec(step(), 1..40), |steps| {
        runtime.block_on(async {
            let mut run = Run::new(bed()).await;
            for step in &steps {
                run.take(step).await;
            }
            run.check().await;
            run.records.close().await;
        });
        Ok(())
    });
    if let Err(error) = done {
        panic!("{error}");
    }
}

#[test]
fn sqlite_equals_a_fold_in_memory() {
    property(96, Bed::sqlite);
}

#[test]
fn postgres_equals_a_fold_in_memory() {
    property(16, Bed::postgres);
}
