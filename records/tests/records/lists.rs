//! Lists and their ends, on every backend.

use records::{Action, Cursor, Entry, MOST, Merging, Mode, Query, Unseen};
use serde_json::json;

use crate::bed::{Bed, Hand, content, entries, ids, limit, save, scope, walk};

on_both!(
    a_page_of_one_time_is_listed_in_its_order,
    lists_are_narrowed,
    pruning_takes_the_content_and_nothing_else,
    emptying_is_a_new_life,
    dropping_leaves_nothing,
    time_goes_on_when_the_clock_does_not,
);

async fn a_page_of_one_time_is_listed_in_its_order(bed: Bed) {
    let records = bed.open(&Hand::at(7)).await;
    let scope = scope("M");
    let names: Vec<String> = (0..257).map(|n| format!("{}", n * 7919 % 257)).collect();
    let entry = |id: &String| Entry::new(id.clone(), &json!({ "id": id }));
    save(&records, &scope, "j", names.iter().map(entry).collect()).await;
    for size in [1, 2, 3, 256, 257, 258, MOST] {
        let found = walk(&records, &scope, limit(size)).await;
        assert_eq!(ids(&found), names, "in pages of {size}");
        assert!(found.iter().all(|record| record.last_modified_at == 7));
    }
}

async fn lists_are_narrowed(bed: Bed) {
    let clock = Hand::at(10);
    let records = bed.open(&clock).await;
    let scope = scope("M");
    save(
        &records,
        &scope,
        "j",
        entries(&[("a", 1), ("b", 1), ("c", 1)]),
    )
    .await;
    clock.set(20);
    save(&records, &scope, "j", entries(&[("b", 2)])).await;
    clock.set(30);
    records
        .delete(&scope, "j", vec!["c".to_owned()])
        .await
        .unwrap();
    let list = async |query: Query| -> Vec<String> {
        let found = walk(&records, &scope, Query { limit: 2, ..query }).await;
        found.into_iter().map(|record| record.id).collect()
    };
    let filter = |actions: &[Action]| Query {
        filter: actions.to_vec(),
        ..Query::default()
    };
    assert_eq!(list(Query::default()).await, ["a", "b", "c"]);
    assert_eq!(list(filter(&[Action::Added])).await, ["a"]);
    assert_eq!(
        list(filter(&[Action::Deleted, Action::Updated])).await,
        ["b", "c"]
    );
    let after = |modified_after| Query {
        modified_after: Some(modified_after),
        ..Query::default()
    };
    assert_eq!(list(after(9)).await, ["a", "b", "c"]);
    assert_eq!(list(after(10)).await, ["b", "c"]);
    assert_eq!(list(after(30)).await, Vec::<String>::new());
    let wanted = ["c", "a", "x", "a"].map(str::to_owned).to_vec();
    let of = |query: Query| Query {
        ids: Some(wanted.clone()),
        ..query
    };
    assert_eq!(list(of(Query::default())).await, ["a", "c"]);
    assert_eq!(list(of(after(10))).await, ["c"]);
    assert_eq!(list(of(filter(&[Action::Added]))).await, ["a"]);
    let as_of = Some(20);
    let then = Query {
        as_of,
        ..filter(&[Action::Added])
    };
    assert_eq!(list(of(then.clone())).await, ["a", "c"]);
    assert_eq!(list(then).await, ["a", "c"]);
    let none = Query {
        ids: Some(Vec::new()),
        ..Query::default()
    };
    assert_eq!(list(none).await, Vec::<String>::new());
}

async fn pruning_takes_the_content_and_nothing_else(bed: Bed) {
    let clock = Hand::at(10);
    let records = bed.open(&clock).await;
    let scope = scope("M");
    save(
        &records,
        &scope,
        "j",
        entries(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]),
    )
    .await;
    records
        .delete(&scope, "j", vec!["a".to_owned()])
        .await
        .unwrap();
    let before = walk(&records, &scope, limit(10)).await;
    assert_eq!(ids(&before), ["b", "c", "d", "a"]);
    clock.set(50);
    let until = before[2].cursor();
    assert_eq!(records.prune(&scope, until, 2).await.unwrap(), (2, true));
    assert_eq!(records.prune(&scope, until, 2).await.unwrap(), (1, false));
    assert_eq!(records.prune(&scope, until, 2).await.unwrap(), (0, false));
    let until = before[3].cursor();
    assert_eq!(records.prune(&scope, until, 2).await.unwrap(), (1, false));
    let after = walk(&records, &scope, limit(10)).await;
    for (before, after) in before.iter().zip(&after) {
        let mut expected = before.clone();
        expected.payload = None;
        expected.pruned_at = after.pruned_at;
        assert!(after.pruned_at.is_some_and(|at| at >= 50));
        assert_eq!(expected, *after);
    }
    let as_of = Some(49);
    let then = walk(&records, &scope, Query { as_of, ..limit(3) }).await;
    assert_eq!(then, before);

    // The same content is no change, another one brings it back.
    let counts = save(&records, &scope, "j", entries(&[("b", 1), ("c", 2)])).await;
    assert_eq!((counts.unchanged, counts.updated), (1, 1));
    let patch = vec![Entry::new("d", &json!({ "m": 1 }))];
    let update = records.save(&scope, "j", patch, Mode::Update, Merging::Override);
    assert_eq!(update.await.unwrap().updated, 1);
    records
        .delete(&scope, "j", vec!["b".to_owned()])
        .await
        .unwrap();
    let found = walk(&records, &scope, limit(10)).await;
    let one = |id: &str| found.iter().find(|record| record.id == id).unwrap();
    assert_eq!(content(one("c")), Some(json!({ "id": "c", "n": 2 })));
    assert_eq!(content(one("d")), Some(json!({ "m": 1 })));
    assert_eq!((one("c").pruned_at, one("d").pruned_at), (None, None));
    assert!(one("b").payload.is_none() && one("b").pruned_at.is_some());
    assert_eq!(one("b").last_action, Action::Deleted);
}

async fn emptying_is_a_new_life(bed: Bed) {
    let clock = Hand::at(10);
    let records = bed.open(&clock).await;
    let scope = scope("M");
    assert_eq!(records.empty(&scope).await.unwrap(), 0);
    save(&records, &scope, "j", entries(&[("a", 1), ("b", 1)])).await;
    let first = walk(&records, &scope, limit(1)).await;
    let mark = records.mark().await.unwrap();
    clock.set(20);
    assert_eq!(records.empty(&scope).await.unwrap(), 2);
    assert_eq!(records.models("p", "github", "c1").await.unwrap(), []);
    assert_eq!(walk(&records, &scope, limit(1)).await, []);
    assert_eq!(records.count(&scope, None).await.unwrap(), 0);
    let page = entries(&[("a", 1)]);
    assert_eq!(save(&records, &scope, "j", page).await.added, 1);
    let second = walk(&records, &scope, limit(1)).await;
    assert_ne!(first[0].uuid, second[0].uuid);
    assert!(second[0].first_seen_at > 20, "emptied before it is filled");
    let since = Unseen::Since(mark);
    let deleted = records.delete_unseen(&scope, &since, "j").await.unwrap();
    assert_eq!(deleted, Vec::<String>::new());
    for (at, expected) in [
        (9, &[][..]),
        (10, &first),
        (19, &first),
        (20, &[]),
        (21, &second),
    ] {
        let as_of = Some(at);
        let then = walk(&records, &scope, Query { as_of, ..limit(1) }).await;
        assert_eq!(then, expected, "at {at}");
        let count = records.count(&scope, as_of).await.unwrap();
        assert_eq!(count, expected.len() as u64);
    }
}

async fn dropping_leaves_nothing(bed: Bed) {
    let clock = Hand::at(10);
    let records = bed.open(&clock).await;
    let kept = scope("Kept");
    let mut other = kept.clone();
    other.connection = "c2".to_owned();
    let mut foreign = kept.clone();
    foreign.project = "q".to_owned();
    for scope in [&kept, &other, &foreign] {
        save(&records, scope, "j", entries(&[("a", 1), ("b", 1)])).await;
        save(&records, scope, "j", entries(&[("a", 2)])).await;
    }
    records.empty(&other).await.unwrap();
    save(&records, &other, "j", entries(&[("a", 2)])).await;
    assert_eq!(
        records.drop_connection("p", "github", "c2").await.unwrap(),
        1
    );
    for at in [None, Some(10), Some(11), Some(i64::MAX)] {
        assert_eq!(records.count(&other, at).await.unwrap(), 0);
        let there = walk(
            &records,
            &kept,
            Query {
                as_of: at,
                ..limit(1)
            },
        )
        .await;
        assert_eq!(there.len(), 2);
    }
    let page = entries(&[("a", 2)]);
    assert_eq!(save(&records, &other, "j", page).await.added, 1);
    let fresh = walk(&records, &other, limit(5)).await;
    assert_eq!(fresh[0].first_seen_at, fresh[0].last_modified_at);

    assert!(records.acquire("p", "k", "me", 100, 0).await.unwrap());
    assert!(records.acquire("q", "k", "me", 100, 0).await.unwrap());
    assert_eq!(records.drop_project("p").await.unwrap(), 3);
    assert_eq!(records.count(&kept, Some(11)).await.unwrap(), 0);
    assert_eq!(records.count(&foreign, None).await.unwrap(), 2);
    assert!(records.acquire("p", "k", "you", 100, 0).await.unwrap());
    assert!(!records.acquire("q", "k", "you", 100, 0).await.unwrap());
    assert_eq!(records.drop_project("q").await.unwrap(), 2);
    assert_eq!(records.drop_project("q").await.unwrap(), 0);
}

async fn time_goes_on_when_the_clock_does_not(bed: Bed) {
    let clock = Hand::at(1000);
    let records = bed.open(&clock).await;
    let (one, other) = (scope("One"), scope("Other"));
    let mut reader = Vec::new();
    let mut cursor: Option<Cursor> = None;
    for n in 0..20 {
        clock.set(1000 - n);
        save(&records, &one, "j", entries(&[("a", n), ("b", n / 2)])).await;
        // One that reads on from where it was misses nothing.
        let query = Query {
            cursor,
            ..limit(50)
        };
        let page = records.list(&one, query).await.unwrap().records;
        cursor = page.last().map(|record| record.cursor()).or(cursor);
        reader.extend(page.into_iter().map(|record| record.last_modified_at));
    }
    assert_eq!(reader.len(), 30, "each change of each record");
    save(&records, &other, "j", entries(&[("a", 1)])).await;
    let found = walk(&records, &other, limit(1)).await;
    assert!(found[0].first_seen_at >= *reader.last().unwrap());
}
