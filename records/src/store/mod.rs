//! Where operations run: on the file by one writer and some readers, on the
//! server by some connections that do both.

mod migration;
mod postgres;
mod readers;
mod sqlite;
mod writer;

use std::sync::Arc;

use journal::Clock;

pub(crate) use postgres::{Server, snapshot as server_snapshot};
pub(crate) use sqlite::{File, snapshot as file_snapshot};

use crate::Error;
use crate::db::Database;

/// A backend.
#[derive(Debug)]
pub(crate) enum Store {
    File(File),
    Server(Arc<Server>),
}

impl Store {
    /// Runs an operation in a transaction, with the time of the clock. It takes
    /// effect as a whole, and is durable when this returns; it may be run more
    /// than once before that. A caller that goes away does not stop it.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        op: impl Fn(&mut dyn Database, i64) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match self {
            Self::File(file) => file.write(op).await,
            Self::Server(server) => server.write(op).await,
        }
    }

    /// Runs an operation that only reads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        op: impl Fn(&mut dyn Database) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match self {
            Self::File(file) => file.read(op).await,
            Self::Server(server) => server.read(op).await,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::File(file) => file.close().await,
            Self::Server(server) => server.close(),
        }
    }
}

/// What both are opened with.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub clock: Clock,
    pub connections: usize,
}
