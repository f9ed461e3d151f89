//! What may happen to packages and what belongs to them. Streams go on when
//! their owner is gone, as they do in a journal: then nothing comes of it.

use std::sync::Arc;

use aggregates::counter::Event as C;
use aggregates::entry::{Event as E, Kind, Value};
use aggregates::event::Event;
use aggregates::execution::Event as X;
use aggregates::keyset::{Connected, Event as K, Settings as Behaviour};
use aggregates::package::{Event as P, Settings, TestInput};
use aggregates::pkgdeploy::{
    Action, ActionKind, ActionState, Event as D, EventState, Scheduled, Status,
};
use aggregates::{
    AssignmentKey, Handler, HandlerCall, RevisionId, Sealed, Text, Trigger, TriggerKind,
};

use crate::history::{History, NAMES, Step, blob, outcome, pick, request};
use crate::journal::Memory;

fn sealed() -> Sealed {
    Sealed {
        data_key: "data".to_owned(),
        sealed: "c2VjcmV0".to_owned(),
    }
}

fn settings(a: u8) -> Settings {
    Settings {
        name: pick(&NAMES, a).to_owned(),
        description: a.is_multiple_of(2).then(|| format!("about {a}")),
        tags: vec![format!("t{a}")],
    }
}

fn handler(id: &str, n: u8) -> Handler {
    let kind = pick(
        &[
            TriggerKind::BeforePublish,
            TriggerKind::AfterPublish,
            TriggerKind::OnRequest,
        ],
        n,
    );
    Handler {
        id: format!("fn{n}").as_str().into(),
        revision: id.into(),
        name: pick(&NAMES, n).to_owned(),
        trigger: Trigger {
            kind,
            input_channel: kind.has_channel().then(|| "chat.*".to_owned()),
            output_channel: None,
            path: None,
            interval: None,
        },
        sort_order: u32::from(n / 2),
        code: blob(n),
        artefact: aggregates::deployment::Artefact {
            kind: aggregates::deployment::ArtefactKind::JavaScript,
            code: blob(n),
            source_map: None,
            script: None,
        },
    }
}

fn input(a: u8) -> TestInput {
    TestInput {
        payload: Text::Inline(format!("{{\"a\":{a}}}")),
        mime_type: "application/json".to_owned(),
        description: a.is_multiple_of(2).then(|| pick(&NAMES, a).to_owned()),
    }
}

impl History {
    pub fn pubnub(&mut self, journal: &Arc<Memory>, project: &str, step: Step) {
        match step.0 {
            0..=6 => self.package(journal, project, step),
            7..=11 => self.keyset(journal, project, step),
            12..=21 => self.pkgdeploy(journal, project, step),
            22..=25 => self.shared(journal, project, step),
            _ => self.run(journal, project, step),
        }
    }

    /// A name that nothing had before.
    fn fresh(&self, kind: &str) -> String {
        format!("{kind}{}", self.worlds.len())
    }

    fn package(&mut self, journal: &Arc<Memory>, project: &str, (what, a, b, c): Step) {
        let id = format!("p{}", a % 2);
        let at = (project.to_owned(), id.clone());
        let state = self.world().pubnub.states.packages.get(&at).cloned();
        let state = state.unwrap_or_default();
        let key = format!("{project}:{id}");
        let mut happen = |event| self.happen(journal, "package", &key, 1, Event::Package(event));
        if state.settings.is_none() {
            happen(P::PackageCreated {
                settings: settings(b),
                api_managed: b.is_multiple_of(2),
                blueprint: c.is_multiple_of(3).then(|| "blueprint".to_owned()),
            });
        }
        let mut revisions = state.revisions.iter();
        let revision = revisions.nth(usize::from(b) % state.revisions.len().max(1));
        let name = pick(&NAMES, c).to_owned();
        let event = match (what, revision) {
            (0, _) => P::PackageUpdated {
                settings: settings(c),
            },
            (1, _) | (_, None) => {
                let revision = self.fresh("r");
                let handlers = (0..c % 4).map(|n| handler(&format!("{revision}h{n}"), n));
                P::RevisionCreated {
                    revision: revision.as_str().into(),
                    name,
                    description: None,
                    handlers: handlers.collect(),
                }
            }
            (2, Some(_)) if c.is_multiple_of(16) => P::PackageDeleted {},
            (2, Some((id, _))) if c.is_multiple_of(4) => P::RevisionDeleted {
                revision: id.clone(),
            },
            (2, Some((id, _))) => P::RevisionUpdated {
                revision: id.clone(),
                name,
                description: c.is_multiple_of(2).then(|| format!("about {c}")),
            },
            (_, Some((_, revision))) => {
                let Some(handler) = revision.handlers.first() else {
                    return;
                };
                let handler = handler.revision.clone();
                let known = revision.inputs.get(&handler).and_then(|ids| ids.first());
                match (known, what) {
                    (Some(id), 4) => P::TestInputUpdated {
                        id: id.clone(),
                        handler,
                        input: input(c),
                    },
                    (Some(id), 5) => P::TestInputDeleted {
                        id: id.clone(),
                        handler,
                    },
                    _ => P::TestInputAdded {
                        id: self.fresh("t").as_str().into(),
                        handler,
                        input: input(c),
                    },
                }
            }
        };
        self.happen(journal, "package", &key, 1, Event::Package(event));
    }

    fn keyset(&mut self, journal: &Arc<Memory>, project: &str, (what, a, b, c): Step) {
        let number = u64::from(a % 3) + 1;
        let at = (project.to_owned(), number.to_string());
        let state = self.world().pubnub.states.keysets.get(&at).cloned();
        let state = state.unwrap_or_default();
        let name = pick(&NAMES, b).to_owned();
        let secret = format!("s{}", c % 3);
        let connected = Connected {
            deployment: format!("u{}", b % 4).as_str().into(),
            package: "p0".into(),
            revision: "r0".into(),
            handlers: Vec::new(),
        };
        let event = match (what, state.connected.first()) {
            _ if state.number.is_none() => K::KeysetCreated {
                number,
                name,
                publish_key: self.fresh("pub"),
                subscribe_key: self.fresh("sub"),
                settings: Behaviour::default(),
            },
            (7, None) if c.is_multiple_of(4) => K::KeysetDeleted {},
            (7, _) => K::KeysetUpdated {
                name,
                settings: Behaviour {
                    after_retries: u32::from(c),
                    ..Behaviour::default()
                },
            },
            (8, _) if state.secrets.contains_key(&secret) => K::SecretDeleted { name: secret },
            (8 | 9, _) => K::SecretSet {
                name: secret,
                value: sealed(),
            },
            (10, Some(gone)) if c.is_multiple_of(2) => K::FunctionsDisconnected {
                deployment: gone.deployment.clone(),
            },
            (11, Some(gone)) => K::FunctionsSwitched {
                from: gone.deployment.clone(),
                to: connected,
            },
            _ => K::FunctionsConnected { connected },
        };
        let key = format!("{project}:{number}");
        self.happen(journal, "keyset", &key, 1, Event::Keyset(event));
    }

    /// Some revision that there is or was, of any package of the project.
    fn revision(&self, project: &str, by: u8) -> Option<(String, RevisionId, Vec<Handler>)> {
        let packages = self.world().pubnub.states.packages.iter();
        let mut all: Vec<_> = packages
            .filter(|((own, _), _)| own == project)
            .flat_map(|((_, package), state)| {
                let revisions = state.revisions.iter();
                revisions.map(move |(id, row)| (package.clone(), id.clone(), row.handlers.clone()))
            })
            .collect();
        all.push(("p0".to_owned(), "gone".into(), vec![handler("goneh0", 1)]));
        let index = usize::from(by) % all.len();
        Some(all.swap_remove(index))
    }

    fn pkgdeploy(&mut self, journal: &Arc<Memory>, project: &str, (what, a, b, c): Step) {
        let states = &self.world().pubnub.states.deployments;
        let own: Vec<_> = states
            .iter()
            .filter(|((own, _), _)| own == project)
            .collect();
        let some = own.get(usize::from(b) % own.len().max(1));
        let (key, state) = match some {
            Some(((_, key), state)) if what > 13 => (key.clone(), (*state).clone()),
            _ => {
                let Some((package, revision, handlers)) = self.revision(project, b) else {
                    return;
                };
                let keyset = u64::from(c % 3) + 1;
                let key = AssignmentKey::new(&revision, keyset).to_string();
                let known = states.get(&(project.to_owned(), key.clone()));
                if known.is_none_or(|known| known.status == Status::Absent) {
                    let handlers = handlers.iter().map(|handler| handler.revision.clone());
                    let event = D::PackageAssigned {
                        id: self.fresh("u").as_str().into(),
                        package: package.as_str().into(),
                        revision,
                        keyset,
                        handlers: handlers.collect(),
                    };
                    let key = format!("{project}:{key}");
                    let event = Event::PackageDeployment(event);
                    self.happen(journal, "pkgdeploy", &key, 1, event);
                }
                return;
            }
        };
        let operation = state.operation + 1;
        let event = match (state.status, what) {
            (Status::Absent, _) | (_, 20..) => {
                let Some(event) = self.window(&state, (what, a, b, c)) else {
                    return;
                };
                event
            }
            (Status::Stopped | Status::Failed, _) if c.is_multiple_of(8) => D::PackageUnassigned {},
            (Status::Stopped | Status::Failed, _) => D::StartRequested {
                operation,
                replacing: c.is_multiple_of(3).then(|| "u1".into()),
            },
            (Status::Starting, 14..16) => D::StartFailed {
                operation: state.operation,
                code: "no".to_owned(),
                reason: format!("because {c}"),
                state: pick(&[Status::Failed, Status::Stopped], c),
            },
            (Status::Starting, 16) | (Status::Running, 14) => D::PackageStopped {
                operation,
                forced: true,
            },
            (Status::Starting, _) => D::PackageStarted {
                operation: state.operation,
            },
            (Status::Running, _) => D::StopRequested {
                operation,
                restart: c.is_multiple_of(2),
            },
            (Status::Stopping, _) => D::PackageStopped {
                operation: state.operation,
                forced: false,
            },
        };
        let key = format!("{project}:{key}");
        let event = Event::PackageDeployment(event);
        self.happen(journal, "pkgdeploy", &key, 1, event);
    }

    fn window(
        &self,
        state: &aggregates::pkgdeploy::PackageDeployment,
        (what, a, b, c): Step,
    ) -> Option<D> {
        let mut events = state.events.values();
        let known = events.nth(usize::from(b) % state.events.len().max(1));
        let action = |id: &str| Action {
            id: id.to_owned(),
            state: ActionState::Pending,
        };
        let absent = state.status == Status::Absent;
        Some(match known {
            Some(known) if absent || (c.is_multiple_of(5) && known.is_over()) => {
                let id = known.id.clone();
                D::EventUnscheduled { id }
            }
            None if absent => return None,
            Some(known) if what == 20 && !known.is_over() => {
                let mut event = known.clone();
                match a % 3 {
                    0 => event.begin += 1,
                    1 => event.end += 1,
                    _ => event.description = Some(pick(&NAMES, c).to_owned()),
                }
                D::EventScheduled { event }
            }
            Some(known) if !known.is_over() => {
                let kind = match known.state() {
                    EventState::Pending => ActionKind::Start,
                    _ => ActionKind::Stop,
                };
                let id = known.id.clone();
                match known.action(kind).state {
                    ActionState::Pending => D::ActionBegun { id, kind },
                    _ => D::ActionFinished {
                        id,
                        kind,
                        succeeded: !c.is_multiple_of(4),
                    },
                }
            }
            _ => D::EventScheduled {
                event: Scheduled {
                    id: self.fresh("w").as_str().into(),
                    begin: i64::from(a),
                    end: i64::from(a) + 10,
                    description: None,
                    start: action("start"),
                    stop: action("stop"),
                },
            },
        })
    }

    fn shared(&mut self, journal: &Arc<Memory>, project: &str, (what, a, b, c): Step) {
        let keyset = u64::from(a % 3) + 1;
        let (id, key) = (format!("sub-{keyset}/h{}", b % 4), format!("k{}", b % 4));
        let at = (project.to_owned(), id.clone());
        let stream = format!("{project}:{id}");
        if what == 25 {
            let known = self.world().pubnub.counters.get(&at);
            let value = known.map_or(0, |row| row.value) + i64::from(c);
            let event = C::CounterChanged {
                keyset,
                key,
                by: i64::from(c),
                value,
            };
            return self.happen(journal, "counter", &stream, 1, Event::Counter(event));
        }
        let known = self.world().pubnub.states.entries.get(&at);
        let event = match known.and_then(|entry| entry.value.as_ref()) {
            Some(_) if c.is_multiple_of(3) => E::EntryRemoved {},
            _ => E::EntrySet {
                keyset,
                key,
                value: Value {
                    kind: pick(&[Kind::String, Kind::Json], c / 2),
                    sealed: sealed(),
                    expires_at: i64::from(c),
                },
            },
        };
        self.happen(journal, "entry", &stream, 1, Event::Entry(event));
    }

    /// Executions of functions.
    fn run(&mut self, journal: &Arc<Memory>, project: &str, (_, a, b, c): Step) {
        let key = format!("{project}:x{}", a % 8);
        let stream = format!("execution-{key}");
        let state = self.streams.get(&stream).copied().unwrap_or(0);
        let Some((package, revision, handlers)) = self.revision(project, b) else {
            return;
        };
        let Some(handler) = handlers.get(usize::from(c) % handlers.len().max(1)) else {
            return;
        };
        let mut request = request(handler.revision.as_str(), c);
        request.script = None;
        request.handler = Some(HandlerCall {
            keyset: u64::from(c % 3) + 1,
            deployment: (!c.is_multiple_of(7)).then(|| "u1".into()),
            package: package.as_str().into(),
            revision,
            handler: handler.revision.clone(),
            name: handler.name.clone(),
            kind: handler.trigger.kind,
            channel: pick(&["chat.a", "chat.b"], b).to_owned(),
            hop: 1,
            attempt: 1,
            retry_of: None,
            is_last: !c.is_multiple_of(4),
        });
        let (state, event) = match (state, c % 5) {
            (0, 0..2) => {
                let recorded = X::ExecutionRecorded {
                    request,
                    deployment: "u1".into(),
                    result: outcome(b),
                };
                (3, recorded)
            }
            (0, _) => {
                let requested = X::ExecutionRequested {
                    request,
                    scheduled_at: None,
                    input: blob(c),
                    deployment: "u1".into(),
                };
                (1, requested)
            }
            (1, _) => {
                let started = X::ExecutionStarted {
                    worker: "w".to_owned(),
                    deployment: "u1".into(),
                };
                (2, started)
            }
            (2, _) => (3, X::ExecutionFinished { result: outcome(b) }),
            (_, 0) => (0, X::ExecutionDeleted {}),
            _ => return,
        };
        self.happen(journal, "execution", &key, state, Event::Execution(event));
    }
}
