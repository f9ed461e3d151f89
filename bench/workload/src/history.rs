//! A history as a server that has run for a while holds it: for each function
//! 12 events of its own, 5 of one deployment and 33 executions.
//!
//! Functions come in groups; within a group their events take turns, so that
//! neighbours in the order belong to different streams.

use aggregates::deployment::{self, Artefact, ArtefactKind, Plan};
use aggregates::execution::{self, Outcome, Request};
use aggregates::function::{self, Value, Variable};
use aggregates::{Blob, DeploymentId, Dialect, FunctionId, Text, VariableId};
use cqrs_es::DomainEvent;

use crate::{PROJECT, Random, settings};

/// Events of one function and all that belongs to it.
pub const PER_FUNCTION: u64 = 50;
/// Functions whose events take turns.
const GROUP: u64 = 500;

/// An event as it is stored.
pub struct Stored {
    /// Aggregate type.
    pub kind: &'static str,
    /// Aggregate id.
    pub key: String,
    /// In its stream, from 1.
    pub sequence: u64,
    /// Event type.
    pub event: String,
    /// Its version.
    pub version: String,
    /// JSON.
    pub payload: String,
}

/// The first `events` events.
pub struct History {
    events: u64,
    next: u64,
}

impl History {
    /// So many events.
    pub fn new(events: u64) -> Self {
        Self { events, next: 0 }
    }
}

impl Iterator for History {
    type Item = Stored;

    fn next(&mut self) -> Option<Stored> {
        if self.next >= self.events {
            return None;
        }
        let (group, within) = (
            self.next / (GROUP * PER_FUNCTION),
            self.next % (GROUP * PER_FUNCTION),
        );
        self.next += 1;
        Some(event(group * GROUP + within % GROUP, within / GROUP))
    }
}

/// Event `turn` of function `number`.
fn event(number: u64, turn: u64) -> Stored {
    let id = format!("f-{number:06}");
    let key = format!("{PROJECT}:{id}");
    let deployment = format!("d-{number:06}");
    let random = Random::new(number * PER_FUNCTION + turn).any();
    let own = |sequence, event: function::Event| stored("function", key.clone(), sequence, &event);
    let build = |sequence, event: deployment::Event| {
        stored(
            "deployment",
            format!("{PROJECT}:{deployment}"),
            sequence,
            &event,
        )
    };
    match turn {
        0 => own(
            1,
            function::Event::FunctionCreated {
                origin: Dialect::Appwrite,
                settings: settings(format!("Order intake {number}")),
            },
        ),
        1..=3 => own(
            turn + 1,
            function::Event::VariableCreated {
                id: VariableId::from(format!("v{turn}")),
                variable: Variable {
                    key: format!("SETTING_{turn}"),
                    value: Value::Clear(format!("value {random}")),
                },
            },
        ),
        4 => build(
            1,
            deployment::Event::DeploymentCreated {
                plan: Plan {
                    function: FunctionId::from(id),
                    kind: "manual".to_owned(),
                    entrypoint: "src/main.ts".to_owned(),
                    commands: "npm install".to_owned(),
                    activate: true,
                    size: 1234,
                    chunks: 1,
                    script: None,
                },
            },
        ),
        5 => build(
            2,
            deployment::Event::SourceStored {
                source: vec![blob(random)],
                size: 1234,
            },
        ),
        6 => build(
            3,
            deployment::Event::BuildStarted {
                worker: "worker".to_owned(),
                attempt: 1,
            },
        ),
        7 => build(
            4,
            deployment::Event::BuildLogged {
                attempt: 1,
                text: "resolved 1 package\n".to_owned(),
            },
        ),
        8 => build(
            5,
            deployment::Event::BuildSucceeded {
                attempt: 1,
                artefact: Artefact {
                    kind: ArtefactKind::JavaScript,
                    code: blob(random),
                    source_map: Some(blob(random + 1)),
                    script: None,
                },
                duration_ms: 20,
                log: "bundled 4 modules\n".to_owned(),
            },
        ),
        9 => own(
            5,
            function::Event::DeploymentActivated {
                deployment: DeploymentId::from(deployment.as_str()),
                queued_at: None,
            },
        ),
        // Each fifth of the others is a change, the rest are executions.
        _ if turn % 6 == 4 => {
            let sequence = 6 + (turn - 10) / 6;
            own(
                sequence,
                function::Event::FunctionUpdated {
                    settings: settings(format!("Order intake {number}, version {turn}")),
                    needs_build: false,
                },
            )
        }
        _ => {
            let event = execution::Event::ExecutionRecorded {
                request: Request {
                    function: FunctionId::from(id),
                    trigger: "http".to_owned(),
                    method: "POST".to_owned(),
                    path: "/orders?source=web".to_owned(),
                    headers: headers(random),
                    ..Request::default()
                },
                deployment: DeploymentId::from(deployment.as_str()),
                result: Outcome {
                    completed: true,
                    status_code: 200,
                    headers: vec![pair("content-type", "application/json")],
                    logs: Text::Inline(format!("order {random} taken\n")),
                    errors: Text::default(),
                    duration_us: 300 + random % 400,
                    reason: "ok".to_owned(),
                    output: None,
                },
            };
            stored(
                "execution",
                format!("{PROJECT}:e-{number:06}-{turn:02}"),
                1,
                &event,
            )
        }
    }
}

fn headers(random: u64) -> Vec<(String, String)> {
    vec![
        pair("content-type", "application/json"),
        pair("user-agent", "benchmark"),
        pair("x-appwrite-execution-id", &format!("{random:016x}")),
        pair("x-appwrite-trigger", "http"),
    ]
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn blob(random: u64) -> Blob {
    Blob {
        sha256: format!("{random:064x}"),
        size: 1234,
    }
}

fn stored<E: DomainEvent>(kind: &'static str, key: String, sequence: u64, event: &E) -> Stored {
    Stored {
        kind,
        key,
        sequence,
        event: event.event_type(),
        version: event.event_version(),
        payload: serde_json::to_string(event).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::History;

    #[test]
    fn sequences_of_each_stream_have_no_gap() {
        let mut last = HashMap::new();
        for event in History::new(60_000) {
            let last = last.entry((event.kind, event.key)).or_insert(0);
            assert_eq!(event.sequence, *last + 1, "{}", event.event);
            *last = event.sequence;
        }
        let functions = last.keys().filter(|(kind, _)| *kind == "function").count();
        assert_eq!(functions, 1500);
    }
}
