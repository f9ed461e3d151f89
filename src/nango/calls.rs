//! Calls of other people's APIs on behalf of a connection: authenticated, and repeated as the
//! provider or the caller wishes.

use std::time::Duration;

use aggregates::ProjectId;
use async_trait::async_trait;
use connectors::{CallConfig, Credentials, Exchange, send};
use jiff::Timestamp;

use super::connections::{Connections, Live};
use super::transport;

struct Host<'a> {
    connections: &'a Connections,
    project: &'a ProjectId,
    live: &'a Live,
}

#[async_trait]
impl connectors::Host for Host<'_> {
    fn now(&self) -> Timestamp {
        transport::now()
    }

    fn nonce(&self) -> String {
        transport::nonce()
    }

    async fn sleep(&self, duration: Duration) {
        transport::sleep(duration).await;
    }

    async fn reload(&self) -> Option<Credentials> {
        let integration = &self.live.integration.id;
        let fresh = self
            .connections
            .open(self.project, integration, &self.live.id, true)
            .await;
        fresh.ok().map(|live| live.credentials)
    }
}

/// Sends a call until there is an answer to keep.
///
/// # Errors
/// When there is none, see [`send::Error`].
pub async fn call(
    connections: &Connections,
    project: &ProjectId,
    live: &Live,
    config: &CallConfig,
) -> Result<Exchange, send::Error> {
    let host = Host {
        connections,
        project,
        live,
    };
    send(connections.outbound(), &host, live.target(), config).await
}
