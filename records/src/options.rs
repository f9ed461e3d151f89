//! Opening a store.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use journal::Clock;

use crate::store::{self, Common, File, Server, Store};
use crate::{Error, Export, Records, Restore};

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    location: Location,
    /// Gives the time of changes.
    pub clock: Clock,
    /// How many connections work at the same time; at least 1. A file has one
    /// more, which writes; on a server these are all.
    pub connections: usize,
}

#[derive(Clone)]
enum Location {
    File(PathBuf),
    Server(String),
}

impl Options {
    /// A store in this file, which is created when it is not there. Its folder
    /// must exist.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::new(Location::File(path.into()))
    }

    /// A store in this database: `postgres://user:password@host/database`. The
    /// user must be allowed to create the schema `records`.
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::new(Location::Server(url.into()))
    }

    fn new(location: Location) -> Self {
        Self {
            location,
            clock: Clock::system(),
            connections: 4,
        }
    }

    /// Everything that the store holds now, whoever works on it. One that is not there is empty.
    pub fn export(self) -> Export {
        Export::begin(move || match self.location {
            Location::File(path) => store::file_snapshot(&path),
            Location::Server(url) => store::server_snapshot(&url),
        })
    }

    /// Opens the store to take the rows of another one.
    ///
    /// # Errors
    /// As [`Options::build`].
    pub async fn restore(self) -> Result<Restore, Error> {
        Ok(Restore::new(self.build().await?))
    }

    /// Opens the store, brings its tables up to date, and goes on with what was
    /// left to remove.
    ///
    /// Fails with [`Error::Locked`] while another process has the file open.
    pub async fn build(self) -> Result<Records, Error> {
        let open = tokio::task::spawn_blocking(move || {
            let common = Common {
                clock: self.clock,
                connections: self.connections,
            };
            match self.location {
                Location::File(path) => File::open(path, common).map(Store::File),
                Location::Server(url) => Server::open(&url, common).map(Store::Server),
            }
        });
        let store = match open.await {
            Ok(store) => Arc::new(store?),
            Err(error) => return Err(Error::Unavailable(format!("opening: {error}"))),
        };
        let records = Records::new(store);
        let swept = records.clone();
        tokio::spawn(async move {
            if let Err(error) = swept.sweep().await
                && !matches!(error, Error::Closed)
            {
                tracing::warn!(%error, "dropped records could not be removed");
            }
        });
        Ok(records)
    }
}

impl fmt::Debug for Options {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("clock", &self.clock)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}
