//! The servers that work on one database: who is there, and who leads.
//!
//! Every node takes commands, answers reads and does its share of the work.
//! What one node alone must do, the leader does. A node that is killed is
//! missed within a quarter of a second, as the database sees its session end;
//! one that hangs, or that the network cut off, after [`TERM`]. None of this
//! keeps a slow node from going on for a moment: whatever two nodes may do at
//! the same time is decided by an aggregate, which lets one of them win.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use journal::Journal;
use journal::postgres::{Lease, Leases, Membership, Postgres};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the leader holds.
const LEAD: &str = "sagas";

/// After this long without a sign of a node, the others do its work.
pub const TERM: Duration = Duration::from_secs(2);

/// How often a node gives a sign.
const BEAT: Duration = Duration::from_millis(250);

/// Who is there, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The nodes that are alive, in the order of their names.
    pub alive: Vec<String>,
    /// The epoch that this node leads in; none: it does not lead.
    pub epoch: Option<u64>,
}

/// The nodes, as one of them sees them. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    node: Arc<str>,
    view: Arc<watch::Sender<View>>,
    journal: Option<Arc<Postgres>>,
}

impl Cluster {
    /// A server that shares its journal with no other.
    pub fn alone() -> Self {
        let node = name();
        Self {
            view: view(&node, Some(1)),
            node,
            journal: None,
        }
    }

    /// Becomes one of the nodes of a database, until `stop`; `left` is
    /// canceled when the place has been given back. `address` tells people
    /// where the node answers.
    pub async fn join(
        journal: Arc<Postgres>,
        address: &str,
        stop: CancellationToken,
        left: CancellationToken,
    ) -> anyhow::Result<Self> {
        let node = name();
        let view = view(&node, None);
        let mut heart = Heart {
            membership: journal.membership(&node, address, env!("CARGO_PKG_VERSION")),
            leases: journal.leases(),
            journal: journal.clone(),
            node: node.clone(),
            view: view.clone(),
            heard: Instant::now(),
        };
        let (told, first) = tokio::sync::oneshot::channel();
        // A thread of its own: however busy this process is, it gives its sign.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("cluster".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let joined = heart.beat().await;
                    let well = joined.is_ok();
                    // Nobody waits for it when the start was given up.
                    let _ = told.send(joined);
                    if well {
                        heart.run(stop).await;
                    }
                });
                left.cancel();
            })?;
        let joined = first.await.context("the thread of the node has ended")?;
        joined.context("cannot take a place among the nodes")?;
        Ok(Self {
            node,
            view,
            journal: Some(journal),
        })
    }

    /// Whether there can be no other node.
    pub fn is_alone(&self) -> bool {
        self.journal.is_none()
    }

    /// The name of this node, its own for each process.
    pub fn node(&self) -> &Arc<str> {
        &self.node
    }

    /// Who is there now, and whenever that changes.
    pub fn view(&self) -> watch::Receiver<View> {
        self.view.subscribe()
    }

    /// Whether work of this node may still be going on.
    pub fn is_alive(&self, node: &str) -> bool {
        let view = self.view.borrow();
        node == &*self.node || view.alive.iter().any(|alive| alive == node)
    }

    /// The epoch that this node leads in, if it does.
    pub fn epoch(&self) -> Option<u64> {
        self.view.borrow().epoch
    }

    /// Whether this node leads at this moment, by the word of the database: one
    /// that hung does not know yet that another has taken over.
    pub async fn leads(&self) -> bool {
        let Some(epoch) = self.epoch() else {
            return false;
        };
        let Some(journal) = &self.journal else {
            return true;
        };
        let lease = Lease {
            name: LEAD.to_owned(),
            holder: self.node.to_string(),
            epoch,
        };
        let renewed = journal.leases().renew(&lease, TERM).await;
        renewed.unwrap_or(false)
    }

    /// How many nodes are alive, this one included.
    pub fn size(&self) -> usize {
        self.view.borrow().alive.len()
    }

    /// How many nodes come before this one for a piece of work. All nodes agree
    /// on it as far as they agree on who is there.
    pub fn rank(&self, work: &str) -> u32 {
        let weight = |node: &str| {
            let mut hasher = DefaultHasher::new();
            (node, work).hash(&mut hasher);
            hasher.finish()
        };
        let own = weight(&self.node);
        let view = self.view.borrow();
        let before = view.alive.iter().filter(|node| weight(node) < own);
        before.count() as u32
    }

    /// The nodes, to show them; empty where there is only this one.
    pub async fn nodes(&self) -> Result<Vec<journal::postgres::Node>, journal::Error> {
        match &self.journal {
            Some(journal) => journal.nodes().await,
            None => Ok(Vec::new()),
        }
    }
}

/// A node that knows of no other.
fn view(node: &str, epoch: Option<u64>) -> Arc<watch::Sender<View>> {
    let alive = vec![node.to_owned()];
    Arc::new(watch::Sender::new(View { alive, epoch }))
}

/// Machine, process and a few random digits.
fn name() -> Arc<str> {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let random = uuid::Uuid::new_v4().simple().to_string();
    let process = std::process::id();
    format!("{}-{process}-{}", machine.trim(), &random[..8]).into()
}

struct Heart {
    membership: Membership,
    leases: Leases,
    journal: Arc<Postgres>,
    node: Arc<str>,
    view: Arc<watch::Sender<View>>,
    heard: Instant,
}

impl Heart {
    async fn run(mut self, stop: CancellationToken) {
        let mut silent = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(BEAT) => {}
            }
            match self.beat().await {
                Ok(()) => silent = false,
                Err(error) => {
                    if !std::mem::replace(&mut silent, true) {
                        tracing::warn!(%error, "this node cannot give a sign");
                    }
                    if self.heard.elapsed() > TERM {
                        self.see(None, None);
                    }
                }
            }
        }
        if let Err(error) = self.membership.leave().await {
            tracing::warn!(%error, "the place among the nodes was not given back; it expires");
        }
    }

    async fn beat(&mut self) -> Result<(), journal::Error> {
        let begun = Instant::now();
        let roll = self.membership.renew(self.journal.head(), TERM).await?;
        let held = roll.held.iter().find(|(name, _)| name == LEAD);
        let mut epoch = held.map(|(_, epoch)| *epoch);
        if epoch.is_none() {
            let lease = self.leases.acquire(LEAD, &self.node, TERM).await?;
            epoch = lease.map(|lease| lease.epoch);
        }
        self.heard = begun;
        self.see(Some(roll.alive), epoch);
        Ok(())
    }

    fn see(&self, alive: Option<Vec<String>>, epoch: Option<u64>) {
        self.view.send_if_modified(|view| {
            let new = View {
                alive: alive.unwrap_or_else(|| view.alive.clone()),
                epoch,
            };
            if *view == new {
                return false;
            }
            for node in &view.alive {
                if !new.alive.contains(node) {
                    tracing::warn!(node, "a node is gone");
                }
            }
            if view.epoch != new.epoch {
                match new.epoch {
                    Some(epoch) => tracing::info!(epoch, "this node leads"),
                    None => tracing::warn!("this node does not lead any more"),
                }
            }
            *view = new;
            true
        });
    }
}
