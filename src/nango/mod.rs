//! What the Nango dialect needs below its wire format: compiling and checking functions, other
//! people's HTTP APIs, connections, records, runs.
//!
//! Nothing here knows how a request is answered; `http/nango` translates.

pub mod actions;
pub mod build;
pub mod bundle;
pub mod calls;
pub mod compile;
pub mod connections;
mod contract;
pub mod dryruns;
pub mod keys;
pub mod records;
pub mod runtime;
pub mod shapes;
pub mod syncs;
pub mod templates;
mod toolchain;
pub mod transport;

use std::sync::{Arc, OnceLock};

use ::records::Records;
use aggregates::ProjectId;
use projections::ReadModels;
use serde_json::Value;

use crate::blobs::Blobs;
use crate::bus::Bus;
use crate::cluster::Cluster;
use crate::execution::Executor;
use crate::vault::Vault;

pub use contract::Scripts;
pub use toolchain::{CHECKER, Toolchain, Unavailable};

use compile::Compiling;
use connections::Connections;

/// Everything of this dialect that a server holds.
pub struct Shared {
    /// Where commands go.
    pub bus: Bus,
    /// Where reads go.
    pub reads: ReadModels,
    /// Sources and artefacts.
    pub blobs: Blobs,
    /// Opens secrets.
    pub vault: Vault,
    /// Who else works on the database.
    pub cluster: Cluster,
    /// Compiles functions.
    pub compiling: Compiling,
    /// Opens connections, and is the way to providers.
    pub connections: Connections,
    /// What syncs have fetched.
    pub records: Records,
    /// Where clients reach this server.
    pub public_url: String,
    /// Which schemas are checked when a function runs: `{input?, output?}`.
    pub validate: Value,
    /// Something about syncs has changed.
    pub changed: tokio::sync::Notify,
    /// Runs of syncs that can be stopped.
    pub stops: runtime::Stops,
    /// Runs functions; there a moment after this.
    pub runs: OnceLock<Executor>,
}

impl Shared {
    /// What runs functions.
    ///
    /// # Errors
    /// In the first moments of a server.
    pub fn executor(&self) -> Result<&Executor, actions::Refused> {
        let missing = || actions::Refused::Unavailable("the server is still starting".to_owned());
        self.runs.get().ok_or_else(missing)
    }

    /// Where a provider sends what happens to an integration. Whoever knows the address may.
    pub fn webhook_url(&self, project: &ProjectId, integration: &str) -> String {
        let base = self.public_url.trim_end_matches('/');
        let shown: String = url::form_urlencoded::byte_serialize(integration.as_bytes()).collect();
        let shown = shown.replace('+', "%20");
        let token = self.webhook_token(project, integration);
        format!("{base}/webhook/{project}/{shown}/{token}")
    }

    /// What the address of a webhook ends with.
    pub fn webhook_token(&self, project: &ProjectId, integration: &str) -> String {
        use hmac::{Hmac, Mac as _};
        let key = self.vault.derive("webhooks");
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).expect("any key length");
        mac.update(format!("{project}/{integration}").as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..16])
    }
}

/// What a server holds of this dialect.
pub struct Nango {
    /// What everything works with.
    pub shared: Arc<Shared>,
    /// Runs what is due.
    pub syncs: syncs::Syncs,
    /// Tries functions.
    pub dryruns: dryruns::DryRuns,
}

impl Nango {
    /// Of these parts.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            syncs: syncs::Syncs::new(shared.clone()),
            dryruns: dryruns::DryRuns::new(shared.clone()),
            shared,
        }
    }
}

impl std::ops::Deref for Nango {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}
