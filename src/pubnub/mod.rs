//! What the PubNub dialect needs below its wire format: packages, keysets and their store,
//! deployments on keysets, messages and the functions that see them.
//!
//! Nothing here knows how a request is answered; `http/pubnub` translates.

pub mod assignments;
pub mod deploy;
pub mod intervals;
pub mod packages;
pub mod scene;
pub mod secrets;
pub mod store;
pub mod underway;
pub mod windows;

use std::sync::{Arc, OnceLock};

use compiler::Compiler;
use projections::ReadModels;
use sandbox::{Sandbox, outbound};

use crate::blobs::Blobs;
use crate::bus::Bus;
use crate::cluster::Cluster;
use crate::execution::{Executor, Programs};
use crate::vault::Vault;

use deploy::Deployments;
use intervals::Intervals;
use underway::Underway;
use windows::Windows;

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
    /// What runs on this node, by the deployment that it runs for.
    pub underway: Underway,
    /// Held while something is made or named whose name or number must be unique: the read models
    /// tell what there is, and nothing may come between.
    pub making: tokio::sync::Mutex<()>,
    /// Records what runs; there a moment after this.
    pub runs: OnceLock<Executor>,
}

/// The dialect's parts, as a server holds them. Cheap to clone.
#[derive(Clone)]
pub struct PubNub {
    /// What they share.
    pub shared: Arc<Shared>,
    /// Starts and stops packages on keysets.
    pub deployments: Deployments,
    /// Starts and stops them by the clock.
    pub windows: Windows,
    /// Runs functions by the clock.
    pub intervals: Intervals,
}

impl PubNub {
    /// With what was opened before.
    pub fn new(shared: Arc<Shared>, limits: deploy::Limits) -> Self {
        let deployments = Deployments::new(shared.clone(), limits);
        Self {
            windows: Windows::new(shared.clone(), deployments.clone()),
            intervals: Intervals::new(shared.clone()),
            deployments,
            shared,
        }
    }
}
