//! What holds for every backend.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use journal::{Append, Clock, Conflict, Error, Metadata, Outcome, verify};

use crate::bed::{Bed, Hand, append, appended, command, event, everything, numbers, shown, stream};

/// Makes one test of each behaviour for a backend: `suite!(Sqlite::new())`.
macro_rules! suite {
    ($bed:expr) => {
        suite!($bed; concurrent_appends_lose_nothing, a_command_is_done_once,
            conflicts_write_nothing, append_all_is_all_or_nothing, reopening_continues_the_chain,
            time_never_goes_backwards, waiting_for_the_head, what_is_read_is_what_was_written,
            snapshots_round_trip, tampering_is_found, nothing_after_close);
        suite!($bed; cqrs: a_cqrs_program_runs_on_the_journal,
            upcasters_are_honoured_in_every_kind_of_store);

        #[test]
        fn agrees_with_a_simple_model() {
            $crate::model::agrees(|| $bed);
        }
    };
    ($bed:expr; cqrs: $($behaviour:ident),*) => {
        $(
            #[tokio::test]
            async fn $behaviour() {
                $crate::cqrs::$behaviour(&$bed).await;
            }
        )*
    };
    ($bed:expr; $($behaviour:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                $crate::suite::$behaviour(&$bed).await;
            }
        )*
    };
}
pub(crate) use suite;

/// 64 tasks on few streams, each appending until the stream is where it saw it.
pub async fn concurrent_appends_lose_nothing(bed: &impl Bed) {
    const TASKS: u64 = 64;
    const EACH: u64 = 12;
    let journal = bed.open(Clock::system()).await;
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let journal = Arc::clone(&journal);
        tasks.push(tokio::spawn(async move {
            let key = format!("s{}", task % 5);
            let mut expected = 0;
            for n in 0..EACH {
                let payload = task * EACH + n;
                loop {
                    let request = append(&key, expected, &[payload]);
                    match journal.append(request).await.expect("append") {
                        Outcome::Appended(appended) => {
                            assert_eq!(appended.sequence, expected + 1);
                            assert!(journal.head() >= appended.last, "acknowledged is visible");
                            expected = appended.sequence;
                            break;
                        }
                        Outcome::Conflict(conflict) => {
                            assert_eq!(conflict.expected, expected);
                            assert_ne!(conflict.actual, expected);
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
    let found = numbers(&everything(&*journal).await);
    assert_eq!(found.len() as u64, TASKS * EACH);
    let distinct: HashSet<u64> = found.into_iter().collect();
    assert_eq!(distinct, (0..TASKS * EACH).collect());
}

pub async fn a_command_is_done_once(bed: &impl Bed) {
    let journal = bed.open(Clock::system()).await;
    let first = command("c1", 1, append("a", 0, &[1, 2]));
    let done = appended(&journal.append(first.clone()).await.expect("append"));
    assert_eq!((done.first, done.last, done.sequence), (1, 2, 2));
    // Its own events have moved the stream: known before it is a conflict.
    let again = journal.append(first.clone()).await.expect("append");
    assert_eq!(again, Outcome::Duplicate(done));
    let other = command("c1", 2, append("a", 2, &[3]));
    assert_eq!(
        journal.append(other).await.expect("append"),
        Outcome::Reused
    );
    let stored = journal.outcome("c1").await.expect("outcome");
    assert_eq!(stored, Some((done, [1; 32])));
    assert_eq!(journal.outcome("c2").await.expect("outcome"), None);

    // Ten at the same time, and so likely in one batch: one is first.
    let same = command("c2", 1, append("b", 0, &[4]));
    let requests = (0..10).map(|_| journal.append(same.clone()));
    let outcomes = futures::future::try_join_all(requests)
        .await
        .expect("append");
    let firsts = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Appended(_)))
        .count();
    assert_eq!(firsts, 1);
    let done = appended(
        outcomes
            .iter()
            .find(|outcome| matches!(outcome, Outcome::Appended(_)))
            .expect("the first"),
    );
    assert!(outcomes.iter().all(|outcome| match outcome {
        Outcome::Appended(seen) | Outcome::Duplicate(seen) => *seen == done,
        _ => false,
    }));

    // Without events only the outcome is kept.
    let empty = command("c3", 1, append("b", 1, &[]));
    let nothing = appended(&journal.append(empty.clone()).await.expect("append"));
    assert_eq!((nothing.first, nothing.last, nothing.sequence), (3, 3, 1));
    // A refused command is not remembered: it may be sent again.
    let refused = command("c4", 1, append("b", 9, &[5]));
    let outcome = journal.append(refused).await.expect("append");
    assert!(matches!(outcome, Outcome::Conflict(_)));
    let sent_again = command("c4", 2, append("b", 1, &[5]));
    appended(&journal.append(sent_again).await.expect("append"));

    // What is remembered outlives the process.
    journal.close().await;
    drop(journal);
    let journal = bed.open(Clock::system()).await;
    let outcome = journal.append(empty).await.expect("append");
    assert_eq!(outcome, Outcome::Duplicate(nothing));
    let outcome = journal.append(first).await.expect("append");
    assert!(matches!(outcome, Outcome::Duplicate(_)));
    assert_eq!(numbers(&everything(&*journal).await), [1, 2, 4, 5]);
}

pub async fn conflicts_write_nothing(bed: &impl Bed) {
    let journal = bed.open(Clock::system()).await;
    for expected in [1, 7] {
        let outcome = journal.append(append("a", expected, &[9])).await;
        let conflict = Conflict {
            expected,
            actual: 0,
        };
        assert_eq!(outcome.expect("append"), Outcome::Conflict(conflict));
    }
    // One conflict among others in the same batch does not disturb them.
    let requests = [
        append("a", 0, &[1]),
        append("b", 0, &[2]),
        append("a", 0, &[9]),
        append("a", 1, &[3]),
        append("b", 2, &[9]),
    ];
    let requests = requests.into_iter().map(|request| journal.append(request));
    let outcomes = futures::future::try_join_all(requests)
        .await
        .expect("append");
    let conflict = |expected, actual| Outcome::Conflict(Conflict { expected, actual });
    assert_eq!(outcomes[2], conflict(0, 1));
    assert_eq!(outcomes[4], conflict(2, 1));
    let mut found = numbers(&everything(&*journal).await);
    if !bed.has_queue() {
        found.sort_unstable();
    }
    assert_eq!(found, [1, 2, 3]);
}

pub async fn append_all_is_all_or_nothing(bed: &impl Bed) {
    let journal = bed.open(Clock::system()).await;
    if !journal.is_atomic_across_streams() {
        return;
    }
    let all = |appends: Vec<Append>| journal.append_all(appends);
    assert_eq!(all(Vec::new()).await.expect("append_all"), []);
    let outcomes = all(vec![
        append("a", 0, &[1, 2]),
        append("b", 0, &[3]),
        append("a", 2, &[4]),
    ]);
    let outcomes = outcomes.await.expect("append_all");
    let places: Vec<_> = outcomes
        .iter()
        .map(appended)
        .map(|appended| (appended.first, appended.last, appended.sequence))
        .collect();
    assert_eq!(places, [(1, 2, 2), (3, 3, 1), (4, 4, 3)]);

    let refused = all(vec![append("a", 3, &[9]), append("b", 0, &[9])]);
    let refused = refused.await.expect("append_all");
    assert!(matches!(refused[1], Outcome::Conflict(_)), "{refused:?}");
    assert_eq!(journal.head(), 4);

    // One command on two streams: remembered once, done once.
    let both = vec![
        command("c", 1, append("a", 3, &[5])),
        command("c", 1, append("b", 1, &[6])),
    ];
    let first = all(both.clone()).await.expect("append_all");
    let first = appended(&first[0]);
    let again = all(both).await.expect("append_all");
    assert_eq!(
        again,
        [Outcome::Duplicate(first), Outcome::Duplicate(first)]
    );
    let mixed = all(vec![
        append("a", 4, &[9]),
        command("c", 2, append("b", 2, &[9])),
    ]);
    assert_eq!(mixed.await.expect("append_all")[1], Outcome::Reused);
    assert_eq!(numbers(&everything(&*journal).await), [1, 2, 3, 4, 5, 6]);

    // Opened again, it knows the commands of before as well as those of now,
    // also when one request has both.
    journal.close().await;
    drop(journal);
    let journal = bed.open(Clock::system()).await;
    let now = command("d", 1, append("c", 0, &[7]));
    let second = appended(&journal.append(now.clone()).await.expect("append"));
    let both = vec![now, command("c", 1, append("d", 0, &[9]))];
    assert_eq!(
        journal.append_all(both).await.expect("append_all"),
        [Outcome::Duplicate(second), Outcome::Duplicate(first)]
    );
    // Nor does it take a stream for new because it says so and adds nothing.
    for request in [
        append("a", 0, &[]),
        command("e", 1, append("b", 0, &[])),
        append("a", 0, &[9]),
    ] {
        let refused = journal.append(request).await.expect("append");
        assert!(matches!(refused, Outcome::Conflict(_)), "{refused:?}");
    }
    assert_eq!(everything(&*journal).await.len(), 7);
}

pub async fn reopening_continues_the_chain(bed: &impl Bed) {
    for round in 0..3 {
        let journal = bed.open(Clock::system()).await;
        assert_eq!(journal.head(), round * 2);
        let request = append("a", round * 2, &[round * 2, round * 2 + 1]);
        appended(&journal.append(request).await.expect("append"));
        let outcome = journal.append(append("a", round, &[9])).await;
        assert!(matches!(outcome, Ok(Outcome::Conflict(_))));
        let events = everything(&*journal).await;
        assert_eq!(events[0].previous_hash, journal::chain::GENESIS);
        for pair in events.windows(2) {
            assert_eq!(pair[0].hash, pair[1].previous_hash);
        }
        journal.close().await;
    }
}

pub async fn time_never_goes_backwards(bed: &impl Bed) {
    if !bed.has_clock() {
        return;
    }
    let hand = Hand::at(0);
    let journal = bed.open(hand.clock()).await;
    assert_eq!(journal.position_at(i64::MAX).await.expect("position"), 0);
    for (sequence, now) in [1000, 2000, 500, 1500, 3000].into_iter().enumerate() {
        hand.set(now);
        let request = append("a", sequence as u64, &[now as u64]);
        appended(&journal.append(request).await.expect("append"));
    }
    let events = everything(&*journal).await;
    let times: Vec<i64> = events.iter().map(|event| event.recorded_at).collect();
    assert_eq!(times, [1000, 2000, 2000, 2000, 3000]);
    for (millis, position) in [
        (i64::MIN, 0),
        (999, 0),
        (1000, 1),
        (1999, 1),
        (2000, 4),
        (2999, 4),
        (3000, 5),
        (i64::MAX, 5),
    ] {
        let found = journal.position_at(millis).await.expect("position");
        assert_eq!(found, position, "at {millis}");
    }
    journal.close().await;
    drop(journal);

    // Neither across a restart.
    hand.set(10);
    let journal = bed.open(hand.clock()).await;
    let outcome = journal.append(append("a", 5, &[6])).await.expect("append");
    assert_eq!(appended(&outcome).recorded_at, 3000);
}

pub async fn waiting_for_the_head(bed: &impl Bed) {
    let long = Duration::from_secs(60);
    let journal = bed.open(Clock::system()).await;
    let head = journal.wait_beyond(0, Duration::from_millis(20)).await;
    assert_eq!(head, 0, "nothing came");
    let waiting = tokio::spawn({
        let journal = Arc::clone(&journal);
        async move { journal.wait_beyond(1, long).await }
    });
    let append_two = async {
        for n in 0..2 {
            appended(&journal.append(append("a", n, &[n])).await.expect("append"));
        }
    };
    append_two.await;
    assert_eq!(waiting.await.expect("task"), 2);
    assert_eq!(journal.wait_beyond(0, long).await, 2, "passed already");
}

pub async fn what_is_read_is_what_was_written(bed: &impl Bed) {
    let hand = Hand::at(1_700_000_000_000);
    let journal = bed.open(hand.clock()).await;
    let payload = "{ \"b\": 1,\n \"a\": \"ä 😀 \\u0000 '; DROP TABLE events\", \"n\": 1e400 }";
    let metadata = Metadata {
        command_id: "command".to_owned(),
        actor: "key:1".to_owned(),
        correlation_id: "correlation".to_owned(),
        causation_id: "causation".to_owned(),
        request_id: "request".to_owned(),
        project: "project".to_owned(),
        extra: r#"{"more":"x"}"#.to_owned(),
    };
    let request = Append {
        events: vec![event(payload), event("null")],
        metadata: metadata.clone(),
        ..append("ä:-'x", 0, &[])
    };
    appended(&journal.append(request).await.expect("append"));
    for n in 0..20 {
        appended(&journal.append(append("b", n, &[n])).await.expect("append"));
    }
    let before = everything(&*journal).await;
    journal.close().await;
    drop(journal);
    let journal = bed.open(hand.clock()).await;
    let after = everything(&*journal).await;
    assert_eq!(shown(&before), shown(&after));

    let first = &after[0];
    assert_eq!(first.stream, stream("ä:-'x"));
    assert_eq!(first.payload.get(), payload, "byte for byte");
    assert_eq!(*first.metadata, metadata);
    assert_eq!((&*first.kind, &*first.version), ("Counted", "1"));
    assert!(first.recorded_at == 1_700_000_000_000 || !bed.has_clock());

    let part = journal.read_stream(&stream("b"), 5, 3).await.expect("read");
    assert_eq!(numbers(&part), [5, 6, 7]);
    assert_eq!(part[0].sequence, 6);
    let rest = journal.read_stream(&stream("b"), 17, usize::MAX).await;
    assert_eq!(numbers(&rest.expect("read")), [17, 18, 19]);
    let beyond = journal.read_stream(&stream("b"), u64::MAX, 9).await;
    assert!(beyond.expect("read").is_empty());
    let none = journal.read_stream(&stream("c"), 0, 9).await;
    assert!(none.expect("read").is_empty());
    assert!(journal.read_all(0, 0).await.expect("read").is_empty());
    assert!(
        journal
            .read_all(u64::MAX, 9)
            .await
            .expect("read")
            .is_empty()
    );
}

pub async fn snapshots_round_trip(bed: &impl Bed) {
    let journal = bed.open(Clock::system()).await;
    let outcome = journal.append(append("a", 0, &[1, 2, 3, 4, 5])).await;
    appended(&outcome.expect("append"));
    let a = stream("a");
    let load = |fold| journal.load_snapshot(&a, fold);
    let save =
        |fold, sequence, state: &[u8]| journal.save_snapshot(&a, fold, sequence, state.to_vec());
    assert_eq!(load(1).await.expect("load"), None);
    save(1, 3, b"three").await.expect("save");
    assert_eq!(load(1).await.expect("load"), Some((3, b"three".to_vec())));
    assert_eq!(load(2).await.expect("load"), None, "another fold");
    save(1, 5, b"").await.expect("save");
    save(1, 4, b"late").await.expect("save");
    assert_eq!(load(1).await.expect("load"), Some((5, Vec::new())));
    // One that is ahead of its stream comes from another history.
    save(2, 6, b"ahead").await.expect("save");
    assert_eq!(load(2).await.expect("load"), None);
    journal.close().await;
    drop(journal);
    let journal = bed.open(Clock::system()).await;
    let kept = journal.load_snapshot(&a, 1).await.expect("load");
    assert_eq!(kept, Some((5, Vec::new())));
}

pub async fn tampering_is_found(bed: &impl Bed) {
    if !bed.has_sql() {
        return;
    }
    let hand = Hand::at(1000);
    let journal = bed.open(hand.clock()).await;
    for n in 0..9 {
        let key = if n % 2 == 0 { "a" } else { "b" };
        let outcome = journal.append(append(key, n / 2, &[n])).await;
        appended(&outcome.expect("append"));
    }
    everything(&*journal).await;
    journal.close().await;
    drop(journal);

    let cases = [
        ("payload = '99'", "payload = '4'", 5, "content"),
        ("payload = '{'", "payload = '4'", 5, "JSON"),
        ("recorded_at = 1001", "recorded_at = 1000", 5, "content"),
        ("actor = 'root'", "actor = 'test'", 5, "content"),
        (
            "event_type = 'Lost'",
            "event_type = 'Counted'",
            5,
            "content",
        ),
        ("aggregate_id = 'c'", "aggregate_id = 'a'", 5, "content"),
        ("position = 50", "position = 5", 5, "missing"),
    ];
    for (change, undo, position, reason) in cases {
        let update = format!("UPDATE events SET {change} WHERE position = 5");
        if !bed.tamper(&update).await {
            continue;
        }
        let journal = bed.open(hand.clock()).await;
        let report = verify(&*journal, 0).await.expect("verify");
        let broken = report
            .broken
            .unwrap_or_else(|| panic!("{change} not found"));
        assert_eq!(broken.position, position, "{change}: {broken:?}");
        assert!(broken.reason.contains(reason), "{change}: {broken:?}");
        assert_eq!((report.checked, report.position), (4, 4), "{change}");
        journal.close().await;
        drop(journal);
        let undo = format!("UPDATE events SET {undo} WHERE position IN (5, 50)");
        assert!(bed.tamper(&undo).await);
    }

    // A row whose own hash was made to fit still breaks the chain behind it.
    let journal = bed.open(hand.clock()).await;
    let mut forged = journal.read_stored(4, 1).await.expect("read").remove(0);
    forged.payload = event("99").payload;
    let hash = hex::encode(journal::chain::hash(&forged));
    let whole = verify(&*journal, 0).await.expect("verify");
    assert_eq!((whole.broken, whole.checked), (None, 9));
    journal.close().await;
    drop(journal);
    let forge = format!(
        "UPDATE events SET payload = '99', hash = {} WHERE position = 5",
        bed.bytes(&hash)
    );
    assert!(bed.tamper(&forge).await);
    let journal = bed.open(hand.clock()).await;
    let report = verify(&*journal, 0).await.expect("verify");
    let broken = report.broken.expect("found");
    assert_eq!(broken.position, 6);
    assert!(broken.reason.contains("does not follow"), "{broken:?}");
    // From behind the damage everything holds.
    let report = verify(&*journal, 6).await.expect("verify");
    assert_eq!((report.broken, report.checked), (None, 3));
    assert_eq!(report.hash, whole.hash);
}

pub async fn nothing_after_close(bed: &impl Bed) {
    let journal = bed.open(Clock::system()).await;
    // What was accepted before is finished.
    let requests: Vec<_> = (0..20)
        .map(|n| {
            tokio::spawn({
                let journal = Arc::clone(&journal);
                async move { journal.append(append(&n.to_string(), 0, &[n])).await }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    journal.close().await;
    let mut written = 0;
    for request in requests {
        match request.await.expect("task") {
            Ok(outcome) => written = appended(&outcome).last.max(written),
            Err(Error::Closed) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let refused = journal.append(append("z", 0, &[1])).await;
    assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
    let refused = journal.read_stored(0, 1).await;
    assert!(matches!(refused, Err(Error::Closed)));
    journal.close().await;
    drop(journal);
    let journal = bed.open(Clock::system()).await;
    assert_eq!(journal.head(), written);
    everything(&*journal).await;
}
