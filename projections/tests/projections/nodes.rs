//! Several nodes on one schema, and a server that goes away.

use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use journal::Journal as _;
use projections::{Error, Location, Options, ReadModels};

use crate::home::Home;
use crate::journal::Memory;
use crate::property::runtime;
use crate::runner::{CHILD, count, created, crowd, everything};
use crate::server::Server;

const EVERY: Duration = Duration::from_secs(30);

/// Long enough for what must not happen.
const A_WHILE: Duration = Duration::from_millis(1500);

fn node(home: &Home, journal: &Arc<Memory>, name: &str) -> Options {
    Options {
        node: name.to_owned(),
        ..home.options(journal.clone())
    }
}

async fn leads(reads: &ReadModels, name: &str) -> Duration {
    let begin = Instant::now();
    let is = |reads: &ReadModels| reads.leader().is_some_and(|leader| leader.node == name);
    while !is(reads) {
        assert!(
            begin.elapsed() < EVERY,
            "{:?} leads, not {name}",
            reads.leader()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    begin.elapsed()
}

#[test]
fn all_nodes_show_what_one_applies() {
    runtime().block_on(async {
        let home = Home::postgres();
        let journal = Memory::new();
        // Nobody else is to lead, however busy the machine is.
        let patient = |name| Options {
            lease: EVERY,
            ..node(&home, &journal, name)
        };
        let one = patient("one").build().unwrap();
        let other = patient("other").build().unwrap();
        let poison =
            |at| journal.push_raw("deployment", "alpha:d", at, "DeploymentCreated", "9", "{}");
        for number in 0..200 {
            journal.push("function", &format!("alpha:f{number}"), 1, &created(number));
            assert!(other.wait_for(journal.head(), EVERY).await);
            assert_eq!(count(&other).await, u32::from(number) + 1);
            let past = other.view(Some(u64::from(number)));
            let past = past.functions("alpha", &everything()).await;
            assert_eq!(past.unwrap().total, u32::from(number));
        }
        for reads in [&one, &other] {
            leads(reads, "one").await;
            let here = reads.leader().unwrap().here;
            assert_eq!(here, std::ptr::eq(reads, &one));
        }
        // Asked of the one that follows, done by the one that leads.
        assert_eq!(home.tables("functions_2"), 0);
        let (first, again) = tokio::join!(other.rebuild("functions"), async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            other.rebuild("functions").await
        });
        first.unwrap();
        assert!(
            matches!(again, Ok(()) | Err(Error::Rebuilding(_))),
            "{again:?}"
        );
        assert!(home.tables("functions_2") + home.tables("functions_3") > 0);
        assert_eq!(home.tables("functions_1"), 0);
        assert_eq!(count(&other).await, 200);
        // What cannot be applied is known everywhere.
        poison(2);
        assert!(other.wait_for(201, EVERY).await);
        let functions = |reads: &ReadModels| {
            let status = reads.status();
            status
                .into_iter()
                .find(|status| status.name == "functions")
                .unwrap()
        };
        let parked = functions(&other).parked.expect("it is parked");
        assert!(parked.contains("event 201 (DeploymentCreated)"), "{parked}");
        assert_eq!(functions(&other).checkpoint, 200);
        let refused = other.rebuild("functions").await.unwrap_err().to_string();
        assert!(refused.contains("event 201"), "{refused}");
        // One that ends hands over, without waiting for the lease to expire.
        one.close().await;
        leads(&other, "other").await;
        assert!(other.leader().unwrap().here);
        let head = journal.push("project", "alpha", 3, &crate::history::project("Alpha"));
        assert!(other.wait_for(head, EVERY).await);
        assert!(
            other
                .view(Some(head))
                .project("alpha")
                .await
                .unwrap()
                .is_some()
        );
        other.close().await;
    });
}

#[test]
fn an_old_epoch_writes_nothing() {
    runtime().block_on(async {
        let home = Home::postgres();
        let journal = Memory::new();
        // It looks at its lease so seldom that only its writes can tell it.
        let old = Options {
            lease: Duration::from_secs(3600),
            ..node(&home, &journal, "old")
        };
        let old = old.build().unwrap();
        journal.push("function", "alpha:a", 1, &created(1));
        assert!(old.wait_for(1, EVERY).await);
        home.tamper(
            "ALTER TABLE runner DISABLE TRIGGER tell;
             UPDATE runner SET epoch = epoch + 1, holder = 'new',
             expires_at = clock_timestamp() + interval '1 hour'",
        );
        assert_eq!(old.leader().unwrap().node, "old");
        journal.push("function", "alpha:b", 2, &created(2));
        leads(&old, "new").await;
        assert!(!old.wait_for(2, A_WHILE).await);
        assert_eq!(count(&old).await, 1);
        assert_eq!(
            home.tamper("SELECT max(checkpoint) FROM projections")
                .trim(),
            "1"
        );
        assert_eq!(home.tamper("SELECT count(*) FROM functions_1").trim(), "1");
        // Nobody leads: it may lead again.
        home.tamper(
            "ALTER TABLE runner ENABLE TRIGGER tell;
             UPDATE runner SET holder = '', expires_at = '-infinity'",
        );
        assert!(old.wait_for(2, EVERY).await);
        assert_eq!(count(&old).await, 2);
        old.close().await;
    });
}

fn child(home: &Home) -> Child {
    let Home::Postgres(url) = home else {
        panic!("a file has one process");
    };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "runner::child", "--nocapture"])
        .env(CHILD, url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    assert!(lines.any(|line| line.contains("open")), "the child leads");
    child
}

fn signal(child: &Child, what: &str) {
    let status = Command::new("kill")
        .args([what, &child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
}

/// Ends with the test, however that ends.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const CROWD: u32 = 60_000;

/// Kills the leader, or stops it for a while, with `how`.
fn the_next_one_takes_over(how: &str) {
    runtime().block_on(async {
        let home = Home::postgres();
        let mut child = Guarded(child(&home));
        let journal = Memory::new();
        for number in 0..CROWD {
            crowd(&journal, number);
        }
        let next = node(&home, &journal, "next").build().unwrap();
        leads(&next, "child").await;
        assert!(
            next.wait_for(1, EVERY).await,
            "it follows: {:?}",
            next.status()
        );
        signal(&child.0, how);
        let took = leads(&next, "next").await;
        println!("{how}: another node leads after {took:.2?}");
        assert!(
            next.wait_for(u64::from(CROWD), EVERY).await,
            "{:?}",
            next.status()
        );
        if how == "-STOP" {
            // It has much to write, and may write none of it.
            signal(&child.0, "-CONT");
            tokio::time::sleep(A_WHILE).await;
            assert!(next.leader().unwrap().here);
        }
        child.0.kill().unwrap();
        let checkpoints = home.tamper("SELECT DISTINCT checkpoint FROM projections");
        assert_eq!(checkpoints.trim(), CROWD.to_string());
        let whole = home.named(journal, "whole").build().unwrap();
        assert!(whole.wait_for(u64::from(CROWD), EVERY).await);
        same(&next, &whole).await;
        next.close().await;
        whole.close().await;
    });
}

/// Both show the same at some positions and now.
async fn same(one: &ReadModels, other: &ReadModels) {
    for at in [
        None,
        Some(1),
        Some(29_999),
        Some(31_007),
        Some(44_444),
        Some(59_999),
    ] {
        let list = projections::query::List {
            offset: at.unwrap_or(40_000) as u32 / 3,
            ..everything()
        };
        let one = one.view(at).functions("alpha", &list).await.unwrap();
        let other = other.view(at).functions("alpha", &list).await.unwrap();
        assert_eq!(one.rows, other.rows, "{at:?}");
        assert_eq!(one.total, other.total, "{at:?}");
    }
}

#[test]
fn a_killed_leader_is_replaced() {
    the_next_one_takes_over("-KILL");
}

#[test]
fn a_leader_that_stalls_is_replaced_and_refused() {
    the_next_one_takes_over("-STOP");
}

#[test]
fn a_server_may_be_restarted_under_load() {
    // One of its own: the other tests need theirs.
    let server = Server::start();
    runtime().block_on(async {
        let url = server.database();
        let location = Location::Postgres {
            url: url.clone(),
            schema: "reads".to_owned(),
        };
        let journal = Memory::new();
        let node = |name: &str| Options {
            location: location.clone(),
            node: name.to_owned(),
            ..Options::postgres(journal.clone(), &url)
        };
        let nodes = [node("one").build().unwrap(), node("two").build().unwrap()];
        let stop = Arc::new(AtomicBool::new(false));
        let writing = {
            let (journal, stop) = (journal.clone(), stop.clone());
            std::thread::spawn(move || {
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    crowd(&journal, number);
                    number += 1;
                    std::thread::sleep(Duration::from_micros(200));
                }
            })
        };
        let reading = nodes.clone().map(|reads| {
            let stop = stop.clone();
            tokio::spawn(async move {
                let (mut answered, mut refused) = (0, 0);
                while !stop.load(Ordering::Relaxed) {
                    match reads.view(None).function("alpha", "f1").await {
                        Ok(_) => answered += 1,
                        Err(Error::Unavailable(_)) => refused += 1,
                        Err(Error::Behind { .. }) if answered == 0 => {}
                        Err(other) => panic!("{other:?}"),
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                (answered, refused)
            })
        });
        for how in ["immediate", "fast", "immediate"] {
            for reads in &nodes {
                assert!(
                    reads.wait_for(journal.head(), EVERY).await,
                    "{:?}",
                    reads.status()
                );
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            tokio::task::block_in_place(|| {
                server.stop(how);
                std::thread::sleep(Duration::from_millis(300));
            });
            for reads in &nodes {
                let now = reads.view(None);
                let read = now.functions("alpha", &everything()).await;
                assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
            }
            tokio::task::block_in_place(|| server.start_again());
        }
        stop.store(true, Ordering::Relaxed);
        writing.join().unwrap();
        for reads in &nodes {
            assert!(
                reads.wait_for(journal.head(), EVERY).await,
                "{:?}",
                reads.status()
            );
            let functions = journal.head().div_ceil(2) as u32;
            assert_eq!(count(reads).await, functions);
        }
        for reading in reading {
            let (answered, refused) = reading.await.unwrap();
            assert!(
                answered > 0 && refused > 0,
                "{answered} answered, {refused} refused"
            );
        }
        let leading = nodes
            .iter()
            .filter(|reads| reads.leader().is_some_and(|one| one.here));
        assert_eq!(leading.count(), 1);
        for reads in nodes {
            reads.close().await;
        }
    });
}
