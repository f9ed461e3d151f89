//! What only the server in this process can be made to do.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use journal::kurrentdb::{KurrentDb, Options};
use journal::{Append, Conflict, Error, Event, Journal, Outcome, verify};

use super::server::Server;
use super::wire::{AppendOptions, ProposedMessage, StreamIdentifier, Uuid};
use super::{Place, prefix};
use crate::bed::{append, appended, command, event, everything, numbers, shown, stream};

fn here() -> Place {
    Place::on(Server::start())
}

impl Place {
    fn server(&self) -> &Server {
        self.server.as_ref().expect("in this process")
    }

    fn server_mut(&mut self) -> &mut Server {
        self.server.as_mut().expect("in this process")
    }

    /// How many events the streams have whose names go on like this behind the
    /// prefix.
    fn stored(&self, name: &str) -> usize {
        let name = format!("{}{name}", self.prefix);
        let streams = self.server().store.streams();
        let found = streams
            .iter()
            .filter(|(stream, _)| stream.starts_with(&name));
        found.map(|(_, count)| count).sum()
    }

    /// Appends as another program does.
    fn foreign(&self, key: &str, kind: &str, data: &str, metadata: &str) {
        let options = AppendOptions {
            stream_identifier: Some(StreamIdentifier {
                stream_name: format!("{}.counter-{key}", self.prefix).into_bytes(),
            }),
            any: Some(()),
            ..AppendOptions::default()
        };
        let message = ProposedMessage {
            id: Some(Uuid {
                string: Some(uuid::Uuid::now_v7().to_string()),
                ..Uuid::default()
            }),
            metadata: [("type".to_owned(), kind.to_owned())].into(),
            custom_metadata: metadata.as_bytes().to_vec(),
            data: data.as_bytes().to_vec(),
        };
        let done = self.server().store.append(&options, vec![message]);
        assert!(done.is_ok());
    }
}

async fn send(journal: &KurrentDb, request: Append) -> Outcome {
    journal.append(request).await.expect("append")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_is_lost_is_done_once() {
    let place = here();
    let journal = place.node().await;
    let store = &place.server().store;
    for (n, lost) in ["", ".counter", "-command"].into_iter().enumerate() {
        let n = n as u64;
        let lost = format!("{}{lost}", place.prefix);
        // Twice, so that the answer to what was there already is lost as well.
        store.lose_answers(&lost, 2);
        let done = appended(&send(&journal, append("a", n, &[n])).await);
        assert_eq!(done.sequence, n + 1);
        store.lose_answers(&lost, 2);
        let one = command(&format!("c{n}"), 1, append("b", n, &[n]));
        let done = appended(&send(&journal, one.clone()).await);
        assert_eq!(done.sequence, n + 1);
        store.lose_answers(&lost, 0);
        assert_eq!(send(&journal, one).await, Outcome::Duplicate(done));
    }
    assert_eq!(numbers(&everything(&*journal).await), [0, 0, 1, 1, 2, 2]);
    assert_eq!(place.stored("-command"), 3, "one claim each");
}

/// No answer at all: what became of it is found out by sending it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_became_of_an_append_is_found_out() {
    let place = here();
    let journal = place.hasty().await;
    let store = &place.server().store;
    for (n, lost) in [".counter", "-command"].into_iter().enumerate() {
        let n = n as u64;
        store.lose_answers(&format!("{}{lost}", place.prefix), usize::MAX);
        let one = command(&format!("c{n}"), 1, append("a", n, &[n]));
        let outcome = journal.append(one.clone()).await;
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
        store.lose_answers("", 0);
        let other = command(&format!("c{n}"), 2, append("a", n, &[99]));
        assert_eq!(send(&journal, other).await, Outcome::Reused);
        let again = send(&journal, one).await;
        assert!(matches!(again, Outcome::Duplicate(_)), "{again:?}");
    }
    assert_eq!(numbers(&everything(&*journal).await), [0, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_whose_stream_has_moved_on_is_void() {
    let place = here();
    let nodes = [place.node().await, place.node().await];
    appended(&send(&nodes[0], append("a", 0, &[1])).await);
    // This node does not know that the stream is not where it saw it.
    place.foreign("a", "Counted", "2", "");
    let outcome = send(&nodes[0], command("c", 1, append("a", 1, &[9]))).await;
    let conflict = Conflict {
        expected: 1,
        actual: 2,
    };
    assert_eq!(outcome, Outcome::Conflict(conflict));
    assert_eq!(nodes[0].outcome("c").await.expect("outcome"), None);
    // It was not done, so it may be sent again, to any node, in another form.
    let done = appended(&send(&nodes[1], command("c", 2, append("a", 2, &[3]))).await);
    let again = send(&nodes[0], command("c", 2, append("b", 0, &[9]))).await;
    assert_eq!(again, Outcome::Duplicate(done));
    assert_eq!(numbers(&everything(&*nodes[0]).await), [1, 2, 3]);
}

/// Dies in a process of its own: before, between and behind the two writes of
/// a command. It is done once, whoever comes next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_the_writes() {
    for (point, is_done) in [
        ("journal.after_claim", false),
        ("journal.before_commit", false),
        ("journal.after_commit", true),
    ] {
        let place = here();
        let died = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "--exact",
                "kurrentdb::alone::crashes",
                "--ignored",
                "--nocapture",
            ])
            .env("STRATA_FAILPOINT", format!("{point}@2"))
            .env("CRASH_URL", &place.url)
            .env("CRASH_PREFIX", &place.prefix)
            .output()
            .expect("run");
        assert!(!died.status.success(), "it should have died");
        let said = String::from_utf8_lossy(&died.stderr);
        assert!(said.contains(point), "{said}");

        let journal = place.node().await;
        let found = everything(&*journal).await;
        assert_eq!(found.len(), 1 + usize::from(is_done), "{point}");
        let outcome = journal.outcome("c2").await.expect("outcome");
        assert_eq!(outcome.is_some(), is_done, "{point}");
        // Decided anew, it would go elsewhere; it must not.
        let again = send(&journal, command("c2", 1, append("b", 0, &[9]))).await;
        let Outcome::Duplicate(done) = again else {
            panic!("{point}: {again:?}");
        };
        assert_eq!((done.first, done.last, done.sequence), (2, 2, 2));
        let other = send(&journal, command("c2", 2, append("a", 2, &[9]))).await;
        assert_eq!(other, Outcome::Reused);
        assert_eq!(numbers(&everything(&*journal).await), [1, 2]);
    }
}

#[tokio::test]
#[ignore = "the part of a_crash_between_the_writes that dies"]
async fn crashes() {
    let (Ok(url), Ok(prefix)) = (std::env::var("CRASH_URL"), std::env::var("CRASH_PREFIX")) else {
        return;
    };
    let options = Options {
        prefix,
        ..Options::new(url)
    };
    let journal = options.build().await.expect("open");
    for n in 1..=2 {
        let request = command(&format!("c{n}"), 1, append("a", n - 1, &[n]));
        appended(&send(&journal, request).await);
    }
    unreachable!("the second append dies");
}

/// Events enough for two stored marks, in two streams and with others between.
async fn fill(place: &Place, journal: &KurrentDb) -> Vec<Event> {
    for n in 0..22 {
        place.server().store.noise();
        let key = if n % 2 == 0 { "a" } else { "b" };
        let payloads: Vec<u64> = (n * 100..(n + 1) * 100).collect();
        appended(&send(journal, append(key, n / 2 * 100, &payloads)).await);
    }
    for _ in 0..200 {
        if place.stored("-index") == 2 {
            return everything(journal).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the marks are not stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_begins_at_the_stored_mark() {
    let place = here();
    let journal = place.node().await;
    let before = fill(&place, &journal).await;
    assert_eq!(before.len(), 2200);
    journal.close().await;

    let store = &place.server().store;
    let read = store.read();
    let journal = place.node().await;
    assert_eq!(journal.head(), 2200);
    let read = store.read() - read;
    assert!((152..400).contains(&read), "{read} events were read");
    assert_eq!(shown(&everything(&*journal).await), shown(&before));
    // Old events by name, and by time, find their marks.
    let part = journal.read_stream(&stream("a"), 5, 2).await.expect("read");
    assert_eq!(shown(&part), shown(&before[5..7]));
    let found = journal.read_stream(&stream("b"), 0, usize::MAX).await;
    let of_b: Vec<Event> = before
        .iter()
        .filter(|it| &*it.stream.key == "b")
        .cloned()
        .collect();
    assert_eq!(shown(&found.expect("read")), shown(&of_b));
    for position in [1, 64, 65, 1024, 1025, 2200] {
        let recorded_at = before[position as usize - 1].recorded_at;
        let found = journal.position_at(recorded_at).await.expect("position");
        assert!(found >= position, "{found} for {position}");
        assert_eq!(before[found as usize - 1].recorded_at, recorded_at);
        let earlier = journal
            .position_at(recorded_at - 1)
            .await
            .expect("position");
        assert!(earlier < position);
    }
    // It goes on where it was, and stores no mark twice.
    let payloads: Vec<u64> = (2200..3100).collect();
    appended(&send(&journal, append("c", 0, &payloads)).await);
    for _ in 0..200 {
        if place.stored("-index") == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(place.stored("-index"), 3);
    assert_eq!(everything(&*journal).await.len(), 3100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_event_is_found() {
    let place = here();
    let journal = place.node().await;
    fill(&place, &journal).await;
    let whole = verify(&*journal, 0).await.expect("verify");
    assert_eq!((whole.broken, whole.checked), (None, 2200));
    let name = format!("{}.counter-a", place.prefix);
    let store = &place.server().store;
    store.change(&name, 4, |event| event.data = b"99".to_vec());
    // By the node that saw it, and by one that knows the stored marks only.
    for journal in [journal, place.node().await] {
        let report = verify(&*journal, 0).await.expect("verify");
        let broken = report.broken.expect("found");
        assert_eq!(broken.position, 64);
        assert!(broken.reason.contains("content"), "{broken:?}");
        // From behind the damage everything holds.
        let report = verify(&*journal, 65).await.expect("verify");
        assert_eq!((report.broken, report.hash), (None, whole.hash));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_streams_are_refused() {
    let place = Place::new();
    let journal = place.node().await;
    assert!(!journal.is_atomic_across_streams());
    let all = |appends: Vec<Append>| journal.append_all(appends);
    for refused in [
        vec![append("a", 0, &[1]), append("b", 0, &[2])],
        vec![command("c", 1, append("a", 0, &[])), append("b", 0, &[])],
        vec![
            command("c", 1, append("a", 0, &[1])),
            command("d", 1, append("a", 1, &[2])),
        ],
    ] {
        let answer = all(refused).await;
        let Err(Error::Unsupported(reason)) = answer else {
            panic!("{answer:?}");
        };
        assert!(reason.contains("in one step"), "{reason}");
    }
    assert_eq!(journal.head(), 0);
    assert_eq!(journal.outcome("c").await.expect("outcome"), None);

    // One stream is no different from one append.
    assert_eq!(all(Vec::new()).await.expect("none"), []);
    let both = vec![
        append("a", 0, &[1, 2]),
        command("c", 1, append("a", 2, &[3])),
        command("c", 1, append("a", 3, &[])),
    ];
    let outcomes = all(both.clone()).await.expect("append_all");
    let places = outcomes.iter().map(appended);
    let places: Vec<_> = places.map(|it| (it.first, it.last, it.sequence)).collect();
    assert_eq!(places, [(1, 2, 2), (3, 3, 3), (3, 3, 3)]);
    let refused = vec![append("a", 3, &[9]), append("a", 3, &[9])];
    let refused = all(refused).await.expect("append_all");
    assert!(matches!(refused[1], Outcome::Conflict(_)), "{refused:?}");
    journal.close().await;
    let journal = place.node().await;
    let again = journal.append_all(vec![both[1].clone()]).await;
    assert_eq!(
        again.expect("append_all"),
        [Outcome::Duplicate(appended(&outcomes[1]))]
    );
    assert_eq!(numbers(&everything(&*journal).await), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_waited_for_and_then_told() {
    let mut place = here();
    let journal = place.hasty().await;
    let patient = place.node().await;
    appended(&send(&journal, append("a", 0, &[1])).await);
    place.server_mut().kill();
    let outcome = journal.append(append("a", 1, &[9])).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    let read = journal.read_stream(&stream("a"), 0, 9).await;
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    // What is in memory is there, and what can wait does.
    assert_eq!(numbers(&journal.read_all(0, 9).await.expect("read")), [1]);
    let waiting = tokio::spawn({
        let patient = Arc::clone(&patient);
        async move { send(&patient, append("a", 1, &[2])).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    place.server_mut().restart();
    assert_eq!(appended(&waiting.await.expect("task")).sequence, 2);
    // Both follow again.
    let head = journal.wait_beyond(1, Duration::from_secs(20)).await;
    assert_eq!(head, 2);
    appended(&send(&journal, append("a", 2, &[3])).await);
    assert_eq!(patient.wait_beyond(2, Duration::from_secs(20)).await, 3);
    assert_eq!(numbers(&everything(&*patient).await), [1, 2, 3]);

    // A client that has never connected, and so has ended.
    place.server_mut().kill();
    let options = Options {
        patience: Duration::from_millis(300),
        ..place.options()
    };
    let refused = options.clone().build().await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    let late = tokio::spawn(
        Options {
            patience: Duration::from_secs(20),
            ..options
        }
        .build(),
    );
    tokio::time::sleep(Duration::from_millis(1500)).await;
    place.server_mut().restart();
    let late = late.await.expect("task").expect("open");
    assert_eq!(late.head(), 3);
}

/// As servers do with subscriptions when they shut down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_falls_silent_is_replaced() {
    let place = here();
    let journal = place.node().await;
    let other = place.node().await;
    let store = &place.server().store;
    appended(&send(&journal, append("a", 0, &[1])).await);
    store.silence();
    // Whoever waits for an event has it looked for.
    appended(&send(&journal, append("a", 1, &[2])).await);
    // And without anybody the silence is noticed.
    assert_eq!(other.wait_beyond(1, Duration::from_secs(20)).await, 2);
    // From then on they are told again.
    let started = Instant::now();
    for n in 2..6 {
        appended(&send(&journal, append("a", n, &[n + 1])).await);
        assert!(other.wait_beyond(n, Duration::from_secs(20)).await > n);
    }
    assert!(started.elapsed() < Duration::from_secs(4));
    assert_eq!(numbers(&everything(&*other).await), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_other_programs_take_part() {
    let place = here();
    let journal = place.node().await;
    appended(&send(&journal, append("a", 0, &[1])).await);
    place.foreign(
        "a",
        "Counted",
        "2",
        "{ \"actor\": \"them\", \"tenant\": 1 }",
    );
    place.foreign("a", "Counted", "3", "not JSON");
    assert_eq!(journal.wait_beyond(2, Duration::from_secs(20)).await, 3);
    let events = journal.read_all(0, 9).await.expect("read");
    assert_eq!(numbers(&events), [1, 2, 3]);
    assert_eq!(events[1].metadata.actor, "them");
    assert_eq!(
        events[1].metadata.extra,
        "{ \"actor\": \"them\", \"tenant\": 1 }"
    );
    assert_eq!(
        (&*events[2].version, &*events[2].metadata.extra),
        ("1", "not JSON")
    );
    let outcome = send(&journal, append("a", 1, &[9])).await;
    assert!(matches!(outcome, Outcome::Conflict(_)), "{outcome:?}");
    appended(&send(&journal, append("a", 3, &[4])).await);

    // One that cannot be an event ends the order, for all nodes alike.
    place.foreign("a", "$streamDeleted", "", "");
    for _ in 0..1000 {
        let refused = journal.append(append("b", 0, &[])).await;
        if let Err(Error::Corrupt { position, reason }) = refused {
            assert_eq!(position, 5);
            assert!(reason.contains("$streamDeleted"), "{reason}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused = journal.append(append("b", 0, &[1])).await;
    assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
    let refused = place.options().build().await;
    assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_stored_is_refused() {
    let place = here();
    let journal = place.node().await;
    let mut large = command("c", 1, append("a", 0, &[]));
    large.events = vec![event(&format!("\"{}\"", "x".repeat(2 << 20)))];
    let refused = journal.append(large).await;
    assert!(matches!(refused, Err(Error::Unstorable(_))), "{refused:?}");
    let mut odd = append("a", 0, &[1]);
    odd.stream = journal::StreamId::new("a-b", "c");
    let refused = journal.append(odd).await;
    assert!(matches!(refused, Err(Error::Unstorable(_))), "{refused:?}");
    appended(&send(&journal, command("c", 1, append("a", 0, &[1]))).await);
    assert_eq!(everything(&*journal).await.len(), 1);

    for options in [
        Options::new("http://me:secret@127.0.0.1"),
        Options::new("kurrentdb://me:secret@host:no"),
        Options {
            prefix: "a.b".to_owned(),
            ..place.options()
        },
    ] {
        let refused = options.build().await;
        let Err(Error::Unsupported(reason)) = refused else {
            panic!("{refused:?}");
        };
        assert!(!reason.contains("secret"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_snapshots_are_not_used() {
    let place = here();
    let journal = place.node().await;
    appended(&send(&journal, append("a", 0, &[1])).await);
    let a = stream("a");
    let saved = journal.save_snapshot(&a, 1, 1, b"state".to_vec()).await;
    saved.expect("save");
    let name = format!("{}-snapshot-1-counter-a", place.prefix);
    let store = &place.server().store;
    store.change(&name, 0, |event| event.data = b"other".to_vec());
    assert_eq!(journal.load_snapshot(&a, 1).await.expect("load"), None);
    let saved = journal.save_snapshot(&a, 1, 1, b"state".to_vec()).await;
    saved.expect("save");
    let found = journal.load_snapshot(&a, 1).await.expect("load");
    assert_eq!(found, Some((1, b"state".to_vec())));
}

/// Journals on one server do not see each other, nor what else is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journals_share_a_server() {
    let place = here();
    let other = Options {
        prefix: prefix(),
        ..place.options()
    };
    let (one, other) = (place.node().await, other.build().await.expect("open"));
    for n in 0..5 {
        let id = format!("c{n}");
        appended(&send(&one, command(&id, 1, append("a", n, &[n]))).await);
        appended(&send(&other, command(&id, 2, append("a", n, &[n + 10]))).await);
        place.server().store.noise();
    }
    assert_eq!(numbers(&everything(&*one).await), [0, 1, 2, 3, 4]);
    assert_eq!(numbers(&everything(&*other).await), [10, 11, 12, 13, 14]);
}
