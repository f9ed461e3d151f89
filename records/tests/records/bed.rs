//! What the tests need of a backend, and how they speak.

#[path = "../../../journal/tests/journal/server.rs"]
#[expect(dead_code, reason = "the tests of the journal ask more of it")]
pub mod postgresql;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use records::{Clock, Counts, Entry, Merging, Mode, Options, Page, Query, Record, Records, Scope};
use serde_json::{Value, json};

/// Where a store is kept, for the time of one test.
pub enum Bed {
    File(tempfile::TempDir),
    Server(String),
}

impl Bed {
    pub fn sqlite() -> Self {
        Self::File(tempfile::tempdir().expect("a folder"))
    }

    pub fn postgres() -> Self {
        let server = postgresql::shared();
        Self::Server(server.url(&server.create_database()))
    }

    pub fn options(&self) -> Options {
        match self {
            Self::File(_) => Options::sqlite(self.path()),
            Self::Server(url) => Options::postgres(url),
        }
    }

    /// The file, where there is one.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::File(folder) => folder.path().join("records.db"),
            Self::Server(_) => panic!("there is no file"),
        }
    }

    pub async fn open(&self, clock: &Hand) -> Records {
        let mut options = self.options();
        options.clock = clock.clock();
        options.build().await.expect("open")
    }
}

/// A clock that a test sets.
#[derive(Clone, Default)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    pub fn at(millis: i64) -> Self {
        let hand = Self::default();
        hand.set(millis);
        hand
    }

    pub fn set(&self, millis: i64) {
        self.0.store(millis, Ordering::SeqCst);
    }

    pub fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn clock(&self) -> Clock {
        let hand = self.clone();
        Clock::new(move || hand.now())
    }
}

pub fn scope(model: &str) -> Scope {
    Scope {
        project: "p".to_owned(),
        integration: "github".to_owned(),
        connection: "c1".to_owned(),
        model: model.to_owned(),
        variant: "base".to_owned(),
    }
}

/// Entries from pairs of an id and a number, which is their content.
pub fn entries(pairs: &[(&str, i64)]) -> Vec<Entry> {
    let entry = |(id, n): &(&str, i64)| Entry::new(*id, &json!({ "id": id, "n": n }));
    pairs.iter().map(entry).collect()
}

pub async fn save(records: &Records, scope: &Scope, job: &str, page: Vec<Entry>) -> Counts {
    let saved = records.save(scope, job, page, Mode::Save, Merging::Override);
    saved.await.expect("save")
}

/// What a record holds.
pub fn content(record: &Record) -> Option<Value> {
    let payload = record.payload.as_ref()?;
    Some(serde_json::from_slice(payload).expect("JSON"))
}

/// Everything that a query finds, in pages of its limit.
pub async fn walk(records: &Records, scope: &Scope, mut query: Query) -> Vec<Record> {
    let mut found: Vec<Record> = Vec::new();
    loop {
        let Page {
            records: page,
            next_cursor,
        } = records.list(scope, query.clone()).await.expect("list");
        assert!(page.len() <= query.limit);
        let last = page.last().map(Record::cursor);
        found.extend(page);
        let Some(next) = next_cursor else {
            break;
        };
        assert_eq!(last, Some(next), "the next page follows the last record");
        query.cursor = Some(next.to_string().parse().expect("a cursor"));
    }
    assert!(found.is_sorted_by_key(Record::cursor));
    found
}

pub fn limit(limit: usize) -> Query {
    Query {
        limit,
        ..Query::default()
    }
}

pub fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

/// Runs tests on a bed of each backend.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::bed::Bed::sqlite()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::bed::Bed::postgres()).await;
            })*
        }
    };
}
