//! What may happen to integrations and what belongs to them. Streams go on when
//! their owner is gone, as they do in a journal: then nothing comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use aggregates::connection::{Event as C, Settings};
use aggregates::dryrun::{DryRunResult, Event as D, Request};
use aggregates::event::Event;
use aggregates::integration::{Event as I, Settings as Configured};
use aggregates::sync::{Counts, Event as S, Place, RunResult, RunStatus};
use aggregates::{Failure, Sealed, Text};
use serde_json::{Map, json};

use crate::history::{History, KINDS, NAMES, Step, blob, pick};
use crate::journal::Memory;

fn sealed() -> Sealed {
    Sealed {
        data_key: "data".to_owned(),
        sealed: "c2VjcmV0".to_owned(),
    }
}

fn configured(a: u8) -> Configured {
    Configured {
        provider: pick(&["github", "GitLab"], a).to_owned(),
        display_name: a.is_multiple_of(3).then(|| pick(&NAMES, a).to_owned()),
        forward_webhooks: a.is_multiple_of(2),
        config: BTreeMap::new(),
        custom: BTreeMap::new(),
        credentials: None,
    }
}

fn settings(a: u8, b: u8) -> Settings {
    Settings {
        kind: "API_KEY".to_owned(),
        credentials: sealed(),
        expires_at: a.is_multiple_of(2).then_some(i64::from(a)),
        config: BTreeMap::new(),
        metadata: json!({ "a": a }),
        tags: BTreeMap::new(),
        end_user: (!a.is_multiple_of(3)).then(|| {
            json!({
                "id": a,
                "name": pick(&NAMES, b),
                "of": [{ "name": pick(&NAMES, a) }],
            })
        }),
        webhook_url_override: None,
    }
}

fn counts(a: u8) -> Counts {
    Counts {
        added: u64::from(a % 5),
        updated: u64::from(a % 3),
        deleted: u64::from(a % 2),
        unchanged: 1,
    }
}

fn failure() -> Failure {
    Failure {
        code: "dryrun_error".to_owned(),
        message: Text::Inline("no".to_owned()),
        payload: Some(json!(null)),
    }
}

impl History {
    fn state(&self, kind: &str, key: &str) -> u8 {
        let stream = format!("{kind}-{key}");
        self.streams.get(&stream).copied().unwrap_or(0)
    }

    pub fn nango(&mut self, journal: &Arc<Memory>, project: &str, (what, a, b, c): Step) {
        match what {
            0..=1 => self.integration(journal, &format!("{project}:i-{}", a % 2), b, c),
            2..=5 => {
                let integration = format!("i-{}", a % 2);
                let key = format!("{project}:k{}", b % 4);
                self.connection(journal, &integration, &key, (what, a, b, c));
            }
            6..=13 => self.sync(journal, project, b % 5, (what, a, b, c)),
            _ => self.dryrun(journal, &format!("{project}:t{}", b % 3), a, c),
        }
    }

    fn integration(&mut self, journal: &Arc<Memory>, key: &str, b: u8, c: u8) {
        let settings = configured(c);
        let (state, event) = match self.state("integration", key) {
            0 => (1, I::IntegrationCreated { settings }),
            _ if b.is_multiple_of(4) => (0, I::IntegrationDeleted {}),
            _ => (1, I::IntegrationUpdated { settings }),
        };
        self.happen(
            journal,
            "integration",
            key,
            state,
            Event::Integration(event),
        );
    }

    fn connection(
        &mut self,
        journal: &Arc<Memory>,
        integration: &str,
        key: &str,
        (what, a, b, c): Step,
    ) {
        let (state, event) = match (self.state("connection", key), what, c % 8) {
            (0, ..) => {
                let created = C::ConnectionCreated {
                    integration: integration.into(),
                    connection_id: pick(&NAMES, c).to_owned(),
                    provider: pick(&["github", "GitLab"], b).to_owned(),
                    settings: settings(b, c),
                };
                (1, created)
            }
            (_, 2, 0..3) => (0, C::ConnectionDeleted {}),
            (_, _, 0..2) => {
                let settings = settings(a, c);
                (1, C::ConnectionReplaced { settings })
            }
            (_, _, 2) => {
                let refreshed = C::CredentialsRefreshed {
                    credentials: sealed(),
                    expires_at: Some(i64::from(c)),
                };
                (1, refreshed)
            }
            (_, _, 3..5) => {
                let error = format!("no {c}");
                (1, C::RefreshFailed { error })
            }
            (_, _, 5) => {
                let metadata = json!([c]);
                (1, C::MetadataSet { metadata })
            }
            _ => {
                let updated = C::ConnectionUpdated {
                    config: BTreeMap::new(),
                    tags: BTreeMap::from([("tag".to_owned(), c.to_string())]),
                    end_user: (c % 3 > 0).then(|| json!({ "name": pick(&NAMES, a) })),
                    webhook_url_override: Some("https://a.example".to_owned()),
                };
                (1, updated)
            }
        };
        self.happen(journal, "connection", key, state, Event::Connection(event));
    }

    fn sync(&mut self, journal: &Arc<Memory>, project: &str, id: u8, (what, a, _, c): Step) {
        let key = format!("{project}:s{id}");
        let at = (project.to_owned(), format!("s{id}"));
        let state = self.world().nango.states.get(&at).cloned();
        let state = state.unwrap_or_default();
        let model = pick(&["Issue", "User"], c).to_owned();
        let run = format!("r{}", c % 3);
        let event = match (&state.place, &state.running, what, a % 8) {
            (None, ..) => S::SyncCreated {
                place: Place {
                    integration: format!("i-{}", a % 2).as_str().into(),
                    connection_id: pick(&NAMES, a).to_owned(),
                    connection: format!("k{}", c % 4).as_str().into(),
                    kind: pick(&KINDS, c),
                    name: pick(&NAMES, c).to_owned(),
                    variant: "base".to_owned(),
                },
                started: a.is_multiple_of(2),
                frequency: None,
            },
            (_, None, 6..9, _) => {
                let asked = state.requested.filter(|asked| asked.run == run);
                S::RunStarted {
                    run,
                    worker: "w".to_owned(),
                    attempt: 1,
                    due: a.is_multiple_of(2).then_some(i64::from(a)),
                    trigger: pick(&["manual", "schedule"], a).to_owned(),
                    reset: asked.as_ref().is_some_and(|asked| asked.reset),
                    empty_cache: asked.is_some_and(|asked| asked.empty_cache),
                }
            }
            (_, Some(run), 6, 0) => S::RunStarted {
                run: run.run.clone(),
                worker: "other".to_owned(),
                attempt: run.attempt + 1,
                due: run.due,
                trigger: run.trigger.clone(),
                reset: run.reset,
                empty_cache: run.empty_cache,
            },
            (_, Some(run), 6..8, _) => S::PageSaved {
                run: run.run.clone(),
                attempt: run.attempt,
                model,
                counts: counts(c),
            },
            (_, Some(run), 8..10, _) => S::RunFinished {
                run: run.run.clone(),
                attempt: run.attempt,
                result: RunResult {
                    status: pick(&[RunStatus::Succeeded, RunStatus::Failed], c),
                    error: a.is_multiple_of(3).then(|| "no".to_owned()),
                    counts: BTreeMap::from([(model, counts(c))]),
                    execution: a.is_multiple_of(5).then(|| "e0".into()),
                    duration_ms: u64::from(c),
                },
            },
            (_, _, 9, _) => S::RunRequested {
                run,
                reset: a.is_multiple_of(2),
                empty_cache: c.is_multiple_of(2),
            },
            (_, _, 10, 0..4) if state.started => S::SyncPaused {},
            (_, _, 10, 0..4) => S::SyncStarted {},
            (_, _, 10, _) => S::FrequencySet {
                frequency: a.is_multiple_of(2).then(|| format!("every {c} hours")),
            },
            (_, _, 11, 0..2) => S::CheckpointCleared {},
            (_, _, 11, _) => S::CheckpointSaved {
                value: Map::from_iter([("page".to_owned(), c.into())]),
                version: state.checkpoint_version + 1,
            },
            (_, _, 12, 0..5) => S::TrackDeletesMarked {
                model,
                mark: i64::from(c),
            },
            (_, _, 12, _) => S::TrackDeletesEnded { model },
            _ if c % 3 == 0 => S::SyncDeleted {},
            _ => return,
        };
        self.happen(journal, "sync", &key, 1, Event::Sync(event));
    }

    fn dryrun(&mut self, journal: &Arc<Memory>, key: &str, a: u8, c: u8) {
        let (state, event) = match (self.state("dryrun", key), a % 3) {
            (0, _) => {
                let request = Request {
                    integration: "i-0".into(),
                    connection_id: pick(&NAMES, c).to_owned(),
                    kind: pick(&KINDS, c),
                    source: blob(a),
                    input: blob(c),
                };
                (1, D::DryRunRequested(request))
            }
            (1, 0) => (9, D::DryRunFailed { error: failure() }),
            (attempt @ 1, _) | (attempt @ 2, 1) => {
                let started = D::DryRunStarted {
                    worker: format!("w{c}"),
                    attempt: attempt.into(),
                };
                (attempt + 1, started)
            }
            (attempt @ (2 | 3), _) => {
                let succeeded = c.is_multiple_of(2);
                let result = DryRunResult {
                    succeeded,
                    output: Text::Inline(format!("out {c}")),
                    result: None,
                    error: (!succeeded).then(failure),
                    details: None,
                    duration_ms: 4,
                };
                let attempt = u32::from(attempt) - 1;
                (9, D::DryRunFinished { attempt, result })
            }
            _ => return,
        };
        self.happen(journal, "dryrun", key, state, Event::DryRun(event));
    }
}
