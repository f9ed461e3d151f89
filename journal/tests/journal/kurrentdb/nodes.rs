//! Several nodes on one server.

use std::sync::Arc;

use journal::{Journal, Outcome};

use super::Place;
use crate::bed::{append, appended, command, everything, numbers, shown};
use crate::postgres::follow;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_find_one_order() {
    const TASKS: u64 = 12;
    const EACH: u64 = 15;
    let place = Place::new();
    let nodes = [place.node().await, place.node().await];
    let readers = nodes
        .clone()
        .map(|node| tokio::spawn(follow(node, TASKS * EACH)));
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let node = Arc::clone(&nodes[task as usize % 2]);
        tasks.push(tokio::spawn(async move {
            // Half of them share a stream with the other node.
            let key = match task % 4 {
                0 | 1 => "shared".to_owned(),
                _ => format!("own {task}"),
            };
            let mut expected = 0;
            for n in 0..EACH {
                loop {
                    let request = append(&key, expected, &[task * EACH + n]);
                    match node.append(request).await.expect("append") {
                        Outcome::Appended(done) => {
                            assert_eq!(done.sequence, expected + 1);
                            assert!(node.head() >= done.last, "acknowledged is visible");
                            expected = done.sequence;
                            break;
                        }
                        Outcome::Conflict(conflict) => {
                            assert!(conflict.actual > expected, "streams only grow");
                            expected = conflict.actual;
                        }
                        other => panic!("{other:?}"),
                    }
                }
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
    assert_eq!(seen[0], seen[1], "both found the same order");
    for node in &nodes {
        let events = everything(&**node).await;
        assert_eq!(shown(&events), seen[0]);
        let mut payloads = numbers(&events);
        payloads.sort_unstable();
        assert_eq!(payloads, (0..TASKS * EACH).collect::<Vec<_>>(), "each once");
    }
    // One that comes later, and reads streams by name, finds the same.
    let late = place.node().await;
    let stream = crate::bed::stream("shared");
    let there = nodes[0]
        .read_stream(&stream, 0, usize::MAX)
        .await
        .expect("read");
    let later = late
        .read_stream(&stream, 0, usize::MAX)
        .await
        .expect("read");
    assert_eq!(shown(&there), shown(&later));
    assert_eq!(shown(&everything(&*late).await), seen[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_done_once_over_all_nodes() {
    let place = Place::new();
    let nodes = [place.node().await, place.node().await];
    for round in 0..20 {
        // To one stream, and to two: what was sent to one node may have been
        // sent to the other in another form.
        let keys = if round % 2 == 0 {
            ["a", "a"]
        } else {
            ["b", "c"]
        };
        let mut requests = Vec::new();
        for (node, key) in nodes.iter().zip(keys) {
            let expected = node.read_stream(&crate::bed::stream(key), 0, 99).await;
            let expected = expected.expect("read").len() as u64;
            let one = command(&format!("c{round}"), 1, append(key, expected, &[round]));
            requests.push(node.append(one));
        }
        let outcomes = futures::future::try_join_all(requests)
            .await
            .expect("append");
        let is_first = |outcome: &&Outcome| matches!(outcome, Outcome::Appended(_));
        let firsts: Vec<_> = outcomes.iter().filter(is_first).collect();
        assert_eq!(firsts.len(), 1, "{outcomes:?}");
        for node in &nodes {
            let (done, print) = node
                .outcome(&format!("c{round}"))
                .await
                .expect("outcome")
                .expect("done");
            assert_eq!(
                (done.first, done.last, print),
                (round + 1, round + 1, [1; 32])
            );
            assert!(firsts.iter().all(|first| appended(first) == done));
        }
    }
    assert_eq!(
        numbers(&everything(&*nodes[1]).await),
        (0..20).collect::<Vec<_>>()
    );
}
