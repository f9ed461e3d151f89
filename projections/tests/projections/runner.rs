//! What goes wrong, and what goes on all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aggregates::Dialect;
use aggregates::event::Event;
use aggregates::function::Event as F;
use journal::Journal as _;
use projections::query::List;
use projections::{AuditFilter, Error, Location, Options, ReadModels};

use crate::history::{History, plan, settings};
use crate::home::{Home, on_both};
use crate::journal::Memory;
use crate::lists::{Dice, page};
use crate::naive::World;
use crate::property::{check_all, runtime};

on_both!(
    an_event_that_cannot_be_applied_stops_its_projections_and_no_other,
    a_projection_of_another_version_is_made_again,
    a_rebuild_goes_on_beside_reads_and_new_events,
    lists_of_many,
    children_that_come_late_belong_to_nobody,
);

const EVERY: Duration = Duration::from_secs(20);

pub fn created(number: u8) -> Event {
    Event::Function(F::FunctionCreated {
        origin: Dialect::Appwrite,
        settings: settings(number, number),
    })
}

pub fn everything() -> List {
    List {
        limit: 1000,
        count_up_to: Some(100_000),
        ..List::default()
    }
}

pub async fn count(reads: &ReadModels) -> u32 {
    let page = reads.view(None).functions("alpha", &everything()).await;
    page.unwrap().total
}

/// A history that is long enough for most things to happen.
fn long(journal: &Arc<Memory>, seed: u64) -> History {
    let mut history = History::new();
    more(&mut history, journal, seed);
    history
}

fn more(history: &mut History, journal: &Arc<Memory>, seed: u64) {
    let mut dice = Dice::new(seed);
    for _ in 0..600 {
        let mut byte = || dice.roll(256) as u8;
        history.step(journal, (byte(), byte(), byte(), byte()));
    }
}

fn an_event_that_cannot_be_applied_stops_its_projections_and_no_other(home: &Home) {
    runtime().block_on(async {
        let journal = Memory::new();
        journal.push("function", "alpha:a", 1, &created(1));
        journal.push("function", "alpha:b", 2, &created(2));
        // A deployment of a later release.
        let poison = journal.push_raw("deployment", "alpha:d", 3, "DeploymentCreated", "9", "{}");
        journal.push("function", "alpha:c", 4, &created(3));
        let options = home.options(journal.clone());
        for _ in 0..2 {
            let reads = options.clone().build().unwrap();
            assert!(reads.wait_for(4, EVERY).await);
            for status in reads.status() {
                if status.name == "functions" {
                    let reason = status.parked.expect("it is parked");
                    assert!(reason.contains("event 3 (DeploymentCreated)"), "{reason}");
                    assert!(reason.contains("version 9"), "{reason}");
                    assert_eq!((status.checkpoint, status.lag), (2, 2));
                } else {
                    assert_eq!(status.parked, None, "{}", status.name);
                    assert_eq!((status.checkpoint, status.lag), (4, 0));
                }
            }
            assert_eq!(count(&reads).await, 2, "what is before it can be read");
            let past = reads.view(Some(poison)).function("alpha", "a").await;
            assert!(
                matches!(
                    past,
                    Err(Error::Behind {
                        position: 3,
                        checkpoint: 2,
                        ..
                    })
                ),
                "{past:?}"
            );
            let audit = AuditFilter {
                limit: 10,
                ..AuditFilter::default()
            };
            assert_eq!(reads.view(Some(4)).audit(&audit).await.unwrap().len(), 4);
            let rebuilt = reads.rebuild("functions").await.unwrap_err().to_string();
            assert!(rebuilt.contains("event 3"), "{rebuilt}");
            assert_eq!(count(&reads).await, 2, "a failed rebuild changes nothing");
            assert!(matches!(
                reads.rebuild("nothing").await,
                Err(Error::UnknownProjection(_))
            ));
            reads.close().await;
            assert!(matches!(
                reads.view(None).function("alpha", "a").await,
                Err(Error::Closed)
            ));
        }
    });
}

#[test]
fn a_file_that_is_deleted_or_doubtful_is_made_again() {
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reads.db");
        let journal = Memory::new();
        let history = long(&journal, 7);
        let options = Options::new(journal.clone(), &path);
        let tamper = |sql: &str| {
            let connection = rusqlite::Connection::open(&path).unwrap();
            connection.execute_batch(sql).unwrap();
        };
        let lose = "DELETE FROM functions_1; DELETE FROM executions_versions_1;";
        let doubts: [&dyn Fn(); 6] = [
            &|| {},
            &|| std::fs::remove_file(&path).unwrap(),
            // The machine stopped.
            &|| {
                tamper(&format!(
                    "{lose} UPDATE runner SET closed = 0, boot = 'another'"
                ))
            },
            &|| tamper(&format!("{lose} UPDATE runner SET format = 0")),
            // It has seen more than there is, and something else.
            &|| {
                tamper(&format!(
                    "{lose} UPDATE projections SET checkpoint = 100000 WHERE name = 'audit'"
                ))
            },
            &|| std::fs::write(&path, b"this is no database, and was never one").unwrap(),
        ];
        for (number, doubt) in doubts.iter().enumerate() {
            doubt();
            let reads = options.clone().build().unwrap();
            check_all(&reads, &history, &journal, number as u64).await;
            reads.close().await;
        }
        // A journal that has the same length and other events.
        let other = Memory::new();
        let mut theirs = History::new();
        let mut seed = 1000;
        while theirs.worlds.len() < history.worlds.len() {
            more(&mut theirs, &other, seed);
            seed += 1;
        }
        let reads = Options::new(other.clone(), &path).build().unwrap();
        check_all(&reads, &theirs, &other, 8).await;
        reads.close().await;
    });
}

fn a_projection_of_another_version_is_made_again(home: &Home) {
    runtime().block_on(async {
        let journal = Memory::new();
        let history = long(&journal, 9);
        let options = home.options(journal.clone());
        let reads = options.clone().build().unwrap();
        check_all(&reads, &history, &journal, 1).await;
        reads.close().await;
        let old = || home.tables("functions_1") + home.tables("executions_1");
        assert_ne!(old(), 0);
        home.tamper(
            "UPDATE projections SET version = 0 WHERE name = 'functions';
             UPDATE projections SET ready = 0 WHERE name = 'executions';
             DROP TABLE functions_1;
             DROP TABLE syncs_1;",
        );
        let reads = options.build().unwrap();
        check_all(&reads, &history, &journal, 2).await;
        reads.close().await;
        assert_eq!(old(), 0, "tables of the old generation are dropped");
        let left = home.tables("connections_1") + home.tables("dryruns_1");
        assert_eq!(left, 0, "also of one that lacked a table");
    });
}

fn a_rebuild_goes_on_beside_reads_and_new_events(home: &Home) {
    runtime().block_on(async {
        let journal = Memory::new();
        for number in 0..20_000_u32 {
            journal.push(
                "function",
                &format!("alpha:f{number}"),
                1,
                &created(number as u8),
            );
        }
        let reads = home.options(journal.clone()).build().unwrap();
        assert!(reads.wait_for(20_000, EVERY).await);
        let stop = Arc::new(AtomicBool::new(false));
        let writing = {
            let (journal, stop) = (journal.clone(), stop.clone());
            std::thread::spawn(move || {
                let mut number = 20_000;
                while !stop.load(Ordering::Relaxed) {
                    journal.push("function", &format!("alpha:f{number}"), 2, &created(3));
                    number += 1;
                    std::thread::sleep(Duration::from_millis(1));
                }
                number
            })
        };
        let reading = {
            let (reads, stop) = (reads.clone(), stop.clone());
            tokio::spawn(async move {
                let mut last = 20_000;
                while !stop.load(Ordering::Relaxed) {
                    let now = count(&reads).await;
                    assert!(now >= last, "{now} after {last}");
                    last = now;
                    let then = reads.view(Some(15_000));
                    let some = then.functions("alpha", &everything()).await.unwrap();
                    assert_eq!(some.total, 15_000);
                }
            })
        };
        let (one, same, all) = tokio::join!(
            reads.rebuild("functions"),
            reads.rebuild("functions"),
            async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                reads.rebuild("audit").await
            }
        );
        one.unwrap();
        assert!(matches!(same, Err(Error::Rebuilding(_))), "{same:?}");
        all.unwrap();
        reads.rebuild("all").await.unwrap();
        stop.store(true, Ordering::Relaxed);
        reading.await.unwrap();
        let number = writing.join().unwrap();
        assert!(reads.wait_for(journal.head(), EVERY).await);
        assert_eq!(count(&reads).await, number);
        assert!(reads.status().iter().all(|status| status.rebuild.is_none()));
    });
}

#[test]
fn a_second_runner_fences_the_first() {
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let journal = Memory::new();
        journal.push("function", "alpha:a", 1, &created(1));
        let options = Options::new(journal.clone(), folder.path().join("reads.db"));
        let first = options.clone().build().unwrap();
        assert!(first.wait_for(1, EVERY).await);
        let second = options.build().unwrap();
        journal.push("function", "alpha:b", 1, &created(2));
        assert!(second.wait_for(2, EVERY).await);
        assert!(!first.wait_for(2, EVERY).await);
        let reason = first.status()[0].parked.clone().unwrap();
        assert!(reason.contains("taken over"), "{reason}");
        assert_eq!(count(&second).await, 2);
        first.close().await;
        journal.push("function", "alpha:c", 1, &created(3));
        assert!(second.wait_for(3, EVERY).await);
        second.close().await;
    });
}

/// Enough functions that a search finds more than is looked up by words.
fn lists_of_many(home: &Home) {
    runtime().block_on(async {
        let journal = Memory::new();
        let mut worlds = vec![World::default()];
        let mut dice = Dice::new(11);
        for number in 0..2000 {
            let id = if number < 900 { number } else { dice.roll(900) };
            let key = format!("alpha:f{id}");
            let gone = number > 900 && dice.roll(8) == 0;
            let world = worlds.last().unwrap();
            let exists = world
                .functions
                .contains_key(&("alpha".to_owned(), format!("f{id}")));
            let event = match (exists, gone) {
                (false, _) => created(dice.roll(256) as u8),
                (true, true) => Event::Function(F::FunctionDeleted {}),
                (true, false) => Event::Function(F::FunctionUpdated {
                    settings: settings(dice.roll(256) as u8, dice.roll(256) as u8),
                    needs_build: false,
                }),
            };
            let position = journal.push("function", &key, number as i64, &event);
            let mut world = world.clone();
            world.apply(position, number as i64, &key, &event);
            worlds.push(world);
        }
        let reads = home.options(journal).build().unwrap();
        assert!(reads.wait_for(2000, EVERY).await);
        for _ in 0..300 {
            let at = 700 + dice.roll(1301);
            let view = reads.view((at < 2000).then_some(at as u64));
            let rows: Vec<_> = worlds[at].functions.values().cloned().collect();
            let list = dice.list(&rows, true);
            let (expected, found) = (page(&rows, &list), view.functions("alpha", &list).await);
            match (expected, found) {
                (Some(expected), Ok(found)) => {
                    assert_eq!(expected.rows, found.rows, "{list:#?}");
                    assert_eq!(expected.total, found.total, "{list:#?}");
                }
                (None, Err(Error::CursorNotFound(_))) => {}
                (expected, found) => panic!("{expected:?} and {found:?} of {list:#?}"),
            }
        }
    });
}

/// What must not be there when a function, or a project, is made again.
fn children_that_come_late_belong_to_nobody(home: &Home) {
    runtime().block_on(async {
        let journal = Memory::new();
        let reads = home.options(journal.clone()).build().unwrap();
        journal.push("function", "alpha:a", 1, &created(1));
        let deleted = journal.push(
            "function",
            "alpha:a",
            2,
            &Event::Function(F::FunctionDeleted {}),
        );
        let plan = plan("a", 1);
        let late = aggregates::deployment::Event::DeploymentCreated { plan };
        journal.push("deployment", "alpha:d", 3, &Event::Deployment(late));
        let late = aggregates::execution::Event::ExecutionRecorded {
            request: crate::history::request("a", 1),
            deployment: "d".into(),
            result: crate::history::outcome(1),
        };
        journal.push("execution", "alpha:e", 4, &Event::Execution(late));
        let head = journal.push("function", "alpha:a", 5, &created(2));
        assert!(reads.wait_for(head, EVERY).await);
        let now = reads.view(None);
        assert!(now.deployment("alpha", "d").await.unwrap().is_none());
        assert!(now.execution("alpha", "e").await.unwrap().is_none());
        let found = now.function("alpha", "a").await.unwrap().unwrap();
        assert_eq!(
            (found.sequence, found.latest_deployment_id.as_str()),
            (head, "")
        );
        let then = reads
            .view(Some(deleted - 1))
            .function("alpha", "a")
            .await
            .unwrap();
        assert_eq!(then.unwrap().sequence, 1);
        let between = reads
            .view(Some(deleted))
            .function("alpha", "a")
            .await
            .unwrap();
        assert_eq!(between, None);
    });
}

pub const CHILD: &str = "STRATA_PROJECTIONS_CHILD";

/// Not a test: the process that [`a_killed_process_loses_nothing`] kills, and
/// others.
#[test]
fn child() {
    let Ok(path) = std::env::var(CHILD) else {
        return;
    };
    runtime().block_on(async {
        let journal = Memory::new();
        let mut number = 0;
        let reads = match path.starts_with("postgres:") {
            true => Options {
                location: Location::Postgres {
                    url: path,
                    schema: "reads".to_owned(),
                },
                node: "child".to_owned(),
                ..Options::new(journal.clone(), "")
            },
            false => Options::new(journal.clone(), path),
        };
        // What this process makes up is the same each time it is started.
        while number < 30_000 {
            crowd(&journal, number);
            number += 1;
        }
        let _reads = reads.build().unwrap();
        println!("open");
        loop {
            crowd(&journal, number);
            number += 1;
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    });
}

pub fn crowd(journal: &Memory, number: u32) {
    let key = format!("alpha:f{}", number / 2);
    let event = match number % 2 {
        0 => created(number as u8),
        _ => Event::Function(F::FunctionUpdated {
            settings: settings((number / 7) as u8, number as u8),
            needs_build: false,
        }),
    };
    journal.push("function", &key, i64::from(number), &event);
}

#[test]
fn a_killed_process_loses_nothing() {
    use std::io::BufRead as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reads.db");
    let mut dice = Dice::new(5);
    for _ in 0..6 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "runner::child", "--nocapture"])
            .env(CHILD, &path)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let opened = lines
            .map_while(Result::ok)
            .any(|line| line.contains("open"));
        assert!(opened, "the child has opened the file");
        std::thread::sleep(Duration::from_millis(dice.roll(400) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    runtime().block_on(async {
        let journal = Memory::new();
        for number in 0..60_000 {
            crowd(&journal, number);
        }
        let killed = Options::new(journal.clone(), &path).build().unwrap();
        let whole = Options::new(journal, folder.path().join("whole.db"))
            .build()
            .unwrap();
        for reads in [&killed, &whole] {
            assert!(reads.wait_for(60_000, EVERY).await, "{:?}", reads.status());
        }
        for _ in 0..20 {
            let at = dice.roll(60_000) as u64;
            let list = List {
                offset: dice.roll(at as usize / 2 + 1) as u32,
                ..everything()
            };
            let one = killed
                .view(Some(at))
                .functions("alpha", &list)
                .await
                .unwrap();
            let other = whole
                .view(Some(at))
                .functions("alpha", &list)
                .await
                .unwrap();
            assert_eq!(one.rows, other.rows);
            assert_eq!(one.total, other.total);
        }
    });
}
