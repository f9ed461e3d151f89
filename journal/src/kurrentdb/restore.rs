//! Writing what another journal held.

use std::sync::Arc;

use super::link::Wrote;
use super::{KurrentDb, Options, record};
use crate::{Command, Error, Event, Position, Restore, check};

struct Restoring {
    journal: Arc<KurrentDb>,
    end: (Position, [u8; 32]),
}

impl Options {
    /// Connects to write into the server what another journal held. Every run
    /// of events of one stream is one append of the server, and the next waits
    /// for it.
    pub async fn restore(self) -> Result<Box<dyn Restore>, Error> {
        let journal = self.build().await?;
        let tip = journal.shared.order.end().tip;
        let end = (tip.position, tip.hash);
        Ok(Box::new(Restoring { journal, end }))
    }
}

#[async_trait::async_trait]
impl Restore for Restoring {
    fn end(&self) -> (Position, [u8; 32]) {
        self.end
    }

    /// Not all or none, but in order: what is broken off can be continued.
    async fn events(&mut self, events: Vec<Event>) -> Result<(), Error> {
        check(self.end, &events)?;
        let Some(last) = events.last() else {
            return Ok(());
        };
        let (link, names) = (&self.journal.shared.link, &self.journal.shared.names);
        for run in events.chunk_by(|one, next| one.stream == next.stream) {
            let Some(first) = run.first() else { continue };
            let data: Vec<_> = run.iter().map(record::restored).collect::<Result<_, _>>()?;
            let name = names.events(&first.stream);
            if link.append(&name, first.sequence - 1, &data).await? == Wrote::Refused {
                let reason = format!("KurrentDB: somebody else appends to {}", first.stream);
                return Err(Error::Unavailable(reason));
            }
        }
        // Every node derives the same from what is there now.
        let mut end = self.journal.shared.order.watch();
        let reached = end.wait_for(|end| end.tip.position >= last.position);
        let reached = tokio::time::timeout(self.journal.patience, reached).await;
        let tip = match reached {
            Ok(Ok(end)) => end.tip,
            _ => {
                return Err(Error::Unavailable(
                    "KurrentDB: the order stands still".to_owned(),
                ));
            }
        };
        if (tip.position, tip.hash) != (last.position, last.hash) {
            return Err(Error::Corrupt {
                position: tip.position,
                reason: "what was restored got another place or time".to_owned(),
            });
        }
        self.end = (tip.position, tip.hash);
        Ok(())
    }

    /// Command ids are found through what they claimed, which an export does
    /// not have: a command of before the move is not recognised as a repeat.
    async fn commands(&mut self, _: Vec<Command>) -> Result<(), Error> {
        Ok(())
    }
}
