//! What there is before anything else: the default project, and a blob store
//! that belongs to it.

use std::sync::Arc;
use std::time::Duration;

use aggregates::project::{Command, Project};
use anyhow::{Context as _, bail};
use journal::Journal;

use crate::blobs::Blobs;
use crate::bus::{self, Bus, Context};
use crate::cluster::Cluster;
use crate::vault::Vault;

/// The project that exists from the start.
pub const DEFAULT_PROJECT: &str = "default";

/// The object of a blob store that says which journal it belongs to: it holds
/// the id of the default project's data key.
const SIGN: &str = "installation";

/// Makes the default project, if it is not there yet. Fails when what this node
/// was given does not go with what is there: the master key, or, as nodes that
/// do not share their blobs would each have half of the code, the blob store.
pub(crate) async fn ensure(
    bus: &Bus,
    vault: &Vault,
    blobs: &Blobs,
    cluster: &Cluster,
) -> anyhow::Result<()> {
    if let Some(data_key) = data_key(bus).await? {
        vault.check(&data_key).await.context(
            "the data key of the project `default` cannot be opened: every server of a world \
             needs the same master key (STRATA_MASTER_KEY, or keys/master.key)",
        )?;
        if cluster.is_alone() {
            return Ok(());
        }
        let mut found = blobs.read_object(SIGN).await?;
        // Nodes that start for the first time at the same moment overwrite the
        // sign, until each has seen whose project it was.
        for _ in 0..30 {
            if found.as_deref() == Some(data_key.as_bytes()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            found = blobs.read_object(SIGN).await?;
        }
        return match found {
            Some(found) if found == data_key.as_bytes() => Ok(()),
            Some(_) => bail!("the blob store belongs to another journal; see the setting `blobs`"),
            None => bail!(
                "the blob store is not the one that the journal names blobs of: servers on one \
                 database share one, see the setting `blobs` (to go on without what is lost, \
                 store the object `{SIGN}` with the content `{data_key}` in it)"
            ),
        };
    }
    let made = vault.create_data_key().await?;
    sign(blobs, &made).await?;
    let command = Command::Create {
        name: "Default".to_owned(),
        data_key: made,
    };
    let context = Context::once("strata", DEFAULT_PROJECT);
    let created = bus.execute::<Project>(DEFAULT_PROJECT, command, &context);
    match created.await {
        // Another node was faster.
        Ok(_) | Err(bus::Error::Refused(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let data_key = data_key(bus).await?;
    sign(blobs, &data_key.context("the default project is gone")?).await
}

/// Says that a blob store belongs to the journal whose default project has this
/// data key.
pub(crate) async fn sign(blobs: &Blobs, data_key: &str) -> anyhow::Result<()> {
    let text = data_key.to_owned().into_bytes();
    Ok(blobs.write_object(SIGN, text.into()).await?)
}

/// The same, for a journal that no server runs on.
pub(crate) async fn sign_for(journal: Arc<dyn Journal>, blobs: &Blobs) -> anyhow::Result<()> {
    let bus = bus::Options {
        journal,
        follower: None,
        cached_aggregates: 1,
        snapshot_every: u64::MAX,
        shared: false,
    };
    match data_key(&bus.build()).await? {
        Some(data_key) => sign(blobs, &data_key).await,
        None => Ok(()),
    }
}

/// The data key of the default project, if that exists.
async fn data_key(bus: &Bus) -> anyhow::Result<Option<String>> {
    let project = bus.load::<Project>(DEFAULT_PROJECT).await?;
    let state = &project.state;
    Ok(state.exists.then(|| state.data_key.clone()))
}
