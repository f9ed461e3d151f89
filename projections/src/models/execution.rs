//! Executions.

use aggregates::event::Event;
use aggregates::execution::{Event as Happened, Outcome, Request};
use aggregates::{HandlerRevisionId, Text, function, keyset, package, project};
use serde::{Deserialize, Serialize};

use super::UNFINISHED;
use crate::Error;
use crate::db::Buffer;
use crate::model::Execution;
use crate::projection::{Part, Projection, Recorded};
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store, Versions};

impl Row for Execution {
    const TABLE: &'static Table = &Table {
        name: "executions",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("trigger"),
            Column::text("status").facet(),
            Column::integer("response_status_code"),
            Column::integer("duration_us"),
            Column::text("method"),
            Column::text("path"),
            Column::text("deployment_id").facet(),
            Column::integer("keyset"),
            Column::text("handler"),
            Column::text("handler_kind"),
            Column::integer("is_last"),
        ],
        computed: &[
            (
                "duration",
                "CAST(v.\"duration_us\" AS double precision) / 1000000.0",
            ),
            ("request_method", "v.\"method\""),
            ("request_path", "v.\"path\""),
        ],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(&self.id);
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(&self.trigger);
        to.text(&self.status);
        to.number(u64::from(self.response_status_code));
        to.number(self.duration_us);
        to.text(&self.method);
        to.text(&self.path);
        to.text(&self.deployment_id);
        let handler = self.handler.as_ref();
        to.number(handler.map_or(0, |call| call.keyset));
        to.text(handler.map_or("", |call| call.handler.as_str()));
        to.text(handler.map_or("", |call| call.kind.as_str()));
        to.flag(handler.is_some_and(|call| call.is_last));
    }

    fn global(&self) -> Option<&str> {
        let unfinished = matches!(&*self.status, "waiting" | "processing" | "scheduled");
        unfinished.then_some(UNFINISHED)
    }
}

/// That a function exists, so that an execution that ends after its function
/// is not taken for one of a function that gets the same id later.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Existing {}

impl Row for Existing {
    const TABLE: &'static Table = &Table {
        name: "executables",
        columns: &[],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, _to: &mut Buffer) {}
}

/// That a package exists, so that no revision begins in one that is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Package {}

impl Row for Package {
    const TABLE: &'static Table = &Table {
        name: "executable_packages",
        columns: &[],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, _to: &mut Buffer) {}
}

/// That a revision of a package exists, and what it consists of.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Revision {
    package: String,
    handlers: Vec<HandlerRevisionId>,
}

impl Row for Revision {
    const TABLE: &'static Table = &Table {
        name: "executable_revisions",
        columns: &[Column::text("package").facet()],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(&self.package);
    }
}

/// A message that a function has not dealt with, however often it was tried.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct DeadLetter {
    pub row: Execution,
}

impl DeadLetter {
    /// What an execution has become, if it is one.
    fn of(row: &Execution) -> Option<Self> {
        let call = row.handler.as_ref()?;
        let given_up = call.is_last && call.kind.is_after() && call.deployment.is_some();
        (given_up && row.status == "failed").then(|| Self { row: row.clone() })
    }
}

impl Row for DeadLetter {
    const TABLE: &'static Table = &Table {
        name: "dead_letters",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::integer("keyset").facet(),
            Column::text("handler").facet(),
            Column::text("handler_kind"),
            Column::text("channel"),
            Column::text("deployment_id"),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        let row = &self.row;
        let handler = row.handler.as_ref();
        to.text(&row.id);
        // It is one from its end on.
        to.integer(row.updated_at);
        to.integer(row.updated_at);
        to.number(handler.map_or(0, |call| call.keyset));
        to.text(handler.map_or("", |call| call.handler.as_str()));
        to.text(handler.map_or("", |call| call.kind.as_str()));
        to.text(handler.map_or("", |call| &call.channel));
        to.text(&row.deployment_id);
    }
}

/// The projection.
pub(crate) struct Executions {
    executions: Versions<Execution>,
    functions: Versions<Existing>,
    packages: Versions<Package>,
    revisions: Versions<Revision>,
    letters: Versions<DeadLetter>,
}

impl Executions {
    pub(crate) fn new(generation: u32, ready: bool) -> Self {
        Self {
            executions: Versions::new(generation, ready),
            functions: Versions::new(generation, ready),
            packages: Versions::new(generation, ready),
            revisions: Versions::new(generation, ready),
            letters: Versions::new(generation, ready),
        }
    }

    fn execution(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, id) = event.key()?;
        let now = event.stored.recorded_at;
        let at = Place::new(project, id);
        match happened {
            Happened::ExecutionRecorded {
                request,
                deployment,
                result,
            } => {
                let mut row = requested(event, id, request, deployment.as_str());
                finish(&mut row, result, now);
                if self.may_begin(store, at, &row)? {
                    let below = at.below(&row.function_id);
                    self.executions.record(store, below, &row)?;
                    if let Some(letter) = DeadLetter::of(&row) {
                        self.letters.create(store, at, letter)?;
                    }
                }
            }
            Happened::ExecutionRequested {
                request,
                scheduled_at,
                input,
                deployment,
            } => {
                let mut row = requested(event, id, request, deployment.as_str());
                if scheduled_at.is_some() {
                    "scheduled".clone_into(&mut row.status);
                }
                row.scheduled_at = *scheduled_at;
                row.input = Some(input.clone());
                if self.may_begin(store, at, &row)? {
                    let function = row.function_id.clone();
                    self.executions.create(store, at.below(&function), row)?;
                }
            }
            Happened::ExecutionStarted { worker, deployment } => {
                self.executions.update(store, at, |row| {
                    "processing".clone_into(&mut row.status);
                    row.worker.clone_from(worker);
                    row.deployment_id = deployment.to_string();
                    row.updated_at = now;
                })?;
            }
            Happened::ExecutionFinished { result } => {
                let mut letter = None;
                self.executions.update(store, at, |row| {
                    finish(row, result, now);
                    letter = DeadLetter::of(row);
                })?;
                if let Some(letter) = letter {
                    self.letters.create(store, at, letter)?;
                }
            }
            Happened::ExecutionDeleted {} => {
                if let Some(gone) = self.executions.end(store, at)?
                    && DeadLetter::of(&gone).is_some()
                {
                    self.letters.end(store, at)?;
                }
            }
        }
        Ok(())
    }

    /// Its function exists, or the revision that its function is of.
    fn may_begin(
        &mut self,
        store: &mut Store<'_>,
        at: Place<'_>,
        row: &Execution,
    ) -> Result<bool, Error> {
        if let Some(call) = &row.handler {
            let owner = Place::new(at.project, call.revision.as_str());
            return Ok(self.revisions.get(store, owner)?.is_some());
        }
        let owner = Place::new(at.project, &row.function_id);
        Ok(self.functions.get(store, owner)?.is_some())
    }
}

impl Executions {
    fn package(
        &mut self,
        event: &Recorded,
        happened: &package::Event,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, id) = event.key()?;
        let at = Place::new(project, id);
        match happened {
            package::Event::PackageCreated { .. } => self.packages.create(store, at, Package {}),
            package::Event::RevisionCreated {
                revision, handlers, ..
            } => {
                if self.packages.get(store, at)?.is_none() {
                    return Ok(());
                }
                let handlers = handlers.iter().map(|handler| handler.revision.clone());
                let row = Revision {
                    package: id.to_owned(),
                    handlers: handlers.collect(),
                };
                let at = Place::new(project, revision.as_str());
                self.revisions.create(store, at, row)
            }
            package::Event::RevisionDeleted { revision } => {
                self.revision_gone(store, Place::new(project, revision.as_str()))
            }
            package::Event::PackageDeleted {} => {
                self.packages.end(store, at)?;
                for revision in self.revisions.having(store, project, "package", id)? {
                    self.revision_gone(store, Place::new(project, &revision))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Ends a revision with all executions of its functions.
    fn revision_gone(&mut self, store: &mut Store<'_>, at: Place<'_>) -> Result<(), Error> {
        let gone = self.revisions.end(store, at)?;
        for handler in gone.iter().flat_map(|gone| &gone.handlers) {
            self.letters_gone(store, at.project, ("handler", handler.as_str()))?;
            self.executions
                .end_children(store, at.project, handler.as_str())?;
        }
        Ok(())
    }

    fn letters_gone(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        (column, value): (&str, &str),
    ) -> Result<(), Error> {
        for letter in self.letters.having(store, project, column, value)? {
            self.letters.end(store, Place::new(project, &letter))?;
        }
        Ok(())
    }
}

fn requested(event: &Recorded, id: &str, request: &Request, deployment: &str) -> Execution {
    Execution {
        id: id.to_owned(),
        function_id: request.function.to_string(),
        deployment_id: deployment.to_owned(),
        sequence: event.stored.position,
        created_at: event.stored.recorded_at,
        updated_at: event.stored.recorded_at,
        trigger: request.trigger.clone(),
        status: "waiting".to_owned(),
        method: request.method.clone(),
        path: request.path.clone(),
        request_headers: request.headers.clone(),
        user: request.user.clone(),
        response_status_code: 0,
        response_headers: Vec::new(),
        logs: Text::default(),
        errors: Text::default(),
        duration_us: 0,
        scheduled_at: None,
        input: None,
        worker: String::new(),
        reason: String::new(),
        script: request.script.clone(),
        handler: request.handler.clone(),
        output: None,
    }
}

fn finish(row: &mut Execution, result: &Outcome, now: i64) {
    let status = if result.completed {
        "completed"
    } else {
        "failed"
    };
    status.clone_into(&mut row.status);
    row.response_status_code = result.status_code;
    row.response_headers.clone_from(&result.headers);
    row.logs.clone_from(&result.logs);
    row.errors.clone_from(&result.errors);
    row.duration_us = result.duration_us;
    row.reason.clone_from(&result.reason);
    row.output.clone_from(&result.output);
    row.input = None;
    row.updated_at = now;
}

impl Projection for Executions {
    fn apply(&mut self, event: &Recorded, store: &mut Store<'_>) -> Result<(), Error> {
        let stored = &event.stored;
        let concerns = match &*stored.stream.kind {
            "execution" => true,
            "function" => matches!(&*stored.kind, "FunctionCreated" | "FunctionDeleted"),
            "package" => matches!(
                &*stored.kind,
                "PackageCreated" | "RevisionCreated" | "RevisionDeleted" | "PackageDeleted"
            ),
            "keyset" => &*stored.kind == "KeysetDeleted",
            "project" => &*stored.kind == "ProjectDeleted",
            _ => false,
        };
        if !concerns {
            return Ok(());
        }
        match event.read()? {
            Some(Event::Execution(happened)) => self.execution(event, happened, store),
            Some(Event::Function(happened)) => {
                let (project, id) = event.key()?;
                let at = Place::new(project, id);
                match happened {
                    function::Event::FunctionCreated { .. } => {
                        self.functions.create(store, at, Existing {})?;
                    }
                    function::Event::FunctionDeleted {} => {
                        self.functions.end(store, at)?;
                        self.executions.end_children(store, project, id)?;
                    }
                    _ => {}
                }
                Ok(())
            }
            Some(Event::Package(happened)) => self.package(event, happened, store),
            Some(Event::Keyset(keyset::Event::KeysetDeleted {})) => {
                let (project, keyset) = event.key()?;
                self.letters_gone(store, project, ("keyset", keyset))
            }
            Some(Event::Project(project::Event::ProjectDeleted {})) => {
                let project = &*stored.stream.key;
                self.functions.end_project(store, project)?;
                self.packages.end_project(store, project)?;
                self.revisions.end_project(store, project)?;
                self.letters.end_project(store, project)?;
                self.executions.end_project(store, project)
            }
            _ => Ok(()),
        }
    }

    fn parts(&mut self) -> Vec<&mut dyn Part> {
        vec![
            &mut self.executions,
            &mut self.functions,
            &mut self.packages,
            &mut self.revisions,
            &mut self.letters,
        ]
    }
}
