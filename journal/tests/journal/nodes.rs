//! Several nodes on one PostgreSQL database.

use std::sync::Arc;
use std::time::Duration;

use journal::postgres::Postgres;
use journal::{Journal, Outcome};

use crate::bed::{append, appended, command, everything, numbers, shown};
use crate::postgres::{Database, follow};

/// Appends `payload` where the stream is, however often others are faster.
async fn count(node: &Postgres, key: &str, expected: &mut u64, payload: u64) {
    loop {
        let outcome = node.append(append(key, *expected, &[payload])).await;
        match outcome.expect("append") {
            Outcome::Appended(appended) => {
                assert_eq!(appended.sequence, *expected + 1);
                assert!(node.head() >= appended.last, "acknowledged is visible");
                *expected = appended.sequence;
                return;
            }
            Outcome::Conflict(conflict) => {
                assert_eq!(conflict.expected, *expected);
                assert!(conflict.actual > *expected, "streams only grow");
                *expected = conflict.actual;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_make_one_order() {
    const TASKS: u64 = 24;
    const EACH: u64 = 25;
    let database = Database::new();
    let nodes = [database.node().await, database.node().await];
    let readers: Vec<_> = nodes
        .iter()
        .map(|node| tokio::spawn(follow(node.clone(), TASKS * EACH)))
        .collect();
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let node = Arc::clone(&nodes[task as usize % 2]);
        tasks.push(tokio::spawn(async move {
            // Half of them share streams with the other node.
            let key = match task % 4 {
                0 | 1 => "shared".to_owned(),
                _ => format!("own {task}"),
            };
            let mut expected = 0;
            for n in 0..EACH {
                count(&node, &key, &mut expected, task * EACH + n).await;
            }
        }));
    }
    for task in tasks {
        task.await.expect("task");
    }
    let mut seen = Vec::new();
    for reader in readers {
        seen.push(shown(&reader.await.expect("reader")));
    }
    assert_eq!(seen[0], seen[1], "both saw the same order");
    for node in &nodes {
        let events = everything(&**node).await;
        assert_eq!(shown(&events), seen[0]);
        let mut payloads = numbers(&events);
        payloads.sort_unstable();
        assert_eq!(payloads, (0..TASKS * EACH).collect::<Vec<_>>(), "each once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_done_once_over_all_nodes() {
    let database = Database::new();
    let nodes = [database.node().await, database.node().await];
    for round in 0..20 {
        let same = command(&format!("c{round}"), 1, append("a", round, &[round]));
        let sent = nodes.iter().map(|node| node.append(same.clone()));
        let outcomes = futures::future::try_join_all(sent).await.expect("append");
        let first = outcomes
            .iter()
            .position(|outcome| matches!(outcome, Outcome::Appended(_)))
            .expect("one is first");
        let done = appended(&outcomes[first]);
        assert_eq!(outcomes[1 - first], Outcome::Duplicate(done));
        for node in &nodes {
            assert!(node.head() >= done.last, "answered is visible");
        }
        // Later, on the other node, and with a stale expectation.
        let later = nodes[first].append(same.clone()).await.expect("append");
        assert_eq!(later, Outcome::Duplicate(done));
        let other = command(&format!("c{round}"), 2, append("a", round, &[9]));
        let other = nodes[1 - first].append(other).await.expect("append");
        assert_eq!(other, Outcome::Reused);
        // Only an outcome, no events: that moves no position.
        let empty = command(&format!("e{round}"), 1, append("a", round + 1, &[]));
        let sent = nodes.iter().map(|node| node.append(empty.clone()));
        let outcomes = futures::future::try_join_all(sent).await.expect("append");
        let firsts = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Appended(_)));
        assert_eq!(firsts.count(), 1, "{outcomes:?}");
    }
    let events = everything(&*nodes[0]).await;
    assert_eq!(numbers(&events), (0..20).collect::<Vec<_>>());
}

/// Without a notice, another node's events arrive all the same.
#[tokio::test]
async fn notices_may_be_lost() {
    let database = Database::new();
    let nodes = [database.node().await, database.node().await];
    let deafen = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    for n in 0..3 {
        sqlx::raw_sql(deafen)
            .execute(&mut database.connect().await)
            .await
            .expect("terminate");
        appended(&nodes[0].append(append("a", n, &[n])).await.expect("append"));
        assert_eq!(
            nodes[1].wait_beyond(n, Duration::from_secs(60)).await,
            n + 1
        );
        assert_eq!(numbers(&nodes[1].read_all(n, 9).await.expect("read")), [n]);
    }
}

#[tokio::test]
async fn leases() {
    let long = Duration::from_secs(600);
    let database = Database::new();
    let nodes = [database.node().await, database.node().await];
    let [a, b] = [nodes[0].leases(), nodes[1].leases()];

    // Many at once: one gets it.
    let asked = (0..10).map(|n| {
        let leases = if n % 2 == 0 { &a } else { &b };
        async move { leases.acquire("one", &n.to_string(), long).await }
    });
    let asked = futures::future::try_join_all(asked).await.expect("acquire");
    let got: Vec<_> = asked.into_iter().flatten().collect();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].epoch, 1);

    let first = a.acquire("two", "a", long).await.expect("acquire");
    let first = first.expect("free");
    assert_eq!((first.epoch, &*first.holder, &*first.name), (1, "a", "two"));
    assert_eq!(b.acquire("two", "b", long).await.expect("acquire"), None);
    let again = a.acquire("two", "a", long).await.expect("acquire");
    assert_eq!(again.expect("its own").epoch, 1);
    assert!(a.renew(&first, long).await.expect("renew"));

    // Given back: the next one has the next epoch, and the first is told.
    a.release(&first).await.expect("release");
    let second = b.acquire("two", "b", long).await.expect("acquire");
    let second = second.expect("free");
    assert_eq!(second.epoch, 2);
    assert!(!a.renew(&first, long).await.expect("renew"));
    a.release(&first).await.expect("nothing to release");
    assert_eq!(a.acquire("two", "a", long).await.expect("acquire"), None);

    // Run out: free for all.
    assert!(
        b.renew(&second, Duration::from_millis(1))
            .await
            .expect("renew")
    );
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!b.renew(&second, long).await.expect("renew"));
    let third = a.acquire("two", "a", long).await.expect("acquire");
    assert_eq!(third.expect("run out").epoch, 3);
    b.release(&second).await.expect("nothing to release");
    assert_eq!(b.acquire("two", "b", long).await.expect("acquire"), None);
}
