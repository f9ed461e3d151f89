//! The KurrentDB backend: the common suite, and what is its own.
//!
//! The suite runs on the server that `KURRENTDB_URL` names. Without it, and
//! where a test makes the server fail, [`server`] stands in: a gRPC service in
//! this process that implements the documented protocol as far as it is used.

mod alone;
mod nodes;
mod server;
mod store;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use journal::kurrentdb::{KurrentDb, Options};
use journal::{Clock, Journal};

use crate::bed::Bed;
use crate::suite::suite;
use server::Server;

/// One journal on a server.
pub struct Place {
    url: String,
    prefix: String,
    /// The server, when it is the one in this process.
    server: Option<Server>,
}

impl Place {
    /// On the server that is there for tests, or on one in this process.
    fn new() -> Self {
        match std::env::var("KURRENTDB_URL") {
            Ok(url) if !url.is_empty() => Self {
                url,
                prefix: prefix(),
                server: None,
            },
            _ => Self::on(Server::start()),
        }
    }

    fn on(server: Server) -> Self {
        Self {
            url: server.url(),
            prefix: prefix(),
            server: Some(server),
        }
    }

    fn options(&self) -> Options {
        Options {
            prefix: self.prefix.clone(),
            ..Options::new(&self.url)
        }
    }

    async fn node(&self) -> Arc<KurrentDb> {
        self.options().build().await.expect("the journal opens")
    }

    /// One that waits for nothing.
    async fn hasty(&self) -> Arc<KurrentDb> {
        let options = Options {
            patience: Duration::from_millis(300),
            ..self.options()
        };
        options.build().await.expect("the journal opens")
    }
}

/// Tests share a server, but no journal.
fn prefix() -> String {
    format!("t{}", uuid::Uuid::new_v4().simple())
}

#[async_trait::async_trait]
impl Bed for Place {
    async fn open(&self, clock: Clock) -> Arc<dyn Journal> {
        if let Some(server) = &self.server {
            server.store.set_clock(clock.clone());
        }
        let options = Options {
            clock,
            ..self.options()
        };
        options.build().await.expect("the journal opens")
    }

    /// What changes behind its back is in [`alone`].
    fn has_sql(&self) -> bool {
        false
    }

    /// The time is the server's.
    fn has_clock(&self) -> bool {
        self.server.is_some()
    }

    fn has_queue(&self) -> bool {
        false
    }

    async fn tamper(&self, sql: &str) -> bool {
        panic!("no SQL here: {sql}");
    }

    fn bytes(&self, hex: &str) -> String {
        panic!("no SQL here: {hex}");
    }
}

suite!(Place::new());
