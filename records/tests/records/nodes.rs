//! Several that write at the same time: tasks on one file, nodes on one server.

use std::collections::HashSet;
use std::sync::Arc;

use records::{Error, Options, Query, Record, Records};

use crate::bed::postgresql::Server;
use crate::bed::{Bed, Hand, entries, limit, save, scope, walk};

/// Every task saves to the same scope, and a reader follows them by cursor.
async fn together(stores: [Records; 2]) {
    const TASKS: i64 = 8;
    const PAGES: i64 = 25;
    let own = Arc::new(scope("Shared"));
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let (records, own) = (stores[task as usize % 2].clone(), Arc::clone(&own));
        tasks.push(tokio::spawn(async move {
            let id = format!("own{task}");
            for page in 0..PAGES {
                let page = entries(&[(&id, page), ("all", task * PAGES + page)]);
                let counts = save(&records, &own, &id, page).await;
                assert_eq!(counts.added + counts.updated, 2);
            }
        }));
    }
    let mut followed = Vec::new();
    let mut cursor = None;
    let read = async |cursor| {
        let query = Query { cursor, ..limit(3) };
        stores[0].list(&own, query).await.unwrap().records
    };
    while !tasks.iter().all(|task| task.is_finished()) {
        let page = read(cursor).await;
        cursor = page.last().map(Record::cursor).or(cursor);
        followed.extend(page);
    }
    for task in tasks {
        task.await.expect("it ended well");
    }
    loop {
        let page = read(cursor).await;
        let Some(last) = page.last() else {
            break;
        };
        cursor = Some(last.cursor());
        followed.extend(page);
    }
    // Who follows sees the last state of every record.
    let last = walk(&stores[1], &own, limit(100)).await;
    assert_eq!(last.len() as i64, TASKS + 1);
    for record in &last {
        let seen = followed.iter().rev().find(|seen| seen.id == record.id);
        assert_eq!(seen, Some(record));
    }
    // Every page has a time of its own, and is a state of its own.
    let mut times = HashSet::new();
    let newest = last.iter().map(|record| record.last_modified_at).max();
    let oldest = last.iter().map(|record| record.first_seen_at).min();
    for at in oldest.unwrap()..=newest.unwrap() {
        let as_of = Some(at);
        let query = Query {
            as_of,
            ..limit(100)
        };
        let then = stores[0].list(&own, query).await.unwrap().records;
        times.extend(then.iter().map(|record| record.last_modified_at));
    }
    assert_eq!(times.len() as i64, TASKS * PAGES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_on_a_file() {
    let bed = Bed::sqlite();
    let records = bed.open(&Hand::at(1)).await;
    together([records.clone(), records]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_on_a_server() {
    let bed = Bed::postgres();
    // Both make the tables, at the same time, and their clocks differ.
    let (one, other) = (Hand::at(1), Hand::at(5));
    let (one, other) = tokio::join!(bed.open(&one), bed.open(&other));
    together([one, other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_share_locks_and_drop_at_the_same_time() {
    let bed = Bed::postgres();
    let (one, other) = (bed.open(&Hand::at(1)).await, bed.open(&Hand::at(1)).await);
    for round in 0..20 {
        let key = round.to_string();
        let (a, b) = tokio::join!(
            one.acquire("p", &key, "one", 10, 0),
            other.acquire("p", &key, "other", 10, 0)
        );
        assert!(a.unwrap() != b.unwrap());
        let models = ["A", "B", "C"].map(scope);
        for scope in &models {
            save(&one, scope, "j", entries(&[("a", 1), ("b", 1)])).await;
        }
        let (a, b, saved) = tokio::join!(
            one.drop_project("p"),
            other.drop_connection("p", "github", "c1"),
            save(&other, &models[1], "j", entries(&[("c", round)])),
        );
        // Whoever came second found nothing, or what was saved in between.
        let there = one.count(&models[1], None).await.unwrap();
        assert_eq!(a.unwrap() + b.unwrap() + there, 6 + saved.added);
        one.drop_project("p").await.unwrap();
    }
}

#[tokio::test]
async fn a_file_is_open_once() {
    let bed = Bed::sqlite();
    let records = bed.open(&Hand::at(1)).await;
    let second = Options::sqlite(bed.path()).build().await;
    assert!(matches!(second, Err(Error::Locked { path }) if path == bed.path()));
    records.close().await;
    drop(records);
    bed.open(&Hand::at(1)).await;
}

#[tokio::test]
async fn a_server_that_loses_its_power() {
    let server = Server::start("");
    let bed = Bed::Server(server.url(&server.create_database()));
    let records = bed.open(&Hand::at(1)).await;
    let scope = scope("M");
    for n in 0..3 {
        save(&records, &scope, "j", entries(&[("a", n), ("b", 1)])).await;
        let before = walk(&records, &scope, limit(10)).await;
        server.crash_and_restart();
        // The connections are lost, which nobody hears of.
        assert_eq!(walk(&records, &scope, limit(10)).await, before);
        server.crash_and_restart();
    }
    server.stop();
    let refused = records.count(&scope, None).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))));
    server.start_again();
    assert_eq!(records.count(&scope, None).await.unwrap(), 2);
}

#[tokio::test]
async fn a_server_that_is_not_there() {
    let nowhere = tempfile::tempdir().expect("a folder");
    let url = format!("postgres://localhost/x?host={}", nowhere.path().display());
    let refused = Options::postgres(url).build().await;
    assert!(matches!(refused, Err(Error::Unavailable(_))));
    let refused = Options::postgres("no address").build().await;
    assert!(matches!(refused, Err(Error::Unavailable(_))));
}
