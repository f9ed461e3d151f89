//! Random histories that could have happened.

use std::collections::HashMap;
use std::sync::Arc;

use aggregates::deployment::{Artefact, ArtefactKind, Plan};
use aggregates::event::Event;
use aggregates::execution::{Outcome, Request};
use aggregates::function::{Provider, Settings, Value, Variable};
use aggregates::project::Key;
use aggregates::{
    Blob, Dialect, Script, ScriptArtefact, ScriptCall, ScriptKind, ScriptPlan, ScriptSource,
    Sealed, Text, deployment, execution, function, project,
};

use crate::journal::Memory;
use crate::naive::World;

/// Four random numbers; each step of a history is made of them.
pub type Step = (u8, u8, u8, u8);

/// Tells what may happen next, as the aggregates would.
#[derive(Default)]
pub struct History {
    /// What is after each position; the first is before the first event.
    pub worlds: Vec<World>,
    pub streams: HashMap<String, u8>,
    now: i64,
}

pub const PROJECTS: [&str; 2] = ["alpha", "beta"];
pub const NAMES: [&str; 6] = ["Hello", "hello world", "Straße", "b", "STRASSE", "My fn-2"];
pub const RUNTIMES: [&str; 3] = ["node-22", "node-20", "wasm"];

pub const KINDS: [ScriptKind; 3] = [ScriptKind::Action, ScriptKind::Sync, ScriptKind::OnEvent];

pub fn pick<T: Copy>(from: &[T], by: u8) -> T {
    from[by as usize % from.len()]
}

pub fn settings(a: u8, b: u8) -> Settings {
    Settings {
        name: pick(&NAMES, a).to_owned(),
        runtime: pick(&RUNTIMES, b).to_owned(),
        execute: vec!["any".to_owned()],
        events: Vec::new(),
        schedule: pick(&["", "* * * * *"], a).to_owned(),
        timeout: u32::from(b % 4) * 15,
        enabled: !a.is_multiple_of(3),
        logging: true,
        entrypoint: pick(&["main.ts", "src/Main.ts"], b).to_owned(),
        commands: String::new(),
        scopes: Vec::new(),
        provider: Provider::default(),
        build_specification: String::new(),
        runtime_specification: String::new(),
        deployment_retention: 0,
        script: (a % 4 > 1).then(|| Script {
            integration: pick(&["i-0", "i-1"], b).to_owned(),
            kind: pick(&KINDS, a),
            name: pick(&NAMES, a).to_owned(),
        }),
    }
}

/// That a project has been created.
pub fn project(name: &str) -> Event {
    Event::Project(project::Event::ProjectCreated {
        name: name.to_owned(),
        data_key: "data".to_owned(),
    })
}

pub fn blob(a: u8) -> Blob {
    Blob {
        sha256: format!("{a:064x}"),
        size: u64::from(a) + 1,
    }
}

pub fn request(function: &str, a: u8) -> Request {
    Request {
        function: function.into(),
        trigger: pick(&["http", "schedule"], a).to_owned(),
        method: pick(&["GET", "POST"], a / 2).to_owned(),
        path: format!("/{}", pick(&NAMES, a)),
        headers: vec![("accept".to_owned(), "*/*".to_owned())],
        user: String::new(),
        script: a.is_multiple_of(5).then(|| ScriptCall {
            integration: "i-0".to_owned(),
            connection: "conn".to_owned(),
            kind: pick(&KINDS, a),
            name: "n".to_owned(),
        }),
        handler: None,
    }
}

pub fn outcome(a: u8) -> Outcome {
    Outcome {
        completed: !a.is_multiple_of(3),
        status_code: pick(&[200, 404, 500], a),
        headers: Vec::new(),
        logs: Text::Inline(format!("log {a}")),
        errors: Text::default(),
        duration_us: u64::from(a) * 1000,
        reason: "ok".to_owned(),
        output: a.is_multiple_of(4).then(|| blob(a)),
    }
}

pub fn plan(function: &str, a: u8) -> Plan {
    Plan {
        function: function.into(),
        kind: pick(&["manual", "cli"], a).to_owned(),
        entrypoint: "main.ts".to_owned(),
        commands: String::new(),
        activate: !a.is_multiple_of(4),
        size: u64::from(a),
        chunks: 1,
        script: a.is_multiple_of(3).then(|| ScriptPlan {
            integration: "i-0".to_owned(),
            provider: "github".to_owned(),
            kind: pick(&KINDS, a),
            name: "n".to_owned(),
            version: None,
            source: pick(&[ScriptSource::Standalone, ScriptSource::Catalog], a),
        }),
    }
}

impl History {
    pub fn new() -> Self {
        Self {
            worlds: vec![World::default()],
            now: 1_700_000_000_000,
            ..Self::default()
        }
    }

    pub fn world(&self) -> &World {
        self.worlds.last().unwrap()
    }

    /// Lets one thing happen, if it can.
    pub fn step(&mut self, journal: &Arc<Memory>, (what, a, b, c): Step) {
        let project = pick(&PROJECTS, a / 64);
        let function = format!("f-{}", a % 3);
        let deployment = format!("d{}", b % 5);
        let execution = format!("e{}", b % 6);
        let function_key = format!("{project}:{function}");
        let deployment_key = format!("{project}:{deployment}");
        let execution_key = format!("{project}:{execution}");
        let state = |this: &Self, kind: &str, key: &str| {
            this.streams
                .get(&format!("{kind}-{key}"))
                .copied()
                .unwrap_or(0)
        };
        let exists = self.world().projects.contains_key(project);
        let own = state(self, "function", &function_key) == 1;
        let build = state(self, "deployment", &deployment_key);
        let run = state(self, "execution", &execution_key);
        let variable = format!("v{}", c % 3);
        let at = (project.to_owned(), function.clone(), variable.clone());
        let has_variable = self.world().variables.contains_key(&at);
        let value = || {
            let sealed = Sealed {
                data_key: "data".to_owned(),
                sealed: "c2VjcmV0".to_owned(),
            };
            match b % 2 {
                0 => Value::Clear(format!("value {b}")),
                _ => Value::Secret(sealed),
            }
        };
        let log = if c % 2 == 0 {
            String::new()
        } else {
            format!("line {c} ß\n")
        };
        use deployment::Event as D;
        use execution::Event as E;
        use function::Event as F;
        use project::Event as P;
        match what % 80 {
            48.. => self.pubnub(journal, project, (what % 80 - 48, a, b, c)),
            32..48 => self.nango(journal, project, (what % 80 - 32, a, b, c)),
            0 if exists && c % 8 == 0 => self.happen(
                journal,
                "project",
                project,
                0,
                Event::Project(P::ProjectDeleted {}),
            ),
            0..=2 if !exists => {
                let created = P::ProjectCreated {
                    name: pick(&NAMES, b).to_owned(),
                    data_key: "data".to_owned(),
                };
                self.happen(journal, "project", project, 1, Event::Project(created));
            }
            3 if exists => {
                let id = format!("k{}", b % 3);
                let known = self
                    .world()
                    .keys
                    .contains_key(&(project.to_owned(), id.clone()));
                let event = if known {
                    P::KeyRevoked {
                        id: id.as_str().into(),
                    }
                } else {
                    let key = Key {
                        name: "key".to_owned(),
                        hash: format!("{project}{id}"),
                        scopes: vec!["*".to_owned()],
                        expires_at: None,
                    };
                    P::KeyCreated {
                        id: id.as_str().into(),
                        key,
                    }
                };
                self.happen(journal, "project", project, 1, Event::Project(event));
            }
            4..=7 if !own => {
                let created = F::FunctionCreated {
                    origin: pick(&[Dialect::Appwrite, Dialect::Nango], c),
                    settings: settings(b, c),
                };
                self.happen(
                    journal,
                    "function",
                    &function_key,
                    1,
                    Event::Function(created),
                );
            }
            4..=5 => {
                let updated = F::FunctionUpdated {
                    settings: settings(b, c),
                    needs_build: b % 2 == 0,
                };
                self.happen(
                    journal,
                    "function",
                    &function_key,
                    1,
                    Event::Function(updated),
                );
            }
            6 if c % 4 == 0 => self.happen(
                journal,
                "function",
                &function_key,
                0,
                Event::Function(F::FunctionDeleted {}),
            ),
            8..=9 if own => {
                let id = variable.as_str().into();
                let variable = Variable {
                    key: format!("KEY{}", b % 4),
                    value: value(),
                };
                let event = match (has_variable, b % 3) {
                    (false, _) => F::VariableCreated { id, variable },
                    (true, 0) => F::VariableDeleted { id },
                    (true, _) => F::VariableUpdated { id, variable },
                };
                self.happen(
                    journal,
                    "function",
                    &function_key,
                    1,
                    Event::Function(event),
                );
            }
            10..=11 if own && build == 4 => {
                let activated = F::DeploymentActivated {
                    deployment: deployment.as_str().into(),
                    queued_at: (c % 2 == 0).then_some(1),
                };
                self.happen(
                    journal,
                    "function",
                    &function_key,
                    1,
                    Event::Function(activated),
                );
            }
            12..=15 if build == 0 => {
                let plan = plan(&function, c);
                self.happen(
                    journal,
                    "deployment",
                    &deployment_key,
                    1,
                    Event::Deployment(D::DeploymentCreated { plan }),
                );
            }
            12..=15 if build == 1 => {
                let index = 0;
                let source = vec![blob(c)];
                let stored = D::ChunkStored {
                    index,
                    blob: blob(c),
                };
                self.happen(
                    journal,
                    "deployment",
                    &deployment_key,
                    1,
                    Event::Deployment(stored),
                );
                let stored = D::SourceStored { source, size: 7 };
                self.happen(
                    journal,
                    "deployment",
                    &deployment_key,
                    2,
                    Event::Deployment(stored),
                );
            }
            12..=17 if build == 2 => {
                let started = D::BuildStarted {
                    worker: "w".to_owned(),
                    attempt: 1,
                };
                self.happen(
                    journal,
                    "deployment",
                    &deployment_key,
                    3,
                    Event::Deployment(started),
                );
            }
            16..=17 if build == 3 => {
                let logged = D::BuildLogged {
                    attempt: 1,
                    text: log,
                };
                self.happen(
                    journal,
                    "deployment",
                    &deployment_key,
                    3,
                    Event::Deployment(logged),
                );
            }
            18..=20 if build == 3 => {
                let artefact = Artefact {
                    kind: ArtefactKind::JavaScript,
                    code: blob(c),
                    source_map: None,
                    script: (c % 3 == 0).then(|| ScriptArtefact {
                        version: "1".to_owned(),
                        definition: Text::Inline("{}".to_owned()),
                    }),
                };
                let ended = D::BuildSucceeded {
                    attempt: 1,
                    artefact,
                    duration_ms: u64::from(c) * 37,
                    log,
                };
                self.happen(
                    journal,
                    "deployment",
                    &deployment_key,
                    4,
                    Event::Deployment(ended),
                );
            }
            21 if matches!(build, 1..=3) => {
                let ended = if c % 2 == 0 {
                    D::BuildFailed {
                        attempt: 0,
                        code: pick(&["", "timeout"], c / 2).to_owned(),
                        reason: "no".to_owned(),
                        duration_ms: 5,
                        log,
                    }
                } else {
                    D::BuildCanceled {
                        duration_ms: 1,
                        log,
                    }
                };
                self.happen(
                    journal,
                    "deployment",
                    &deployment_key,
                    5,
                    Event::Deployment(ended),
                );
            }
            22 if build > 0 => self.happen(
                journal,
                "deployment",
                &deployment_key,
                0,
                Event::Deployment(D::DeploymentDeleted {}),
            ),
            23..=25 if run == 0 => {
                let recorded = E::ExecutionRecorded {
                    request: request(&function, c),
                    deployment: deployment.as_str().into(),
                    result: outcome(c),
                };
                self.happen(
                    journal,
                    "execution",
                    &execution_key,
                    3,
                    Event::Execution(recorded),
                );
            }
            26..=27 if run == 0 => {
                let requested = E::ExecutionRequested {
                    request: request(&function, c),
                    scheduled_at: (c % 2 == 0).then_some(5),
                    input: blob(c),
                    deployment: deployment.as_str().into(),
                };
                self.happen(
                    journal,
                    "execution",
                    &execution_key,
                    1,
                    Event::Execution(requested),
                );
            }
            28 if run == 1 => {
                let started = E::ExecutionStarted {
                    worker: "w".to_owned(),
                    deployment: deployment.as_str().into(),
                };
                self.happen(
                    journal,
                    "execution",
                    &execution_key,
                    2,
                    Event::Execution(started),
                );
            }
            29 if run == 2 => {
                let result = outcome(c);
                self.happen(
                    journal,
                    "execution",
                    &execution_key,
                    3,
                    Event::Execution(E::ExecutionFinished { result }),
                );
            }
            30 if run > 0 => self.happen(
                journal,
                "execution",
                &execution_key,
                0,
                Event::Execution(E::ExecutionDeleted {}),
            ),
            31 => {
                // Somebody else's event, which concerns nobody here.
                journal.push_raw("account", "x", self.now, "Counted", "7", "[1]");
                let same = self.world().clone();
                self.worlds.push(same);
            }
            _ => {}
        }
    }

    pub fn happen(
        &mut self,
        journal: &Arc<Memory>,
        kind: &str,
        key: &str,
        state: u8,
        event: Event,
    ) {
        // Some events are of the same millisecond.
        self.now += (self.worlds.len() % 3) as i64;
        let position = journal.push(kind, key, self.now, &event);
        let mut world = self.world().clone();
        world.apply(position, self.now, key, &event);
        self.worlds.push(world);
        self.streams.insert(format!("{kind}-{key}"), state);
        if let Event::Project(project::Event::ProjectDeleted {}) = event {
            // The streams below live on in the journal; functions may be made
            // again all the same.
            let below = format!("function-{key}:");
            self.streams.retain(|stream, _| !stream.starts_with(&below));
        }
    }
}
