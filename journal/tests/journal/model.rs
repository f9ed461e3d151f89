//! Random histories, compared with the simplest thing that could be right.

use std::collections::HashMap;

use journal::{Append, Appended, Conflict, Outcome};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::bed::{Bed, Hand, append, command, everything, numbers, stream};

const STREAMS: [&str; 3] = ["a", "b", "c"];
const COMMANDS: [&str; 4] = ["c1", "c2", "c3", "c4"];

#[derive(Clone, Debug)]
enum Step {
    /// Requests sent at the same time, in this order.
    Send(Vec<Vec<Wish>>),
    /// The clock jumps to this time.
    Clock(i64),
    Reopen,
}

#[derive(Clone, Debug)]
struct Wish {
    stream: usize,
    /// How far the expected sequence is off.
    skew: i64,
    events: u64,
    command: Option<(usize, u8)>,
}

fn wish() -> impl Strategy<Value = Wish> {
    let skew = prop_oneof![5 => Just(0), 1 => -1..=1_i64];
    let command = prop::option::weighted(0.5, (0..COMMANDS.len(), 0..2_u8));
    (0..STREAMS.len(), skew, 0..4_u64, command).prop_map(|(stream, skew, events, command)| Wish {
        stream,
        skew,
        events,
        command,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let request = prop_oneof![
        3 => prop::collection::vec(wish(), 1),
        1 => prop::collection::vec(wish(), 2..4),
    ];
    prop_oneof![
        6 => prop::collection::vec(request, 1..8).prop_map(Step::Send),
        2 => (0..100_i64).prop_map(Step::Clock),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Clone, Default)]
struct Model {
    /// Stream, payload, time.
    events: Vec<(usize, u64, i64)>,
    commands: HashMap<usize, (Appended, u8)>,
    now: i64,
    payload: u64,
}

impl Model {
    fn sequence(&self, stream: usize) -> u64 {
        self.events.iter().filter(|event| event.0 == stream).count() as u64
    }

    fn time(&self) -> i64 {
        self.events.last().map_or(0, |event| event.2).max(self.now)
    }

    /// What the request is in full, and what must become of it.
    fn send(&mut self, request: &[Wish]) -> (Vec<Append>, Vec<Outcome>) {
        let mut after = self.clone();
        let mut appends = Vec::new();
        let mut outcomes = Vec::new();
        for wish in request {
            let actual = after.sequence(wish.stream);
            let expected = actual.saturating_add_signed(wish.skew);
            let payloads: Vec<u64> = (0..wish.events).map(|n| after.payload + n).collect();
            after.payload += wish.events;
            let mut full = append(STREAMS[wish.stream], expected, &payloads);
            if let Some((id, print)) = wish.command {
                full = command(COMMANDS[id], print, full);
            }
            appends.push(full);
            outcomes.push(after.decide(self, wish, expected, actual, &payloads));
        }
        self.payload = after.payload;
        let stand = |outcome: &Outcome| matches!(outcome, Outcome::Appended(_));
        if outcomes.iter().all(stand) {
            *self = after;
        }
        (appends, outcomes)
    }

    fn decide(
        &mut self,
        before: &Model,
        wish: &Wish,
        expected: u64,
        actual: u64,
        payloads: &[u64],
    ) -> Outcome {
        if let Some((id, print)) = wish.command {
            if let Some((appended, known)) = before.commands.get(&id) {
                return match *known == print {
                    true => Outcome::Duplicate(*appended),
                    false => Outcome::Reused,
                };
            }
            // Used in this same request with another fingerprint.
            if self
                .commands
                .get(&id)
                .is_some_and(|(_, known)| *known != print)
            {
                return Outcome::Reused;
            }
        }
        // A conflicting append takes its command id along, too, but then the
        // whole request fails and nothing of this is kept.
        let head = self.events.len() as u64;
        let recorded_at = self.time();
        let count = payloads.len() as u64;
        let appended = Appended {
            first: if count == 0 { head } else { head + 1 },
            last: head + count,
            sequence: actual + count,
            recorded_at,
        };
        if let Some((id, print)) = wish.command {
            self.commands.entry(id).or_insert((appended, print));
        }
        if expected != actual {
            return Outcome::Conflict(Conflict { expected, actual });
        }
        for payload in payloads {
            self.events.push((wish.stream, *payload, recorded_at));
        }
        Outcome::Appended(appended)
    }
}

/// Runs random histories against fresh beds.
pub fn agrees<B: Bed>(make: impl Fn() -> B) {
    // On one thread, requests sent at the same time queue in their order.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime");
    let config = Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    };
    let histories = prop::collection::vec(step(), 1..20);
    let result = TestRunner::new(config).run(&histories, |steps| {
        runtime.block_on(run(&make(), &steps));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// What a journal is asked that appends to one stream at a time, for one
/// command at a time.
fn narrow(request: &[Wish]) -> Vec<Wish> {
    let stream = request.first().map_or(0, |wish| wish.stream);
    let command = request.iter().find_map(|wish| wish.command);
    let narrow = request.iter().map(|wish| Wish {
        stream,
        command: wish
            .command
            .and_then(|(_, print)| Some((command?.0, print))),
        ..wish.clone()
    });
    narrow.collect()
}

/// Without the times, where the test does not set them.
fn shown(bed: &impl Bed, outcome: Outcome) -> Outcome {
    let timeless = |appended: Appended| Appended {
        recorded_at: 0,
        ..appended
    };
    match outcome {
        Outcome::Appended(appended) if !bed.has_clock() => Outcome::Appended(timeless(appended)),
        Outcome::Duplicate(appended) if !bed.has_clock() => Outcome::Duplicate(timeless(appended)),
        outcome => outcome,
    }
}

async fn run(bed: &impl Bed, steps: &[Step]) {
    let mut model = Model::default();
    let hand = Hand::at(0);
    let mut journal = bed.open(hand.clock()).await;
    let is_narrow = !journal.is_atomic_across_streams();
    for step in steps {
        match step {
            Step::Send(requests) => {
                let narrowed: Vec<_> = requests.iter().map(|wishes| narrow(wishes)).collect();
                let requests = if is_narrow { &narrowed } else { requests };
                let (sent, expected): (Vec<_>, Vec<_>) =
                    requests.iter().map(|wishes| model.send(wishes)).unzip();
                let answers = sent.into_iter().map(|mut appends| {
                    let journal = &journal;
                    async move {
                        if appends.len() > 1 {
                            return journal.append_all(appends).await;
                        }
                        let append = appends.pop().expect("one");
                        journal.append(append).await.map(|outcome| vec![outcome])
                    }
                });
                let answers: Vec<Vec<Outcome>> = if bed.has_queue() {
                    let answers = futures::future::try_join_all(answers).await;
                    answers.expect("answers")
                } else {
                    let mut answered = Vec::new();
                    for answer in answers {
                        answered.push(answer.await.expect("answer"));
                    }
                    answered
                };
                let shown = |outcomes: Vec<Vec<Outcome>>| -> Vec<Vec<Outcome>> {
                    let shown = |one: Vec<_>| one.into_iter().map(|it| shown(bed, it)).collect();
                    outcomes.into_iter().map(shown).collect()
                };
                assert_eq!(shown(answers), shown(expected));
            }
            Step::Clock(now) => {
                model.now = *now;
                hand.set(*now);
            }
            Step::Reopen => {
                journal.close().await;
                drop(journal);
                journal = bed.open(hand.clock()).await;
            }
        }
    }

    let events = everything(&*journal).await;
    let found: Vec<_> = events
        .iter()
        .map(|event| {
            let stream = STREAMS.iter().position(|key| *key == &*event.stream.key);
            (stream.expect("known"), event.recorded_at)
        })
        .zip(numbers(&events))
        .map(|((stream, time), payload)| (stream, payload, time))
        .collect();
    let timed = |events: &[(usize, u64, i64)]| -> Vec<(usize, u64, i64)> {
        let timed = events.iter().copied();
        timed
            .map(|(stream, payload, time)| {
                (stream, payload, if bed.has_clock() { time } else { 0 })
            })
            .collect()
    };
    assert_eq!(timed(&found), timed(&model.events));
    for (index, key) in STREAMS.iter().enumerate() {
        let events = journal.read_stream(&stream(key), 0, usize::MAX).await;
        let expected = model.events.iter().filter(|event| event.0 == index);
        let expected: Vec<u64> = expected.map(|event| event.1).collect();
        assert_eq!(numbers(&events.expect("read")), expected);
    }
    for (index, id) in COMMANDS.iter().enumerate() {
        let stored = journal.outcome(id).await.expect("outcome");
        let stored = stored.map(|(done, print)| (shown(bed, Outcome::Duplicate(done)), print));
        let expected = model.commands.get(&index);
        let expected = expected.map(|(done, print)| {
            let done = Outcome::Duplicate(*done);
            (shown(bed, done), [*print; 32])
        });
        assert_eq!(stored, expected);
    }
    if !bed.has_clock() {
        return journal.close().await;
    }
    for millis in [-1, 0, 25, 50, 99, 100] {
        let expected = model.events.iter().filter(|event| event.2 <= millis);
        let found = journal.position_at(millis).await.expect("position");
        assert_eq!(found, expected.count() as u64);
    }
    journal.close().await;
}
