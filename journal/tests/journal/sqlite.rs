//! The SQLite backend: the common suite, and what is its own.

use std::process::Command;
use std::sync::Arc;

use journal::sqlite::Options;
use journal::{Clock, Error, Journal, Outcome, verify};

use crate::bed::{Bed, append, appended, command, event, everything, numbers};
use crate::suite::suite;

pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn options(&self) -> Options {
        Options::new(self.0.path().join("journal.db"))
    }
}

#[async_trait::async_trait]
impl Bed for Folder {
    async fn open(&self, clock: Clock) -> Arc<dyn Journal> {
        let options = Options {
            clock,
            ..self.options()
        };
        options.build().expect("the journal opens")
    }

    async fn tamper(&self, sql: &str) -> bool {
        let connection = rusqlite::Connection::open(self.options().path).expect("open");
        let changed = connection.execute(sql, []).expect(sql);
        assert_eq!(changed, 1, "{sql}");
        true
    }

    fn bytes(&self, hex: &str) -> String {
        format!("x'{hex}'")
    }
}

suite!(Folder::new());

#[tokio::test]
async fn one_writer_and_readers_beside_it() {
    let folder = Folder::new();
    let journal = folder.options().build().expect("open");
    appended(&journal.append(append("a", 0, &[1])).await.expect("append"));
    let second = folder.options().build();
    assert!(matches!(second, Err(Error::Locked { .. })), "{second:?}");

    let read_only = Options {
        read_only: true,
        ..folder.options()
    };
    let beside = read_only.build().expect("open read-only");
    assert_eq!(beside.head(), 1);
    assert_eq!(numbers(&beside.read_all(0, 9).await.expect("read")), [1]);
    let refused = beside.append(append("a", 1, &[2])).await;
    assert!(matches!(refused, Err(Error::Closed)));
    appended(&journal.append(append("a", 1, &[2])).await.expect("append"));
    // Its head stays, but reading goes on past it.
    assert_eq!(numbers(&beside.read_all(0, 9).await.expect("read")), [1, 2]);
    assert_eq!(verify(&*beside, 0).await.expect("verify").checked, 2);

    drop(journal);
    drop(beside);
    folder.options().build().expect("unlocked");
}

/// A full disk fails what does not fit, and nothing else.
#[tokio::test]
async fn a_failed_commit_leaves_no_trace() {
    let folder = Folder::new();
    let small = Options {
        max_bytes: Some(200 << 10),
        ..folder.options()
    };
    let journal = small.build().expect("open");
    let first = command("c1", 1, append("a", 0, &[1]));
    appended(&journal.append(first).await.expect("append"));

    let mut large = command("c2", 1, append("a", 1, &[]));
    large.events = vec![event(&format!("\"{}\"", "x".repeat(300 << 10)))];
    // In one batch with it, or in the next: it must not count as written.
    let (large, small) = tokio::join!(
        journal.append(large),
        journal.append(command("c3", 1, append("a", 1, &[2]))),
    );
    assert!(matches!(large, Err(Error::Unavailable(_))), "{large:?}");
    let expected = match small {
        Ok(outcome) => appended(&outcome).sequence,
        Err(Error::Unavailable(_)) => 1,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(journal.outcome("c2").await.expect("outcome"), None);
    assert_eq!(journal.head(), expected);

    let outcome = journal.append(append("a", expected, &[3])).await;
    let next = appended(&outcome.expect("it goes on"));
    assert_eq!((next.first, next.sequence), (expected + 1, expected + 1));
    assert_eq!(everything(&*journal).await.len() as u64, expected + 1);
}

/// Someone else writes behind the writer's back: the unique positions keep the
/// log whole, and the writer finds its place again.
#[tokio::test]
async fn a_foreign_row_is_not_overwritten() {
    let folder = Folder::new();
    let journal = folder.options().build().expect("open");
    appended(&journal.append(append("a", 0, &[1])).await.expect("append"));
    let copy = "INSERT INTO events SELECT 2, aggregate_type, aggregate_id, 2, event_type,
        event_version, payload, metadata, recorded_at, event_id, command_id, actor,
        correlation_id, causation_id, request_id, project, previous_hash, hash FROM events";
    assert!(folder.tamper(copy).await);
    let outcome = journal.append(append("a", 1, &[2])).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    let outcome = journal.append(append("a", 1, &[2])).await.expect("append");
    assert!(matches!(outcome, Outcome::Conflict(_)), "{outcome:?}");
    let outcome = journal.append(append("a", 2, &[3])).await.expect("append");
    assert_eq!(appended(&outcome).first, 3);
    let report = verify(&*journal, 0).await.expect("verify");
    assert_eq!(report.broken.expect("found").position, 2);
}

#[tokio::test]
async fn snapshots_may_be_deleted_or_damaged() {
    let folder = Folder::new();
    let file = folder.0.path().join("journal.db.snapshots");
    let stream = crate::bed::stream("a");
    for damage in [true, false] {
        let journal = folder.options().build().expect("open");
        let _ = journal.append(append("a", 0, &[1])).await.expect("append");
        let found = journal.load_snapshot(&stream, 1).await.expect("load");
        assert_eq!(found, None);
        let saved = journal.save_snapshot(&stream, 1, 1, b"state".to_vec());
        saved.await.expect("save");
        let found = journal.load_snapshot(&stream, 1).await.expect("load");
        assert_eq!(found, Some((1, b"state".to_vec())));
        journal.close().await;
        drop(journal);
        if damage {
            std::fs::write(&file, vec![7; 8192]).expect("damage");
        } else {
            std::fs::remove_file(&file).expect("remove");
        }
    }
    folder.options().build().expect("opens without it");
}

/// Dies at each failpoint in a process of its own; what was acknowledged is
/// there afterwards, and the same command finds out what became of it.
#[tokio::test]
async fn a_crash_around_the_commit() {
    for (place, survives) in [("journal.before_commit", 1), ("journal.after_commit", 2)] {
        let folder = Folder::new();
        let died = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "sqlite::crashes", "--ignored", "--nocapture"])
            .env("STRATA_FAILPOINT", format!("{place}@2"))
            .env("CRASH_FOLDER", folder.0.path())
            .output()
            .expect("run");
        assert!(!died.status.success(), "it should have died");
        let said = String::from_utf8_lossy(&died.stderr);
        assert!(said.contains(place), "{said}");

        let journal = folder.options().build().expect("the lock went with it");
        assert_eq!(everything(&*journal).await.len(), survives, "{place}");
        let again = command("c2", 1, append("a", 1, &[2]));
        let outcome = journal.append(again).await.expect("append");
        assert_eq!(matches!(outcome, Outcome::Duplicate(_)), survives == 2);
        assert_eq!(numbers(&everything(&*journal).await), [1, 2]);
    }
}

#[tokio::test]
#[ignore = "the part of a_crash_around_the_commit that dies"]
async fn crashes() {
    let Some(folder) = std::env::var_os("CRASH_FOLDER") else {
        return;
    };
    let path = std::path::Path::new(&folder).join("journal.db");
    let journal = Options::new(path).build().expect("open");
    for n in 1..=2 {
        let request = command(&format!("c{n}"), 1, append("a", n - 1, &[n]));
        appended(&journal.append(request).await.expect("append"));
    }
    unreachable!("the second append dies");
}
