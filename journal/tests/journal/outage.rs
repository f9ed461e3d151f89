//! The PostgreSQL server goes away, or only its answers do.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use journal::postgres::{Options, Postgres};
use journal::{Append, Error, Journal, Outcome};
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::bed::{append, appended, command, everything, numbers};
use crate::postgres::{Database, follow};
use crate::server::{self, Server};

/// Sends a command until it has an answer, as a client should.
async fn insist(node: &Postgres, request: Append) -> Outcome {
    loop {
        match node.append(request.clone()).await {
            Ok(outcome) => return outcome,
            Err(Error::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_under_load() {
    const TASKS: u64 = 12;
    let server = Server::start("-c fsync=off");
    let url = server.url(&server.create_database());
    let node = Options::new(&url).build().await.expect("open");
    let is_over = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let (node, is_over) = (Arc::clone(&node), Arc::clone(&is_over));
        tasks.push(tokio::spawn(async move {
            let key = task.to_string();
            let mut done = 0;
            while !is_over.load(Ordering::Relaxed) {
                let payload = task * 1_000_000 + done;
                let request = append(&key, done, &[payload]);
                if task % 2 == 0 {
                    let id = format!("{task} {done}");
                    match insist(&node, command(&id, 1, request)).await {
                        Outcome::Appended(there) | Outcome::Duplicate(there) => {
                            assert_eq!(there.sequence, done + 1);
                        }
                        other => panic!("{other:?}"),
                    }
                } else {
                    // Without a command id: nobody else writes this stream, so
                    // a conflict would mean that it was written twice.
                    match node.append(request).await {
                        Ok(outcome) => assert_eq!(appended(&outcome).sequence, done + 1),
                        Err(Error::Unavailable(_)) => {
                            let stream = crate::bed::stream(&key);
                            let written = loop {
                                if let Ok(read) = node.read_stream(&stream, done, 1).await {
                                    break !read.is_empty();
                                }
                            };
                            if !written {
                                continue;
                            }
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                done += 1;
            }
            done
        }));
    }
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for round in 0..3 {
        for _ in 0..15 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let mut operator = PgConnection::connect(&url).await.expect("connect");
            let cut = sqlx::raw_sql(cut).execute(&mut operator);
            cut.await.expect("cut");
        }
        tokio::task::block_in_place(|| server.crash_and_restart());
        let head = node.head();
        let after = node.wait_beyond(head, Duration::from_secs(60)).await;
        assert!(after > head, "it goes on after crash {round}");
    }
    is_over.store(true, Ordering::Relaxed);
    let mut expected = Vec::new();
    for (task, done) in tasks.into_iter().enumerate() {
        let done = done.await.expect("task");
        assert!(done > 0);
        expected.extend((0..done).map(|n| task as u64 * 1_000_000 + n));
    }
    let mut payloads = numbers(&everything(&*node).await);
    payloads.sort_unstable();
    assert_eq!(payloads, expected, "what was acknowledged, once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn away_and_back() {
    let server = Server::start("-c fsync=off");
    let url = server.url(&server.create_database());
    let options = Options {
        patience: Duration::from_millis(500),
        ..Options::new(&url)
    };
    let node = options.clone().build().await.expect("open");
    appended(&node.append(append("a", 0, &[1])).await.expect("append"));
    tokio::task::block_in_place(|| server.stop());
    let started = Instant::now();
    for _ in 0..2 {
        let requests = (0..5).map(|n| node.append(append("b", n, &[9])));
        for outcome in futures::future::join_all(requests).await {
            assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
        }
        let read = node.read_stored(0, 9).await;
        assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(20), "not for ever");
    // What is in memory is still read.
    assert_eq!(numbers(&node.read_all(0, 9).await.expect("read")), [1]);
    let refused = options.build().await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    tokio::task::block_in_place(|| server.start_again());
    let back = insist(&node, append("a", 1, &[2])).await;
    assert_eq!(appended(&back).sequence, 2);
    assert_eq!(numbers(&everything(&*node).await), [1, 2]);
    node.close().await;
}

/// Stands between a journal and the server, and swallows an answer.
struct Proxy {
    folder: tempfile::TempDir,
    /// So many pieces of answers pass before one is swallowed, with its
    /// connection; negative: all pass.
    pass: Arc<AtomicI64>,
}

impl Proxy {
    fn start(server: PathBuf) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).expect("bind");
        let pass = Arc::new(AtomicI64::new(-1));
        let proxy = Self {
            folder,
            pass: Arc::clone(&pass),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&server).await.expect("the server");
                tokio::spawn(carry(client, server, Arc::clone(&pass)));
            }
        });
        proxy
    }
}

async fn carry(client: UnixStream, server: UnixStream, pass: Arc<AtomicI64>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = async {
        let mut bytes = vec![0; 65536];
        while let Ok(length) = from_server.read(&mut bytes).await {
            let answer = &bytes[..length];
            if length == 0
                || pass.fetch_sub(1, Ordering::SeqCst) == 0
                || to_client.write_all(answer).await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = back => {}
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
    }
}

/// The server did it and its answer is lost: the appender finds out. Each
/// answer of an append is lost once, with and without another node that
/// writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_to_a_commit_is_lost() {
    let database = Database::new();
    let proxy = Proxy::start(server::shared().socket());
    let behind = Server::url_at(proxy.folder.path(), &database.name);
    let node = Options::new(behind).build().await.expect("open");
    let beside = database.node().await;
    let mut expected = Vec::new();
    for n in 0..32 {
        let is_contended = n % 2 == 0;
        if is_contended {
            let other = beside.append(append(&format!("beside {n}"), 0, &[1000 + n]));
            appended(&other.await.expect("append"));
            expected.push(1000 + n);
        }
        // Without a command id, nobody but the appender could find out.
        proxy.pass.store(n as i64 / 4, Ordering::SeqCst);
        let requests = (0..3).map(|m| node.append(append(&format!("{n} {m}"), 0, &[10 * n + m])));
        let outcomes = futures::future::try_join_all(requests).await;
        proxy.pass.store(-1, Ordering::SeqCst);
        for outcome in outcomes.expect("appended") {
            assert_eq!(appended(&outcome).sequence, 1);
        }
        expected.extend((0..3).map(|m| 10 * n + m));
    }
    let seen = follow(beside.clone(), expected.len() as u64).await;
    assert_eq!(numbers(&everything(&*beside).await), numbers(&seen));
    let mut payloads = numbers(&seen);
    payloads.sort_unstable();
    expected.sort_unstable();
    assert_eq!(payloads, expected);
}
