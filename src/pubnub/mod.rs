//! What the PubNub dialect needs below its wire format: packages, keysets and their store,
//! deployments on keysets, messages and the functions that see them.
//!
//! Nothing here knows how a request is answered; `http/pubnub` translates.

pub mod after;
pub mod assignments;
pub mod catalogue;
pub mod consoles;
mod contract;
pub mod deploy;
pub mod directory;
pub mod dispatch;
pub mod host;
pub mod intervals;
pub mod messages;
pub mod once;
pub mod packages;
pub mod requests;
pub mod scene;
pub mod secrets;
pub mod store;
pub mod tries;
pub mod underway;
pub mod windows;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use compiler::Compiler;
use projections::ReadModels;
use sandbox::{Sandbox, outbound};
use tokio_util::sync::CancellationToken;

use crate::blobs::Blobs;
use crate::bus::Bus;
use crate::cluster::Cluster;
use crate::execution::{Executor, Programs};
use crate::vault::Vault;

use consoles::Consoles;
use deploy::Deployments;
use directory::Directory;
use host::Rate;
use intervals::Intervals;
use messages::Messages;
use underway::Underway;
use windows::Windows;

pub use contract::Handlers;

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
    /// What is sent with an idempotency key.
    pub once: once::Keys,
    /// What runs on this node, by the deployment that it runs for.
    pub underway: Underway,
    /// Held while something is made or named whose name or number must be unique: the read models
    /// tell what there is, and nothing may come between.
    pub making: tokio::sync::Mutex<()>,
    /// Records what runs; there a moment after this.
    pub runs: OnceLock<Executor>,
    /// What is sent, and who hears it.
    pub messages: Messages,
    /// Keysets by subscribe key.
    pub directory: Directory,
    /// What functions may still write on their log channels.
    pub consoles: Consoles,
    /// What functions may still ask of the outside.
    pub rate: Rate,
}

/// How often users are looked for that are not heard of any more.
const PRESENCE: Duration = Duration::from_secs(1);

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

    /// Tells of users that are not heard of any more, until `stop`.
    pub async fn watch_presence(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(PRESENCE);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            for (keyset, gone) in self.shared.messages.expired() {
                for moved in gone {
                    let told = dispatch::moved_on(&self.shared, keyset, moved).await;
                    if let Err(error) = told {
                        tracing::warn!(keyset, %error, "functions were not told who went");
                    }
                }
            }
        }
    }
}
