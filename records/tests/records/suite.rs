//! Saving and deleting, on every backend.

use records::{Action, Entry, Error, MOST, Merging, Mode, Query, Unseen};
use serde_json::json;

use crate::bed::{Bed, Hand, content, entries, ids, limit, save, scope, walk};

on_both!(
    a_record_from_its_first_day_to_its_last,
    a_page_has_each_id_once,
    an_update_merges_and_adds_nothing,
    what_was_modified_later_stays,
    bytes_are_kept_as_they_are,
    what_was_not_seen_is_deleted,
    many_that_were_not_seen_are_deleted,
    locks_are_held_by_one,
    names_that_cannot_be_kept_are_refused,
    a_closed_store_says_so,
);

async fn a_record_from_its_first_day_to_its_last(bed: Bed) {
    let clock = Hand::at(1000);
    let scope = scope("Issue");
    let records = bed.open(&clock).await;
    assert_eq!(
        save(&records, &scope, "j1", entries(&[("a", 1)]))
            .await
            .added,
        1
    );
    clock.set(2000);
    let again = Entry::new("a", &json!({ "n": 1, "id": "a" }));
    assert_eq!(save(&records, &scope, "j2", vec![again]).await.unchanged, 1);
    let one = records.get(&scope, vec!["a".to_owned()]).await.unwrap();
    assert_eq!(
        (one[0].first_seen_at, one[0].last_modified_at),
        (1000, 1000)
    );
    assert_eq!(one[0].last_action, Action::Added);

    clock.set(3000);
    assert_eq!(
        save(&records, &scope, "j3", entries(&[("a", 2)]))
            .await
            .updated,
        1
    );
    clock.set(4000);
    let gone = ["a", "b"].map(str::to_owned).to_vec();
    let counts = records.delete(&scope, "j4", gone.clone()).await.unwrap();
    assert_eq!((counts.deleted, counts.unknown), (1, vec!["b".to_owned()]));
    let counts = records.delete(&scope, "j4", gone).await.unwrap();
    assert_eq!((counts.deleted, counts.unchanged), (0, 1));
    assert_eq!(records.count(&scope, None).await.unwrap(), 0);
    records.close().await;
    drop(records);

    clock.set(5000);
    let records = bed.open(&clock).await;
    let deleted = walk(&records, &scope, limit(10)).await.remove(0);
    assert_eq!(deleted.deleted_at, Some(4000));
    assert_eq!(deleted.last_action, Action::Deleted);
    assert_eq!(content(&deleted), Some(json!({ "id": "a", "n": 2 })));
    // The content is what it was: it is added all the same.
    assert_eq!(
        save(&records, &scope, "j5", entries(&[("a", 2)]))
            .await
            .added,
        1
    );
    let back = walk(&records, &scope, limit(10)).await.remove(0);
    assert_eq!((back.first_seen_at, back.last_modified_at), (1000, 5000));
    assert_eq!((back.last_action, back.deleted_at), (Action::Added, None));
    assert_eq!((one[0].uuid, deleted.uuid), (back.uuid, back.uuid));

    let mut seen = Vec::new();
    for at in [999, 1000, 2999, 3000, 4000, 4999, 5000] {
        let as_of = Some(at);
        let then = walk(&records, &scope, Query { as_of, ..limit(1) }).await;
        let n = then.first().map(|then| content(then).unwrap()["n"].clone());
        let action = then.first().map(|then| then.last_action);
        seen.push((n.and_then(|n| n.as_i64()), action));
        let count = records.count(&scope, as_of).await.unwrap();
        let is_there = action.is_some_and(|action| action != Action::Deleted);
        assert_eq!(count, u64::from(is_there), "at {at}");
    }
    let added = |n| (Some(n), Some(Action::Added));
    let (updated, deleted) = (Some(Action::Updated), Some(Action::Deleted));
    assert_eq!(
        seen,
        [
            (None, None),
            added(1),
            added(1),
            (Some(2), updated),
            (Some(2), deleted),
            (Some(2), deleted),
            added(2),
        ]
    );
}

async fn a_page_has_each_id_once(bed: Bed) {
    let records = bed.open(&Hand::at(1)).await;
    let scope = scope("M");
    let page = entries(&[("a", 1), ("b", 1), ("a", 2)]);
    let counts = save(&records, &scope, "j", page).await;
    assert_eq!((counts.added, counts.duplicates), (2, vec!["a".to_owned()]));
    let found = records.get(&scope, vec!["a".to_owned()]).await.unwrap();
    assert_eq!(content(&found[0]).unwrap()["n"], 1);
    let twice = vec!["b".to_owned(), "b".to_owned()];
    let counts = records.delete(&scope, "j", twice).await.unwrap();
    assert_eq!(
        (counts.deleted, counts.duplicates),
        (1, vec!["b".to_owned()])
    );
}

async fn an_update_merges_and_adds_nothing(bed: Bed) {
    let records = bed.open(&Hand::at(1)).await;
    let scope = scope("M");
    let update = |mode, page| records.save(&scope, "j", page, mode, Merging::Override);
    let patch = vec![Entry::new("a", &json!({ "o": { "y": [3] } }))];
    // There is not even a scope.
    let counts = update(Mode::Update, patch.clone()).await.unwrap();
    assert_eq!(counts.unknown, ["a"]);
    assert_eq!(records.models("p", "github", "c1").await.unwrap(), []);

    let whole = json!({ "id": "a", "o": { "x": 1, "y": [1, 2] } });
    save(&records, &scope, "j", vec![Entry::new("a", &whole)]).await;
    let counts = update(Mode::Update, patch.clone()).await.unwrap();
    assert_eq!((counts.updated, counts.unknown.len()), (1, 0));
    let counts = update(Mode::Update, patch.clone()).await.unwrap();
    assert_eq!((counts.updated, counts.unchanged), (0, 1));
    let found = walk(&records, &scope, limit(5)).await;
    let merged = json!({ "id": "a", "o": { "x": 1, "y": [3] } });
    assert_eq!(content(&found[0]), Some(merged.clone()));
    // The hash is that of the whole: saving it is no change.
    let counts = save(&records, &scope, "j", vec![Entry::new("a", &merged)]).await;
    assert_eq!(counts.unchanged, 1);

    let page = vec![patch[0].clone(), Entry::new("b", &json!({}))];
    let counts = update(Mode::Replace, page).await.unwrap();
    assert_eq!((counts.updated, counts.unknown), (1, vec!["b".to_owned()]));
    let found = walk(&records, &scope, limit(5)).await;
    assert_eq!(content(&found[0]), Some(json!({ "o": { "y": [3] } })));

    let bytes = vec![Entry::sealed("a", vec![0, 159], [7; 32])];
    let refused = update(Mode::Update, bytes.clone()).await;
    assert!(matches!(refused, Err(Error::NotObject { id }) if id == "a"));
    let mut page = entries(&[("new", 1)]);
    page.extend(bytes);
    save(&records, &scope, "j", page).await;
    let refused = update(Mode::Update, patch.clone()).await;
    assert!(matches!(refused, Err(Error::NotObject { .. })));

    records
        .delete(&scope, "j", vec!["a".to_owned()])
        .await
        .unwrap();
    for mode in [Mode::Update, Mode::Replace] {
        let counts = update(mode, patch.clone()).await.unwrap();
        assert_eq!(counts.unknown, ["a"]);
    }
}

async fn what_was_modified_later_stays(bed: Bed) {
    let clock = Hand::at(100);
    let records = bed.open(&clock).await;
    let scope = scope("M");
    save(&records, &scope, "j", entries(&[("old", 1)])).await;
    clock.set(200);
    save(&records, &scope, "j", entries(&[("late", 1), ("gone", 1)])).await;
    records
        .delete(&scope, "j", vec!["gone".to_owned()])
        .await
        .unwrap();
    let mark = records.mark().await.unwrap();
    let page = entries(&[("old", 2), ("late", 2), ("gone", 2), ("new", 2)]);
    let merging = Merging::IgnoreIfModifiedAfter(100);
    let counts = records
        .save(&scope, "j", page, Mode::Save, merging)
        .await
        .unwrap();
    assert_eq!((counts.added, counts.updated, counts.unchanged), (1, 1, 2));
    let since = Unseen::Since(mark);
    let deleted = records.delete_unseen(&scope, &since, "j").await.unwrap();
    assert_eq!(deleted, Vec::<String>::new(), "all of them were seen");
    let found = walk(&records, &scope, limit(2)).await;
    let late = found.iter().find(|record| record.id == "late").unwrap();
    assert_eq!(content(late).unwrap()["n"], 1);
    assert_eq!(records.count(&scope, None).await.unwrap(), 3);
}

async fn bytes_are_kept_as_they_are(bed: Bed) {
    let records = bed.open(&Hand::at(1)).await;
    let scope = scope("ß \u{1F600} '\"");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let sealed = Entry::sealed("ü|,{}\\\"", bytes.clone(), [1; 32]);
    let empty = Entry::sealed("NULL", Vec::new(), [2; 32]);
    save(&records, &scope, "j", vec![sealed, empty]).await;
    let found = walk(&records, &scope, limit(1)).await;
    assert_eq!(ids(&found), ["ü|,{}\\\"", "NULL"]);
    assert_eq!(found[0].payload, Some(bytes));
    assert_eq!(found[1].payload, Some(Vec::new()));
    // The hash decides, not the bytes.
    let other = Entry::sealed("NULL", vec![1], [2; 32]);
    assert_eq!(save(&records, &scope, "j", vec![other]).await.unchanged, 1);
    let models = records.models("p", "github", "c1").await.unwrap();
    assert_eq!(
        (models[0].model.as_str(), models[0].count),
        ("ß \u{1F600} '\"", 2)
    );
}

async fn what_was_not_seen_is_deleted(bed: Bed) {
    let clock = Hand::at(1);
    let records = bed.open(&clock).await;
    let scope = scope("M");
    save(
        &records,
        &scope,
        "j1",
        entries(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]),
    )
    .await;
    let mark = records.mark().await.unwrap();
    save(&records, &scope, "j2", entries(&[("b", 1)])).await;
    records.close().await;
    drop(records);
    let records = bed.open(&clock).await;
    save(&records, &scope, "j3", entries(&[("c", 2)])).await;
    records
        .delete(&scope, "j3", vec!["d".to_owned()])
        .await
        .unwrap();
    let since = Unseen::Since(mark);
    let deleted = records.delete_unseen(&scope, &since, "j3");
    assert_eq!(deleted.await.unwrap(), ["a"]);
    let not_by = Unseen::NotBy("j3".to_owned());
    let deleted = records.delete_unseen(&scope, &not_by, "j3").await.unwrap();
    assert_eq!(deleted, ["b"]);
    assert_eq!(records.count(&scope, None).await.unwrap(), 1);
    // Not of this scope.
    let other = crate::bed::scope("Other");
    let since = Unseen::Since(i64::MAX);
    let deleted = records.delete_unseen(&other, &since, "j3").await.unwrap();
    assert_eq!(deleted, Vec::<String>::new());
}

async fn many_that_were_not_seen_are_deleted(bed: Bed) {
    let records = bed.open(&Hand::at(1)).await;
    let scope = scope("M");
    let page = |ids: std::ops::Range<i64>| -> Vec<Entry> {
        let entry = |n: i64| Entry::new(n.to_string(), &json!({ "n": n }));
        ids.map(entry).collect()
    };
    save(&records, &scope, "j1", page(0..4500)).await;
    let mark = records.mark().await.unwrap();
    save(&records, &scope, "j2", page(1200..2400)).await;
    let since = Unseen::Since(mark);
    let mut deleted = records.delete_unseen(&scope, &since, "j2").await.unwrap();
    deleted.sort_unstable_by_key(|id| id.parse::<i64>().unwrap());
    let expected = (0..1200).chain(2400..4500).map(|n| n.to_string());
    assert_eq!(deleted, expected.collect::<Vec<_>>());
    assert_eq!(records.count(&scope, None).await.unwrap(), 1200);
    assert_eq!(walk(&records, &scope, limit(999)).await.len(), 4500);
}

async fn locks_are_held_by_one(bed: Bed) {
    let records = bed.open(&Hand::at(1)).await;
    let acquire = |key, owner, now| records.acquire("p", key, owner, 100, now);
    assert!(acquire("k", "a", 1000).await.unwrap());
    assert!(!acquire("k", "b", 1099).await.unwrap());
    assert!(acquire("k", "a", 1050).await.unwrap(), "prolonged");
    assert!(!acquire("k", "b", 1149).await.unwrap());
    assert!(acquire("k", "b", 1150).await.unwrap(), "run out");
    assert!(!records.release("p", "k", "a").await.unwrap());
    assert!(records.acquire("q", "k", "a", 100, 1150).await.unwrap());
    assert!(acquire("l", "b", 1150).await.unwrap());
    assert!(acquire("m", "a", 1150).await.unwrap());
    assert_eq!(records.release_all("b").await.unwrap(), 2);
    assert!(acquire("k", "c", 1150).await.unwrap());
    assert!(!acquire("m", "c", 1150).await.unwrap());
    assert!(records.release("p", "k", "c").await.unwrap());
    assert!(!records.release("p", "k", "c").await.unwrap());
}

async fn names_that_cannot_be_kept_are_refused(bed: Bed) {
    let records = bed.open(&Hand::at(1)).await;
    let good = scope("M");
    let longest = "é".repeat(512);
    let page = vec![Entry::new(longest.clone(), &json!({}))];
    assert_eq!(save(&records, &good, "j", page).await.added, 1);
    for id in [String::new(), "a\0b".to_owned(), longest + "e"] {
        let page = vec![Entry::new(id.clone(), &json!({}))];
        let refused = records.save(&good, "j", page, Mode::Save, Merging::Override);
        assert!(matches!(refused.await, Err(Error::Name { .. })));
        let refused = records.get(&good, vec![id]).await;
        assert!(matches!(refused, Err(Error::Name { .. })));
    }
    let mut bad = good.clone();
    bad.variant.clear();
    let refused = records.count(&bad, None).await;
    let what = refused.unwrap_err().to_string();
    assert_eq!(what, "a variant has 1 to 512 bytes and no zero among them");
    // All names as long as they may be.
    let mut long = good.clone();
    let random = |seed: u8| -> String {
        let number = |n: u32| (n.wrapping_mul(2_654_435_761) >> 7) as u8 ^ seed;
        (0..512)
            .map(|n| char::from(b'!' + number(n) % 90))
            .collect()
    };
    (long.project, long.integration) = (random(1), random(2));
    (long.connection, long.model, long.variant) = (random(3), random(4), random(5));
    assert_eq!(
        save(&records, &long, "j", entries(&[("a", 1)])).await.added,
        1
    );

    let many = vec!["a".to_owned(); MOST + 1];
    let refused = records.delete(&good, "j", many).await;
    assert!(matches!(refused, Err(Error::TooMany { .. })));
}

async fn a_closed_store_says_so(bed: Bed) {
    let records = bed.open(&Hand::at(1)).await;
    let other = records.clone();
    records.close().await;
    assert!(matches!(other.mark().await, Err(Error::Closed)));
    let dropped = other.drop_project("p").await;
    assert!(matches!(dropped, Err(Error::Closed)));
}
