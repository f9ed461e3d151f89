//! What the PubNub dialect needs below its wire format: packages, keysets and their store,
//! deployments on keysets, messages and the functions that see them.
//!
//! Nothing here knows how a request is answered; `http/pubnub` translates.

pub mod packages;
pub mod secrets;
pub mod store;

use std::sync::{Arc, OnceLock};

use compiler::Compiler;
use projections::ReadModels;
use sandbox::{Sandbox, outbound};

use crate::blobs::Blobs;
use crate::bus::Bus;
use crate::cluster::Cluster;
use crate::execution::{Executor, Programs};
use crate::vault::Vault;

/// Everything of this dialect that a server holds.
pub struct Shared {
    /// Where commands go.
    pub bus: Bus,
    /// Where reads go.
    pub reads: ReadModels,
    /// Sources and artefacts.
    pub blobs: Blobs,
    /// Seals and opens secrets and shared values.
    pub vault: Vault,
    /// Who else works on the database.
    pub cluster: Cluster,
    /// Compiles functions.
    pub compiler: Compiler,
    /// Runs functions.
    pub sandbox: Sandbox,
    /// Code in memory.
    pub programs: Programs,
    /// What functions may reach.
    pub outbound: Arc<outbound::Policy>,
    /// Where clients reach this server.
    pub public_url: String,
    /// Records what runs; there a moment after this.
    pub runs: OnceLock<Executor>,
}

/// The dialect's parts, as a server holds them. Cheap to clone.
#[derive(Clone)]
pub struct PubNub {
    /// What they share.
    pub shared: Arc<Shared>,
}

impl PubNub {
    /// With what was opened before.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}
