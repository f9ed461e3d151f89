//! Not a test: how fast it is here. Run with
//! `cargo test -p journal measure -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use journal::{Append, Journal, Outcome};

use crate::bed::{append, command, event};
use crate::server::Server;

const PAYLOAD: &str = r#"{"name":"hello","runtime":"js","entry":"index.js","timeout":15,"enabled":true,"commands":"","scopes":["a","b"],"schedule":"*/5 * * * *"}"#;

fn request(key: &str, expected: u64) -> Append {
    let id = uuid::Uuid::now_v7().to_string();
    let mut request = command(&id, 1, append(key, expected, &[]));
    request.events = vec![event(PAYLOAD)];
    request.metadata.correlation_id = id;
    request
}

/// Keeps `clients` busy for a while and tells how it went.
async fn measure(journal: Arc<dyn Journal>, clients: u64) {
    let started = Instant::now();
    let time = Duration::from_secs(4);
    let mut tasks = Vec::new();
    for client in 0..clients {
        let journal = Arc::clone(&journal);
        tasks.push(tokio::spawn(async move {
            let mut done = 0;
            while started.elapsed() < time {
                let outcome = journal.append(request(&client.to_string(), done)).await;
                assert!(matches!(outcome, Ok(Outcome::Appended(_))));
                done += 1;
            }
            done
        }));
    }
    let mut total = 0;
    for task in tasks {
        total += task.await.expect("task");
    }
    let elapsed = started.elapsed().as_secs_f64();
    println!(
        "{clients:>4} clients: {:>7.0} durable commands/s, {:.2} ms each",
        total as f64 / elapsed,
        elapsed * 1000.0 * clients as f64 / total as f64,
    );
    let started = Instant::now();
    let report = journal::verify(&*journal, 0).await.expect("verify");
    assert_eq!((report.broken, report.checked), (None, total));
    let elapsed = started.elapsed().as_secs_f64();
    println!("      verify: {:.0} events/s", total as f64 / elapsed);
    journal.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn sqlite_durable_commands_per_second() {
    let folder = tempfile::tempdir_in(".").expect("folder");
    for clients in [1, 8, 64, 256] {
        let path = folder.path().join(format!("{clients}.db"));
        let journal = journal::sqlite::Options::new(path).build().expect("open");
        measure(journal, clients).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn postgres_durable_commands_per_second() {
    let server = Server::start("");
    for clients in [1, 16, 64, 256] {
        let url = server.url(&server.create_database());
        let journal = journal::postgres::Options::new(url).build().await;
        measure(journal.expect("open"), clients).await;
    }
}
