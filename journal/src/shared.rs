//! Texts that neighbouring rows share.

use std::sync::Arc;

use crate::{Metadata, StreamId};

/// What the rows read so far had, for the rows to come: neighbouring rows
/// repeat much, and one text in memory serves them all.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    names: Vec<Arc<str>>,
    stream: Option<StreamId>,
    metadata: Option<Arc<Metadata>>,
}

/// [`Metadata`] as a row has it, before it is known whether it must be copied.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    pub(crate) command_id: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) correlation_id: &'a str,
    pub(crate) causation_id: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) project: &'a str,
    pub(crate) extra: &'a str,
}

/// At most so many texts are compared before a new one is made.
const NAMES: usize = 32;

impl Shared {
    pub(crate) fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.iter().find(|known| &***known == name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        if self.names.len() < NAMES {
            self.names.push(Arc::clone(&name));
        }
        name
    }

    pub(crate) fn stream(&mut self, kind: &str, key: &str) -> StreamId {
        if let Some(last) = &self.stream
            && &*last.key == key
            && &*last.kind == kind
        {
            return last.clone();
        }
        let stream = StreamId::new(self.name(kind), key);
        self.stream.insert(stream).clone()
    }

    pub(crate) fn metadata(&mut self, columns: &Columns<'_>) -> Arc<Metadata> {
        if let Some(last) = &self.metadata
            && last.command_id == columns.command_id
            && last.actor == columns.actor
            && last.correlation_id == columns.correlation_id
            && last.causation_id == columns.causation_id
            && last.request_id == columns.request_id
            && last.project == columns.project
            && last.extra == columns.extra
        {
            return Arc::clone(last);
        }
        let metadata = Arc::new(Metadata {
            command_id: columns.command_id.to_owned(),
            actor: columns.actor.to_owned(),
            correlation_id: columns.correlation_id.to_owned(),
            causation_id: columns.causation_id.to_owned(),
            request_id: columns.request_id.to_owned(),
            project: columns.project.to_owned(),
            extra: columns.extra.to_owned(),
        });
        Arc::clone(self.metadata.insert(metadata))
    }
}
