//! Values and counters that the functions of a keyset share.

use aggregates::entry::{Event as Happened, Kind};
use aggregates::event::Event;
use aggregates::{counter, keyset, project};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::db::Buffer;
use crate::model::{Counter, Entry};
use crate::projection::{Part, Projection, Recorded};
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store, Versions};

impl Row for Entry {
    const TABLE: &'static Table = &Table {
        name: "entries",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("key"),
            Column::text("kind"),
            Column::integer("expires_at"),
            // Keys of one kind are next to each other, in order.
            Column::text("place").facet(),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(self.id.as_str());
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(&self.key);
        to.text(self.value.kind.as_str());
        to.integer(self.value.expires_at);
        to.text(&place(self.value.kind, &self.key));
    }
}

/// Where the key of an entry of this kind is among all.
pub(crate) fn place(kind: Kind, key: &str) -> String {
    format!("{}/{key}", kind.as_str())
}

/// What comes right behind all places of a kind.
pub(crate) fn end_of(kind: Kind) -> String {
    // The character after the slash.
    format!("{}0", kind.as_str())
}

impl Row for Counter {
    const TABLE: &'static Table = &Table {
        name: "counters",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("key").facet(),
            Column::integer("value"),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(self.id.as_str());
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(&self.key);
        to.integer(self.value);
    }
}

/// That a keyset exists, so that nothing begins on one that is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Existing {}

impl Row for Existing {
    const TABLE: &'static Table = &Table {
        name: "entry_keysets",
        columns: &[],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, _to: &mut Buffer) {}
}

/// The projection.
pub(crate) struct Entries {
    entries: Versions<Entry>,
    counters: Versions<Counter>,
    keysets: Versions<Existing>,
}

impl Entries {
    pub(crate) fn new(generation: u32, ready: bool) -> Self {
        Self {
            entries: Versions::new(generation, ready),
            counters: Versions::new(generation, ready),
            keysets: Versions::new(generation, ready),
        }
    }

    fn entry(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, id) = event.key()?;
        let now = event.stored.recorded_at;
        let at = Place::new(project, id);
        match happened {
            Happened::EntrySet { keyset, key, value } => {
                let changed = self.entries.update(store, at, |row| {
                    row.value.clone_from(value);
                    row.updated_at = now;
                })?;
                let owner = keyset.to_string();
                if !changed && self.exists(store, project, &owner)? {
                    let row = Entry {
                        id: id.into(),
                        sequence: event.stored.position,
                        key: key.clone(),
                        keyset: *keyset,
                        value: value.clone(),
                        created_at: now,
                        updated_at: now,
                    };
                    self.entries.create(store, at.below(&owner), row)?;
                }
            }
            Happened::EntryRemoved {} => {
                self.entries.end(store, at)?;
            }
        }
        Ok(())
    }

    fn counter(
        &mut self,
        event: &Recorded,
        happened: &counter::Event,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, id) = event.key()?;
        let now = event.stored.recorded_at;
        let at = Place::new(project, id);
        let counter::Event::CounterChanged {
            keyset, key, value, ..
        } = happened;
        let changed = self.counters.update(store, at, |row| {
            row.value = *value;
            row.updated_at = now;
        })?;
        let owner = keyset.to_string();
        if !changed && self.exists(store, project, &owner)? {
            let row = Counter {
                id: id.into(),
                sequence: event.stored.position,
                key: key.clone(),
                keyset: *keyset,
                value: *value,
                created_at: now,
                updated_at: now,
            };
            self.counters.create(store, at.below(&owner), row)?;
        }
        Ok(())
    }

    fn exists(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        keyset: &str,
    ) -> Result<bool, Error> {
        let keyset = Place::new(project, keyset);
        Ok(self.keysets.get(store, keyset)?.is_some())
    }
}

impl Projection for Entries {
    fn apply(&mut self, event: &Recorded, store: &mut Store<'_>) -> Result<(), Error> {
        let stored = &event.stored;
        let concerns = match &*stored.stream.kind {
            "entry" | "counter" => true,
            "keyset" => matches!(&*stored.kind, "KeysetCreated" | "KeysetDeleted"),
            "project" => &*stored.kind == "ProjectDeleted",
            _ => false,
        };
        if !concerns {
            return Ok(());
        }
        match event.read()? {
            Some(Event::Entry(happened)) => self.entry(event, happened, store),
            Some(Event::Counter(happened)) => self.counter(event, happened, store),
            Some(Event::Keyset(happened)) => {
                let (project, id) = event.key()?;
                let at = Place::new(project, id);
                match happened {
                    keyset::Event::KeysetCreated { .. } => {
                        self.keysets.create(store, at, Existing {})?;
                    }
                    keyset::Event::KeysetDeleted {} => {
                        self.keysets.end(store, at)?;
                        self.entries.end_children(store, project, id)?;
                        self.counters.end_children(store, project, id)?;
                    }
                    _ => {}
                }
                Ok(())
            }
            Some(Event::Project(project::Event::ProjectDeleted {})) => {
                let project = &*stored.stream.key;
                self.keysets.end_project(store, project)?;
                self.entries.end_project(store, project)?;
                self.counters.end_project(store, project)
            }
            _ => Ok(()),
        }
    }

    fn parts(&mut self) -> Vec<&mut dyn Part> {
        vec![&mut self.entries, &mut self.counters, &mut self.keysets]
    }
}
