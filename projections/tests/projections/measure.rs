//! Numbers, when asked for: `cargo test -p projections --release -- --ignored
//! --nocapture measure`. `EVENTS` sets the size of the journal.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::deployment::{Artefact, ArtefactKind, Event as D};
use aggregates::event::Event;
use aggregates::execution::Event as E;
use aggregates::function::{Event as F, Value, Variable};
use aggregates::{Blob, Dialect};
use journal::{Append, Journal, Metadata, NewEvent, StreamId};
use projections::ReadModels;
use projections::query::{Filter, List, Operator, Order, OrderBy, Scalar};
use serde_json::value::RawValue;

use crate::history::{outcome, plan, request, settings};
use crate::home::Home;
use crate::journal::payload;
use crate::lists::Dice;

const LONG: Duration = Duration::from_secs(600);

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Writes a journal of about this many events, or takes the one that is there:
/// of fifty events one makes a function, ten change one, five belong to a
/// deployment, and the rest are executions; they concern the functions that
/// were made last.
async fn journal(events: u64, only_functions: bool) -> Arc<dyn Journal> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("measure-{events}-{only_functions}.db"));
    let there = path.exists();
    let journal = journal::sqlite::Options::new(path).build().unwrap();
    if there && journal.head() >= events {
        return journal;
    }
    let mut dice = Dice::new(1);
    let mut sequences = std::collections::HashMap::new();
    let mut batch: Vec<Append> = Vec::new();
    let mut functions: usize = 0;
    let mut written = 0;
    let mut last_deployment = (0, 0);
    while written < events {
        let what = match written % 50 {
            _ if only_functions => u64::from(written % 3 > 0),
            0 => 0,
            1 => 3,
            2 => 4,
            3 => 5,
            4..=10 => 1,
            11..=13 => 2,
            _ => 6,
        };
        let some = |dice: &mut Dice| {
            let newest = functions.max(1);
            if only_functions {
                return dice.roll(newest) as u64;
            }
            (newest - 1 - dice.roll(newest.min(500))) as u64
        };
        let (kind, key, event) = match what {
            0 => {
                functions += 1;
                let settings = aggregates::function::Settings {
                    name: format!("Function number {functions}"),
                    runtime: ["node-22", "node-20", "wasm", "static"][dice.roll(4)].to_owned(),
                    ..settings(dice.roll(256) as u8, 0)
                };
                let origin = Dialect::Appwrite;
                let event = F::FunctionCreated { origin, settings };
                (
                    "function",
                    format!("default:f{}", functions - 1),
                    Event::Function(event),
                )
            }
            1 => {
                let of = some(&mut dice);
                let settings = aggregates::function::Settings {
                    name: format!("Function number {of}"),
                    ..settings(dice.roll(256) as u8, dice.roll(256) as u8)
                };
                let event = F::FunctionUpdated {
                    settings,
                    needs_build: false,
                };
                ("function", format!("default:f{of}"), Event::Function(event))
            }
            2 => {
                let of = some(&mut dice);
                let variable = Variable {
                    key: "KEY".to_owned(),
                    value: Value::Clear("value".to_owned()),
                };
                let id = format!("v{written}").into();
                let event = F::VariableCreated { id, variable };
                ("function", format!("default:f{of}"), Event::Function(event))
            }
            3..=5 => {
                if what == 3 {
                    last_deployment = (written, some(&mut dice));
                }
                let blob = Blob {
                    sha256: "0".repeat(64),
                    size: 4096,
                };
                let event = match what {
                    3 => D::DeploymentCreated {
                        plan: plan(&format!("f{}", last_deployment.1), 1),
                    },
                    4 => D::SourceStored {
                        source: vec![blob],
                        size: 4096,
                    },
                    _ => D::BuildSucceeded {
                        attempt: 1,
                        artefact: Artefact {
                            kind: ArtefactKind::JavaScript,
                            code: blob,
                            source_map: None,
                            script: None,
                        },
                        duration_ms: 1200,
                        log: "[00:00:00] [strata] Deployment finished.\n".to_owned(),
                    },
                };
                (
                    "deployment",
                    format!("default:d{}", last_deployment.0),
                    Event::Deployment(event),
                )
            }
            _ => {
                let event = E::ExecutionRecorded {
                    request: request(&format!("f{}", some(&mut dice)), dice.roll(256) as u8),
                    deployment: "d3".into(),
                    result: outcome(dice.roll(256) as u8),
                };
                (
                    "execution",
                    format!("default:e{written}"),
                    Event::Execution(event),
                )
            }
        };
        let (name, payload) = payload(&event);
        let sequence: &mut u64 = sequences.entry((kind, key.clone())).or_default();
        batch.push(Append {
            stream: StreamId::new(kind, key),
            expected: *sequence,
            events: vec![NewEvent {
                kind: name.to_owned(),
                version: "1".to_owned(),
                payload: RawValue::from_string(payload).unwrap(),
            }],
            metadata: Metadata {
                command_id: format!("command-{written}"),
                actor: format!("key:{}", written % 20),
                correlation_id: format!("request-{written}"),
                causation_id: String::new(),
                request_id: format!("request-{written}"),
                project: "default".to_owned(),
                extra: String::new(),
            },
            fingerprint: None,
        });
        *sequence += 1;
        written += 1;
        if batch.len() == 2000 || written == events {
            journal
                .append_all(std::mem::take(&mut batch))
                .await
                .unwrap();
        }
    }
    journal
}

async fn caught_up(journal: &Arc<dyn Journal>, home: &Home) -> ReadModels {
    let head = journal.head();
    let begin = Instant::now();
    let reads = home.options(Arc::clone(journal)).build().unwrap();
    assert!(reads.wait_for(head, LONG).await);
    let took = begin.elapsed();
    println!(
        "from nothing: {head} events in {took:.2?}, {:.0}/s",
        head as f64 / took.as_secs_f64()
    );
    reads
}

fn rebuild(home: &Home) {
    crate::property::runtime().block_on(async {
        let journal = journal(number("EVENTS", 1_000_000), false).await;
        let reads = caught_up(&journal, home).await;
        let head = journal.head();
        let begin = Instant::now();
        reads.rebuild("all").await.unwrap();
        let took = begin.elapsed();
        println!(
            "rebuild of all: {took:.2?}, {:.0}/s",
            head as f64 / took.as_secs_f64()
        );
        latency(&reads, &journal).await;
        reads.close().await;
        journal.close().await;
        println!("size: {} MB", home.size() >> 20);
    });
}

#[test]
#[ignore = "takes minutes"]
fn measure_rebuild_sqlite() {
    rebuild(&Home::file());
}

#[test]
#[ignore = "takes minutes"]
fn measure_rebuild_postgres() {
    rebuild(&Home::postgres());
}

/// A third of the events make functions, two thirds change one.
fn list(home: &Home) {
    crate::property::runtime().block_on(async {
        let journal = journal(number("EVENTS", 300_000), true).await;
        let reads = caught_up(&journal, home).await;
        // As a server does on its own, a while later.
        home.tamper("ANALYZE");
        lists(&reads, &journal).await;
        reads.close().await;
        journal.close().await;
    });
}

#[test]
#[ignore = "takes minutes"]
fn measure_lists_sqlite() {
    list(&Home::file());
}

#[test]
#[ignore = "takes minutes"]
fn measure_lists_postgres() {
    list(&Home::postgres());
}

async fn lists(reads: &ReadModels, journal: &Arc<dyn Journal>) {
    let equal = |column, value: &str| Filter::Compare {
        column,
        operator: Operator::Equal,
        values: vec![Scalar::Text(value.to_owned())],
    };
    let contains = Filter::Compare {
        column: "name",
        operator: Operator::Contains,
        values: vec![Scalar::Text("7".to_owned())],
    };
    let enabled = Filter::Compare {
        column: "enabled",
        operator: Operator::Equal,
        values: vec![Scalar::Boolean(true)],
    };
    let newest = |by| {
        vec![Order {
            by,
            descending: true,
        }]
    };
    let plain = List {
        limit: 50,
        count_up_to: Some(5000),
        ..List::default()
    };
    let cases = [
        ("no filter", plain.clone()),
        (
            "runtime",
            List {
                filters: vec![equal("runtime", "wasm")],
                ..plain.clone()
            },
        ),
        (
            "runtime, newest first",
            List {
                filters: vec![equal("runtime", "wasm")],
                order: newest(OrderBy::Insertion),
                ..plain.clone()
            },
        ),
        (
            "enabled",
            List {
                filters: vec![enabled],
                ..plain.clone()
            },
        ),
        (
            "name contains 7",
            List {
                filters: vec![contains],
                ..plain.clone()
            },
        ),
        (
            "search",
            List {
                search: "4711".to_owned(),
                ..plain.clone()
            },
        ),
        (
            "search of many",
            List {
                search: "function".to_owned(),
                ..plain.clone()
            },
        ),
        (
            "by name",
            List {
                order: newest(OrderBy::Column("name")),
                ..plain.clone()
            },
        ),
        (
            "by change",
            List {
                order: newest(OrderBy::Column("updated_at")),
                ..plain
            },
        ),
    ];
    let head = journal.head();
    for (name, list) in cases {
        let mut dice = Dice::new(3);
        let rounds = 40;
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            let at = dice.roll(head as usize) as u64;
            for (index, at) in [None, Some(at)].into_iter().enumerate() {
                let begin = Instant::now();
                reads.view(at).functions("default", &list).await.unwrap();
                if round > 4 {
                    times[index].push(begin.elapsed());
                }
            }
        }
        let [now, then] = times.map(|mut times| {
            times.sort();
            times[times.len() / 2]
        });
        let ratio = then.as_secs_f64() / now.as_secs_f64();
        println!("{name}: now {now:.2?}, as of {then:.2?}, ratio {ratio:.2}");
    }
    let begin = Instant::now();
    for number in 0..1000 {
        reads
            .view(None)
            .function("default", &format!("f{number}"))
            .await
            .unwrap()
            .unwrap();
    }
    println!("get: {:.2?}", begin.elapsed() / 1000);
}

/// From the end of an append to the end of the wait for it.
async fn latency(reads: &ReadModels, journal: &Arc<dyn Journal>) {
    let stream = StreamId::new("function", format!("default:latency{}", journal.head()));
    let mut times = Vec::new();
    for sequence in 0..200 {
        let event = if sequence == 0 {
            F::FunctionCreated {
                origin: Dialect::Appwrite,
                settings: settings(1, 1),
            }
        } else {
            F::FunctionUpdated {
                settings: settings(sequence as u8, 1),
                needs_build: false,
            }
        };
        let (name, payload) = payload(&Event::Function(event));
        let append = Append {
            stream: stream.clone(),
            expected: sequence,
            events: vec![NewEvent {
                kind: name.to_owned(),
                version: "1".to_owned(),
                payload: RawValue::from_string(payload).unwrap(),
            }],
            metadata: Metadata::default(),
            fingerprint: None,
        };
        journal.append(append).await.unwrap();
        let begin = Instant::now();
        assert!(reads.wait_for(journal.head(), LONG).await);
        times.push(begin.elapsed());
    }
    times.sort();
    println!(
        "visible after: median {:.0?}, 99th {:.0?}",
        times[100], times[198]
    );
}
