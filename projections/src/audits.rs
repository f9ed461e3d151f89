//! Reading the audit log: positions from the read model, lines from the journal.

use journal::{Event, StreamId};

use crate::model::Audit;
use crate::models::{self, AUDIT};
use crate::view::View;
use crate::{AuditFilter, Error};

/// Events that are read from a stream at once.
const PAGE: usize = 1000;

impl View {
    /// The audit log.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<Audit>, Error> {
        let events = match &filter.stream {
            Some(stream) => self.of_stream(stream, filter).await?,
            None => self.of_all(filter).await?,
        };
        events.iter().map(models::line).collect()
    }

    async fn of_all(&self, filter: &AuditFilter) -> Result<Vec<Event>, Error> {
        let at = self.at;
        let wanted = filter.clone();
        let positions = self
            .long(AUDIT, move |db, generation| {
                models::positions(db, generation, at, &wanted)
            })
            .await?;
        let mut events = Vec::with_capacity(positions.len());
        let mut rest = &positions[..];
        while let Some(first) = rest.first() {
            // Neighbours are read at once.
            let run = rest
                .iter()
                .zip(*first..)
                .take_while(|(one, next)| *one == next);
            let length = run.count();
            let run = self.inner.journal.read_all(first - 1, length).await?;
            let passing = run.into_iter();
            events.extend(passing.filter(|event| models::passes(event, self.at, filter)));
            rest = &rest[length..];
        }
        Ok(events)
    }

    async fn of_stream(&self, stream: &str, filter: &AuditFilter) -> Result<Vec<Event>, Error> {
        let Some((kind, key)) = stream.split_once('-') else {
            return Ok(Vec::new());
        };
        let stream = StreamId::new(kind, key);
        let (limit, backwards) = (filter.limit as usize, models::backwards(filter));
        let mut found: Vec<Event> = Vec::new();
        let mut after = 0;
        while backwards || found.len() < limit {
            let page = self.inner.journal.read_stream(&stream, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            let passing = page.into_iter();
            found.extend(passing.filter(|event| models::passes(event, self.at, filter)));
        }
        if backwards {
            found.drain(..found.len().saturating_sub(limit));
        }
        found.truncate(limit);
        Ok(found)
    }
}
