//! The PostgreSQL backend: the common suite, and programs beside us.

use std::sync::Arc;
use std::time::Duration;

use journal::postgres::{Options, Postgres};
use journal::{Clock, Conflict, Error, Event, Journal, Outcome, StreamId, verify};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::bed::{Bed, append, appended, command, event, everything, numbers, shown, stream};
use crate::server::{self, Server};
use crate::suite::suite;

/// One database on the shared server.
pub struct Database {
    pub name: String,
    pub url: String,
}

impl Database {
    pub fn new() -> Self {
        let server: &Server = server::shared();
        let name = server.create_database();
        let url = server.url(&name);
        Self { name, url }
    }

    pub fn options(&self) -> Options {
        Options::new(&self.url)
    }

    pub async fn node(&self) -> Arc<Postgres> {
        self.options().build().await.expect("the journal opens")
    }

    /// A connection of another program.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("connect")
    }
}

#[async_trait::async_trait]
impl Bed for Database {
    async fn open(&self, clock: Clock) -> Arc<dyn Journal> {
        let options = Options {
            clock,
            ..self.options()
        };
        options.build().await.expect("the journal opens")
    }

    async fn tamper(&self, sql: &str) -> bool {
        let sql = AssertSqlSafe(sql.to_owned());
        let done = sqlx::raw_sql(sql).execute(&mut self.connect().await).await;
        match done {
            Ok(done) => {
                assert_eq!(done.rows_affected(), 1);
                true
            }
            // Not JSON.
            Err(error) => {
                let code = error.as_database_error().and_then(|error| error.code());
                assert_eq!(code.as_deref(), Some("22P02"), "{error}");
                false
            }
        }
    }

    fn bytes(&self, hex: &str) -> String {
        format!("'\\x{hex}'")
    }
}

suite!(Database::new());

/// As postgres-es 0.5 does it.
pub async fn insert(connection: &mut PgConnection, key: &str, sequence: i64, payload: &str) {
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version,
             payload, metadata) VALUES ($1, $2, $3, $4, $5, $6::text::json, $7::text::json)",
    )
    .bind("counter")
    .bind(key)
    .bind(sequence)
    .bind("Counted")
    .bind("1.0")
    .bind(payload)
    .bind("{ \"actor\": \"them\\u0000\", \"tenant\": 1 }")
    .execute(connection)
    .await
    .expect("insert");
}

const LONG: Duration = Duration::from_secs(60);

/// Waits for a head.
async fn reaches(journal: &dyn Journal, head: u64) {
    let found = journal.wait_beyond(head - 1, LONG).await;
    assert_eq!(found, head);
}

/// Reads everything up to `head` as it comes.
pub async fn follow(journal: Arc<dyn Journal>, head: u64) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    while (events.len() as u64) < head {
        let after = events.len() as u64;
        assert!(journal.wait_beyond(after, LONG).await > after);
        let page = journal.read_all(after, 10).await.expect("read");
        assert!(!page.is_empty());
        events.extend(page);
    }
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_transaction_that_commits_late() {
    let database = Database::new();
    let journal = database.node().await;
    let reader = tokio::spawn(follow(journal.clone(), 204));
    let mut foreign = database.connect().await;
    let mut transaction = foreign.begin().await.expect("begin");
    insert(&mut transaction, "theirs", 1, " 1000").await;
    for n in 0..100 {
        appended(&journal.append(append("a", n, &[n])).await.expect("append"));
    }
    insert(&mut transaction, "theirs", 2, "1001").await;
    for n in 100..200 {
        appended(&journal.append(append("a", n, &[n])).await.expect("append"));
    }
    assert_eq!(journal.head(), 200);
    transaction.commit().await.expect("commit");
    reaches(&*journal, 202).await;

    // Their stream goes on, from both sides.
    let stale = journal.append(append("theirs", 1, &[9])).await;
    let conflict = Conflict {
        expected: 1,
        actual: 2,
    };
    assert_eq!(stale.expect("append"), Outcome::Conflict(conflict));
    let ours = journal.append(append("theirs", 2, &[1002])).await;
    assert_eq!(appended(&ours.expect("append")).sequence, 3);
    insert(&mut foreign, "theirs", 4, "1003").await;
    // Before it is adopted: who expects the state before it is told.
    let stale = journal.append(append("theirs", 3, &[9])).await;
    let conflict = Conflict {
        expected: 3,
        actual: 4,
    };
    assert_eq!(stale.expect("append"), Outcome::Conflict(conflict));
    assert_eq!(journal.head(), 204);

    // A reader that followed saw each event once.
    let seen = reader.await.expect("reader");
    let stored = everything(&*journal).await;
    assert_eq!(shown(&seen), shown(&stored));
    let expected: Vec<u64> = (0..200).chain(1000..1004).collect();
    assert_eq!(numbers(&seen), expected);
    let theirs = &seen[200];
    assert_eq!(theirs.stream, stream("theirs"));
    assert_eq!(theirs.metadata.actor, "them");
    let extra = "{ \"actor\": \"them\\u0000\", \"tenant\": 1 }";
    assert_eq!(theirs.metadata.extra, extra);

    // They read ours as if they were theirs.
    let rows = sqlx::query(
        "SELECT sequence, payload::text, metadata::text FROM events
         WHERE aggregate_type = 'counter' AND aggregate_id = 'theirs' ORDER BY sequence",
    );
    let rows = rows.fetch_all(&mut foreign).await.expect("select");
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[2].get::<&str, _>(1), "1002");
    assert_eq!(rows[2].get::<&str, _>(2), "{}");
}

/// What does not continue its stream waits until it does.
#[tokio::test]
async fn foreign_events_in_the_wrong_order() {
    let database = Database::new();
    let journal = database.node().await;
    let mut foreign = database.connect().await;
    insert(&mut foreign, "a", 3, "3").await;
    insert(&mut foreign, "a", 4, "4").await;
    insert(&mut foreign, "a", 0, "0").await;
    insert(&mut foreign, "b", 1, "10").await;
    reaches(&*journal, 1).await;
    appended(&journal.append(append("a", 0, &[1])).await.expect("append"));
    insert(&mut foreign, "a", 2, "2").await;
    reaches(&*journal, 5).await;
    assert_eq!(numbers(&everything(&*journal).await), [10, 1, 2, 3, 4]);
    // Many at once, and others of ours meanwhile.
    let many = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type,
            event_version, payload, metadata)
        SELECT 'counter', 'many', n, 'Counted', '1', '0', '{}' FROM generate_series(1, 2500) n";
    let insert = sqlx::raw_sql(many).execute(&mut foreign);
    let ours = async {
        for n in 0..100 {
            appended(&journal.append(append("c", n, &[n])).await.expect("append"));
        }
    };
    let (inserted, ()) = tokio::join!(insert, ours);
    assert_eq!(inserted.expect("insert").rows_affected(), 2500);
    reaches_at_least(&*journal, 2605).await;
    assert_eq!(everything(&*journal).await.len(), 2605);
}

async fn reaches_at_least(journal: &dyn Journal, head: u64) {
    assert!(journal.wait_beyond(head - 1, LONG).await >= head);
}

/// A database that postgres-es made becomes a journal as it is.
#[tokio::test]
async fn an_existing_database_is_taken_over() {
    let database = Database::new();
    let mut foreign = database.connect().await;
    let theirs = "CREATE TABLE events (
            aggregate_type text NOT NULL, aggregate_id text NOT NULL,
            sequence bigint CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL,
            event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL,
            PRIMARY KEY (aggregate_type, aggregate_id, sequence));
        CREATE TABLE snapshots (
            aggregate_type text NOT NULL, aggregate_id text NOT NULL, last_sequence bigint,
            current_snapshot bigint, payload json NOT NULL,
            PRIMARY KEY (aggregate_type, aggregate_id, last_sequence))";
    sqlx::raw_sql(theirs)
        .execute(&mut foreign)
        .await
        .expect("create");
    for n in 1..=3 {
        insert(&mut foreign, "a", n, &n.to_string()).await;
        insert(&mut foreign, "b", n, &(10 * n).to_string()).await;
    }
    // Several nodes start at once.
    let nodes = futures::future::join_all((0..4).map(|_| database.node())).await;
    for node in &nodes {
        reaches(&**node, 6).await;
        let events = everything(&**node).await;
        assert_eq!(numbers(&events), [1, 10, 2, 20, 3, 30]);
    }
    journal::postgres::migrate(&database.url)
        .await
        .expect("nothing to do");
}

/// A full disk, as the server tells of it, fails the batch and nothing else.
#[tokio::test]
async fn a_failed_commit_leaves_no_trace() {
    let database = Database::new();
    let journal = database.node().await;
    appended(&journal.append(append("a", 0, &[1])).await.expect("append"));
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON events FOR EACH ROW
            WHEN (NEW.aggregate_id <> 'small') EXECUTE FUNCTION full_disk()";
    let mut operator = database.connect().await;
    sqlx::raw_sql(full)
        .execute(&mut operator)
        .await
        .expect("trigger");
    let lost = journal.append(command("c1", 1, append("a", 1, &[2]))).await;
    let Err(Error::Unavailable(reason)) = &lost else {
        panic!("{lost:?}");
    };
    assert!(reason.contains("No space left"), "{reason}");
    let small = journal.append(append("small", 0, &[2])).await;
    assert_eq!(appended(&small.expect("append")).first, 2);
    assert_eq!(journal.outcome("c1").await.expect("outcome"), None);
    sqlx::raw_sql("DROP TRIGGER full_disk ON events")
        .execute(&mut operator)
        .await
        .expect("drop");
    let again = journal.append(command("c1", 1, append("a", 1, &[3]))).await;
    assert_eq!(appended(&again.expect("append")).first, 3);
    assert_eq!(numbers(&everything(&*journal).await), [1, 2, 3]);
}

/// Values that the database does not take fail alone.
#[tokio::test]
async fn what_cannot_be_stored_does_not_disturb_others() {
    let database = Database::new();
    let journal = database.node().await;
    let mut deep = append("deep", 0, &[]);
    deep.events = vec![event(&format!(
        "{}{}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    ))];
    let mut requests = vec![append("nul\0", 0, &[1]), deep];
    requests.extend((0..20).map(|n| append(&n.to_string(), 0, &[n])));
    let requests = requests.into_iter().map(|request| journal.append(request));
    let outcomes = futures::future::join_all(requests).await;
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Err(Error::Unstorable(_)) => assert!(index < 2),
            other => {
                assert!(index >= 2, "{other:?}");
                appended(&other.expect("append"));
            }
        }
    }
    assert_eq!(everything(&*journal).await.len(), 20);
}

/// A foreign transaction that stays open on one stream holds up that stream.
#[tokio::test]
async fn a_blocked_stream_does_not_block_others_for_ever() {
    let database = Database::new();
    let patient = Options {
        patience: Duration::from_millis(800),
        ..database.options()
    };
    let journal = patient.build().await.expect("open");
    let mut foreign = database.connect().await;
    let mut transaction = foreign.begin().await.expect("begin");
    insert(&mut transaction, "a", 1, "1").await;
    let (blocked, free) = tokio::join!(
        journal.append(append("a", 0, &[1])),
        journal.append(append("b", 0, &[2])),
    );
    assert!(matches!(blocked, Err(Error::Unavailable(_))), "{blocked:?}");
    appended(&free.expect("append"));
    transaction.rollback().await.expect("rollback");
    appended(&journal.append(append("a", 0, &[3])).await.expect("append"));
    assert_eq!(numbers(&everything(&*journal).await), [2, 3]);
}

/// The journal is used from another runtime than the one it was opened on.
#[test]
fn other_runtimes_may_use_it() {
    let database = Database::new();
    let home = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("runtime");
    let journal = home.block_on(database.node());
    for n in 0..3 {
        let away = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("runtime");
        away.block_on(async {
            appended(&journal.append(append("a", n, &[n])).await.expect("append"));
            let read = journal.read_stream(&stream("a"), 0, 9).await.expect("read");
            assert_eq!(read.len() as u64, n + 1);
        });
    }
    home.block_on(async {
        everything(&*journal).await;
        journal.close().await;
    });
}

/// The end of the log is cut off: the head says so.
#[tokio::test]
async fn a_missing_end_is_found() {
    let database = Database::new();
    let journal = database.node().await;
    appended(
        &journal
            .append(append("a", 0, &[1, 2, 3]))
            .await
            .expect("append"),
    );
    journal.close().await;
    assert!(
        database
            .tamper("DELETE FROM events WHERE position = 3")
            .await
    );
    let journal = database.node().await;
    let report = verify(&*journal, 0).await.expect("verify");
    assert_eq!(report.broken.expect("found").position, 3);
    let id = StreamId::new("counter", "a");
    assert_eq!(journal.read_stream(&id, 0, 9).await.expect("read").len(), 2);
}
