//! Writing what another journal held.

use std::fs::File;

use rusqlite::{Connection, TransactionBehavior};

use super::{Options, rows, schema, unavailable};
use crate::batch::{Plan, Tip};
use crate::{Command, Error, Event, Position, Restore};

struct Restoring {
    connection: Connection,
    tip: Tip,
    /// Released after the connection: fields are dropped in this order.
    _lock: File,
}

impl Options {
    /// Opens the file to write into it what another journal held. Blocks on the
    /// disk, as its methods do.
    ///
    /// Fails with [`Error::Locked`] while another process has it open for
    /// writing.
    pub fn restore(self) -> Result<Box<dyn Restore>, Error> {
        let lock = schema::lock(&self.path)?;
        let connection = schema::open_writer(&self.path, self.max_bytes, &self.clock)?;
        let tip = rows::tip(&connection).map_err(unavailable)?;
        Ok(Box::new(Restoring {
            connection,
            tip,
            _lock: lock,
        }))
    }
}

impl Restoring {
    fn write(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), Error> {
        let connection = &mut self.connection;
        let write = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            work(&transaction)?;
            transaction.commit()
        };
        write().map_err(unavailable)
    }
}

#[async_trait::async_trait]
impl Restore for Restoring {
    fn end(&self) -> (Position, [u8; 32]) {
        (self.tip.position, self.tip.hash)
    }

    async fn events(&mut self, events: Vec<Event>) -> Result<(), Error> {
        let plan = Plan::restored(self.tip, events)?;
        self.write(|connection| rows::insert_events(connection, &plan.events))?;
        self.tip = plan.tip();
        Ok(())
    }

    async fn commands(&mut self, commands: Vec<Command>) -> Result<(), Error> {
        self.write(|connection| rows::restore_commands(connection, &commands))
    }
}
