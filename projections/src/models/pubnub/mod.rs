//! Packages, their revisions and deployments, and keysets.
//!
//! A package and its revisions count their deployments, and a deployment ends
//! with its revision or its keyset, so all of these are one projection.

mod deployment;
mod keyset;
mod package;
mod scheduled;

use aggregates::event::Event;
use aggregates::project;

use self::keyset::Numbered;
use self::package::PackageRow;
use crate::Error;
use crate::model::{Keyset, PackageDeployment, PackageRevision, ScheduledEvent, TestInput};
use crate::projection::{Part, Projection, Recorded};
use crate::versions::{Store, Versions};

pub(crate) use deployment::{RUNNING, TRANSITIONAL};
pub(crate) use keyset::{EVERY_KEYSET, Numbered as NumberedKeyset};
pub(crate) use package::{FUNCTIONS, PackageRow as NamedPackage, folded};
pub(crate) use scheduled::OPEN_EVENT;

/// The projection.
pub(crate) struct Packages {
    packages: Versions<PackageRow>,
    revisions: Versions<PackageRevision>,
    inputs: Versions<TestInput>,
    keysets: Versions<Keyset>,
    numbers: Versions<Numbered>,
    deployments: Versions<PackageDeployment>,
    events: Versions<ScheduledEvent>,
}

impl Packages {
    pub(crate) fn new(generation: u32, ready: bool) -> Self {
        Self {
            packages: Versions::new(generation, ready),
            revisions: Versions::new(generation, ready),
            inputs: Versions::new(generation, ready),
            keysets: Versions::new(generation, ready),
            numbers: Versions::new(generation, ready),
            deployments: Versions::new(generation, ready),
            events: Versions::new(generation, ready),
        }
    }

    fn project_gone(&mut self, store: &mut Store<'_>, project: &str) -> Result<(), Error> {
        self.numbers_gone(store, project)?;
        self.packages.end_project(store, project)?;
        self.revisions.end_project(store, project)?;
        self.inputs.end_project(store, project)?;
        self.keysets.end_project(store, project)?;
        self.deployments.end_project(store, project)?;
        self.events.end_project(store, project)
    }
}

/// The time of a change that is later than the time of the one before.
fn after(before: i64, now: i64) -> i64 {
    now.max(before.saturating_add(1))
}

impl Projection for Packages {
    fn apply(&mut self, event: &Recorded, store: &mut Store<'_>) -> Result<(), Error> {
        let stored = &event.stored;
        let concerns = match &*stored.stream.kind {
            "package" | "keyset" | "pkgdeploy" => true,
            "project" => &*stored.kind == "ProjectDeleted",
            _ => false,
        };
        if !concerns {
            return Ok(());
        }
        match event.read()? {
            Some(Event::Package(happened)) => self.package(event, happened, store),
            Some(Event::Keyset(happened)) => self.keyset(event, happened, store),
            Some(Event::PackageDeployment(happened)) => self.deployment(event, happened, store),
            Some(Event::Project(project::Event::ProjectDeleted {})) => {
                self.project_gone(store, &stored.stream.key)
            }
            _ => Ok(()),
        }
    }

    fn parts(&mut self) -> Vec<&mut dyn Part> {
        vec![
            &mut self.packages,
            &mut self.revisions,
            &mut self.inputs,
            &mut self.keysets,
            &mut self.numbers,
            &mut self.deployments,
            &mut self.events,
        ]
    }
}
