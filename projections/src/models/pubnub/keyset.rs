//! Keysets.

use aggregates::keyset::Event as Happened;
use serde::{Deserialize, Serialize};

use super::{Packages, after};
use crate::Error;
use crate::db::Buffer;
use crate::model::Keyset;
use crate::projection::Recorded;
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store};

/// What the keysets of all projects are looked for by.
pub(crate) const EVERY_KEYSET: &str = "every";

impl Row for Keyset {
    const TABLE: &'static Table = &Table {
        name: "keysets",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("name"),
            Column::integer("number"),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(&self.id);
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(&self.name);
        to.number(self.number);
    }

    fn global(&self) -> Option<&str> {
        Some(&self.subscribe_key)
    }
}

/// A number that a keyset has or had. These rows are in no project, and never
/// end: no number is to be given a second time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Numbered {
    pub project: String,
    pub number: u64,
    /// None: the keyset is gone.
    pub keyset: Option<Keyset>,
}

impl Row for Numbered {
    const TABLE: &'static Table = &Table {
        name: "keyset_numbers",
        columns: &[
            Column::text("project").facet(),
            Column::integer("number").facet(),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(&self.project);
        to.number(self.number);
    }

    fn global(&self) -> Option<&str> {
        self.keyset.as_ref().map(|_| EVERY_KEYSET)
    }
}

impl Packages {
    pub(super) fn keyset(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, id) = event.key()?;
        let now = event.stored.recorded_at;
        let at = Place::new(project, id);
        match happened {
            Happened::KeysetCreated {
                number,
                name,
                publish_key,
                subscribe_key,
                settings,
            } => {
                let row = Keyset {
                    id: id.to_owned(),
                    number: *number,
                    sequence: event.stored.position,
                    created_at: now,
                    updated_at: now,
                    name: name.clone(),
                    publish_key: publish_key.clone(),
                    subscribe_key: subscribe_key.clone(),
                    settings: settings.clone(),
                    secrets: Vec::new(),
                    connected: Vec::new(),
                };
                self.keysets.create(store, at, row)?;
            }
            Happened::KeysetDeleted {} => {
                self.keysets.end(store, at)?;
                for key in self.deployments.having(store, project, "keyset", id)? {
                    self.deployment_gone(store, Place::new(project, &key))?;
                }
                for event in self.events.having(store, project, "keyset", id)? {
                    self.events.end(store, Place::new(project, &event))?;
                }
            }
            change => {
                self.keysets.update(store, at, |row| {
                    fold(row, change);
                    row.updated_at = after(row.updated_at, now);
                })?;
            }
        }
        self.number(store, at)
    }

    /// Notes for all projects what a keyset is now.
    fn number(&mut self, store: &mut Store<'_>, at: Place<'_>) -> Result<(), Error> {
        let keyset = self.keysets.get(store, at)?.cloned();
        let key = format!("{}:{}", at.project, at.id);
        let known = Place::new("", &key);
        let change = |row: &mut Numbered| row.keyset.clone_from(&keyset);
        if !self.numbers.update(store, known, change)?
            && let Some(keyset) = keyset
        {
            let row = Numbered {
                project: at.project.to_owned(),
                number: keyset.number,
                keyset: Some(keyset),
            };
            self.numbers.create(store, known, row)?;
        }
        Ok(())
    }

    /// Notes that the keysets of a project are gone.
    pub(super) fn numbers_gone(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
    ) -> Result<(), Error> {
        for key in self.numbers.having(store, "", "project", project)? {
            let at = Place::new("", &key);
            self.numbers.update(store, at, |row| row.keyset = None)?;
        }
        Ok(())
    }
}

fn fold(row: &mut Keyset, change: &Happened) {
    match change {
        Happened::KeysetCreated { .. } | Happened::KeysetDeleted {} => {}
        Happened::KeysetUpdated { name, settings } => {
            row.name.clone_from(name);
            row.settings.clone_from(settings);
        }
        Happened::SecretSet { name, .. } => {
            if let Err(place) = row.secrets.binary_search(name) {
                row.secrets.insert(place, name.clone());
            }
        }
        Happened::SecretDeleted { name } => row.secrets.retain(|have| have != name),
        Happened::FunctionsConnected { connected } => {
            row.connected.retain(|have| *have != connected.deployment);
            row.connected.push(connected.deployment.clone());
        }
        Happened::FunctionsDisconnected { deployment } => {
            row.connected.retain(|have| have != deployment);
        }
        Happened::FunctionsSwitched { from, to } => {
            row.connected.retain(|have| *have != to.deployment);
            for have in &mut row.connected {
                if have == from {
                    have.clone_from(&to.deployment);
                }
            }
        }
    }
}
