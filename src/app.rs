//! The parts of a running server, wired together.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use aggregates::Dialect;
use anyhow::Context as _;
use journal::Journal;
use projections::ReadModels;
use sandbox::outbound;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{self, Keys};
use crate::blobs::Blobs;
use crate::bus::{self, Bus};
use crate::cluster::Cluster;
use crate::config::Config;
use crate::execution::{self, Contract, Executor, Programs};
use crate::http::Rejections;
use crate::http::metrics::Metrics;
use crate::http::rate::Rate;
use crate::installation;
use crate::nango::{self, Nango};
use crate::pubnub::{self, PubNub};
use crate::sagas::{BuildOptions, Builds, Calls, Saga, Schedules, Specialiser, Sweeper};
use crate::vault::{self, Vault};

/// A running server.
pub struct App {
    /// The configuration in force.
    pub config: Config,
    /// Where commands go.
    pub bus: Bus,
    /// Where reads go.
    pub reads: ReadModels,
    /// Sources and artefacts.
    pub blobs: Blobs,
    /// Seals and opens secrets.
    pub vault: Vault,
    /// What a key allows.
    pub keys: Keys,
    /// The root key in clear, for a caller inside this process.
    pub root_key: String,
    /// Who else works on the database.
    pub cluster: Cluster,
    /// Runs functions.
    pub executor: Executor,
    /// Builds deployments.
    pub builds: Builds,
    /// Runs executions later.
    pub calls: Calls,
    /// What the Nango dialect needs below its wire format.
    pub nango: Nango,
    /// What the PubNub dialect needs below its wire format.
    pub pubnub: PubNub,
    /// Counts requests of the Nango dialect.
    pub rate: Rate,
    /// Counts requests of the PubNub dialect.
    pub pubnub_rate: Rate,
    /// Keeps what was turned away.
    pub rejections: Rejections,
    /// What is counted.
    pub metrics: Metrics,
    /// Ends the background work.
    pub stop: CancellationToken,
    /// Everything has been written.
    ended: CancellationToken,
    /// This node's place among the nodes has been given back.
    left: CancellationToken,
    background: TaskTracker,
}

#[async_trait::async_trait]
impl bus::Follower for ReadModels {
    async fn wait_for(&self, position: u64, timeout: Duration) -> bool {
        Self::wait_for(self, position, timeout).await
    }
}

impl App {
    /// Opens everything under the data directory and starts the background
    /// work. `tell_key` is called with a root key that was just made.
    pub async fn start(
        config: Config,
        public_url: String,
        tell_key: impl FnOnce(&str),
    ) -> anyhow::Result<Arc<Self>> {
        let dir = config.data_dir.clone();
        std::fs::create_dir_all(&dir)
            .with_context(|| format!("cannot make the data directory {}", dir.display()))?;
        let root_key = auth::root_key(config.root_key.as_deref(), &dir, tell_key)
            .context("cannot read or store the root key")?;
        let keys = dir.join("keys");
        let master = match config.master_key {
            Some(master) => master,
            None => vault::stored_master_key(&keys)?,
        };
        let blobs = Blobs::open(config.blobs.as_deref(), &dir.join("blobs"))?;
        let (ended, left) = <(CancellationToken, CancellationToken)>::default();
        let (journal, reads, keys, cluster) = match &config.database_url {
            None => {
                left.cancel();
                let journal = match config.kurrentdb_url.as_deref() {
                    Some(url) => open_kurrentdb(url).await?,
                    None => open_journal(dir.join("journal.db")).await?,
                };
                let reads = projections::Options::new(journal.clone(), dir.join("readmodels.db"));
                let reads = open_reads(reads).await?;
                (journal, reads, vault::Keys::Folder(keys), Cluster::alone())
            }
            Some(url) => {
                let opened = journal::postgres::Options::new(url).build().await;
                let opened = opened.context("cannot open the journal of the database")?;
                let keys = vault::Keys::Database(opened.data_keys());
                let joined = (ended.clone(), left.clone());
                let cluster = Cluster::join(opened.clone(), &public_url, joined.0, joined.1);
                let cluster = cluster.await?;
                let reads = projections::Options {
                    node: cluster.node().to_string(),
                    ..projections::Options::postgres(opened.clone(), url)
                };
                let journal: Arc<dyn Journal> = opened;
                (journal, open_reads(reads).await?, keys, cluster)
            }
        };
        let vault = Vault::new(master, keys);
        let stop = CancellationToken::new();
        let background = TaskTracker::new();
        let bus = bus::Options {
            journal: journal.clone(),
            follower: Some(Arc::new(reads.clone())),
            cached_aggregates: 20_000,
            snapshot_every: 100,
            // Other programs may append on a server.
            shared: !cluster.is_alone() || config.kurrentdb_url.is_some(),
        }
        .build();
        let others = (bus.clone(), stop.clone());
        background.spawn(async move { others.0.follow_others(others.1).await });
        installation::ensure(&bus, &vault, &blobs, &cluster).await?;

        let mac_key = vault.derive("artefacts");
        let options = sandbox_options(&dir, mac_key);
        if !options.is_compiled() {
            let at = dir.clone();
            tokio::task::spawn_blocking(move || compile_engine_apart(&at, mac_key)).await?;
        }
        let sandbox = sandbox::Options {
            max_instances: config.max_instances,
            ..options
        }
        .build()
        .await
        .context("cannot start the sandbox")?;
        let compiler = compiler_options(&config, dir.join("cache/npm")).build();
        let outbound = Arc::new(outbound_policy(&config, &public_url));
        let programs = Programs::new(blobs.clone(), 64 << 20);
        let mut contracts: HashMap<Dialect, Arc<dyn Contract>> = HashMap::new();
        contracts.insert(
            Dialect::Appwrite,
            Arc::new(crate::http::appwrite::contract(&public_url, &vault)),
        );
        let scripts = nango::Scripts::default();
        contracts.insert(Dialect::Nango, Arc::new(scripts.clone()));
        let contract = pubnub::Handlers::default();
        contracts.insert(Dialect::Pubnub, Arc::new(contract.clone()));
        let toolchain = nango::Toolchain::new(
            compiler.clone(),
            sandbox.clone(),
            &dir.join("cache/nango"),
            config.type_check,
        );
        let shared = Arc::new(nango::Shared {
            compiling: nango::compile::Compiling::new(toolchain),
            connections: nango::connections::Connections::new(
                bus.clone(),
                vault.clone(),
                catalogue(config.providers.as_deref())?,
                nango::transport::Outbound(sandbox.outbound(outbound.clone(), 256)),
            ),
            records: records(&config)
                .build()
                .await
                .context("cannot open the records of syncs")?,
            bus: bus.clone(),
            reads: reads.clone(),
            blobs: blobs.clone(),
            vault: vault.clone(),
            cluster: cluster.clone(),
            public_url: public_url.clone(),
            validate: serde_json::json!({
                "input": config.validate_scripts,
                "output": config.validate_scripts,
            }),
            changed: tokio::sync::Notify::new(),
            stops: nango::runtime::Stops::default(),
            runs: std::sync::OnceLock::new(),
        });
        scripts.set(shared.clone());
        let handlers = Arc::new(pubnub::Shared {
            bus: bus.clone(),
            reads: reads.clone(),
            blobs: blobs.clone(),
            vault: vault.clone(),
            cluster: cluster.clone(),
            compiler: compiler.clone(),
            sandbox: sandbox.clone(),
            programs: programs.clone(),
            outbound: outbound.clone(),
            public_url: public_url.clone(),
            once: pubnub::once::Keys::default(),
            underway: pubnub::underway::Underway::default(),
            making: tokio::sync::Mutex::default(),
            runs: std::sync::OnceLock::new(),
            messages: pubnub::messages::Messages::default(),
            directory: pubnub::directory::Directory::default(),
            consoles: pubnub::consoles::Consoles::default(),
            rate: pubnub::host::Rate::default(),
        });
        contract.set(handlers.clone());
        let (specialiser, queue) = Specialiser::new();
        let executor = execution::Options {
            bus: bus.clone(),
            blobs: blobs.clone(),
            vault: vault.clone(),
            sandbox: sandbox.clone(),
            programs: programs.clone(),
            contracts,
            outbound,
            concurrency: config.function_concurrency,
            specialiser: specialiser.clone(),
        }
        .build();
        let _ = shared.runs.set(executor.clone());
        let nango = Nango::new(shared);
        let _ = handlers.runs.set(executor.clone());
        let limits = pubnub::deploy::Limits {
            running: config.pubnub_running_deployments as usize,
            keysets: config.pubnub_keysets_per_revision as usize,
        };
        let pubnub = PubNub::new(handlers, limits);
        let builds = BuildOptions {
            bus: bus.clone(),
            reads: reads.clone(),
            blobs: blobs.clone(),
            compiler,
            sandbox: sandbox.clone(),
            executor: executor.clone(),
            programs,
            cluster: cluster.clone(),
            parallel: config.build_parallelism,
            timeout: config.build_timeout,
            upload_timeout: config.upload_timeout,
        }
        .build();
        let rate = Rate::new(config.nango_rate_limit);
        let pubnub_rate = Rate::new(config.pubnub_rate_limit);
        let parallel = config.max_instances as usize;
        let calls = Calls::new(executor.clone(), cluster.clone(), parallel);
        let (rejections, waiting) = Rejections::new();
        let app = Arc::new(Self {
            keys: Keys::new(&root_key, reads.clone()),
            config,
            bus,
            reads,
            blobs,
            vault,
            root_key,
            cluster,
            executor,
            builds,
            calls,
            nango,
            pubnub,
            rate,
            pubnub_rate,
            rejections,
            metrics: Metrics::default(),
            stop,
            ended,
            left,
            background,
        });
        let stop = app.stop.clone();
        let work = specialiser.clone();
        let work = work.run(queue, app.executor.clone(), sandbox, stop);
        app.background.spawn(work);
        let (bus, stop) = (app.bus.clone(), app.stop.clone());
        let write = waiting.run(bus, stop);
        app.background.spawn(write);
        app.start_sagas(specialiser).await?;
        Ok(app)
    }

    /// Sagas take up unfinished work as of the head, then follow from there.
    async fn start_sagas(&self, specialiser: Specialiser) -> anyhow::Result<()> {
        let head = self.bus.journal().head();
        if !self.reads.wait_for(head, Duration::from_secs(600)).await {
            tracing::warn!(
                head,
                "the read models are not there yet; unfinished work may wait"
            );
        }
        self.builds.recover().await?;
        self.calls.sweep(&self.reads).await?;
        self.nango.dryruns.recover().await?;
        self.pubnub.deployments.recover().await?;
        self.pubnub.deployments.check().await?;
        let schedules = Schedules::new(
            self.bus.clone(),
            self.executor.clone(),
            self.reads.clone(),
            self.cluster.clone(),
        );
        let sagas: Vec<Arc<dyn Saga>> = vec![
            Arc::new(self.builds.clone()),
            Arc::new(self.calls.clone()),
            Arc::new(schedules.clone()),
            Arc::new(specialiser),
            Arc::new(self.nango.syncs.clone()),
            Arc::new(self.pubnub.deployments.clone()),
            Arc::new(self.pubnub.windows.clone()),
            Arc::new(self.pubnub.intervals.clone()),
        ];
        let follow = crate::sagas::follow(self.bus.clone(), head, sagas, self.stop.clone());
        self.background.spawn(follow);
        let (builds, calls) = (self.builds.clone(), self.calls.clone());
        let sweeper = Sweeper {
            builds,
            calls,
            reads: self.reads.clone(),
        };
        let (view, stop) = (self.cluster.view(), self.stop.clone());
        self.background.spawn(sweeper.run(view, stop));
        let stop = self.stop.clone();
        self.background
            .spawn(async move { schedules.run(stop).await });
        let (builds, stop) = (self.builds.clone(), self.stop.clone());
        self.background.spawn(async move { builds.run(stop).await });
        let presence = self.pubnub.clone().watch_presence(self.stop.clone());
        self.background.spawn(presence);
        let (syncs, stop) = (self.nango.syncs.clone(), self.stop.clone());
        self.background.spawn(async move { syncs.run(stop).await });
        let PubNub {
            deployments,
            windows,
            intervals,
            ..
        } = self.pubnub.clone();
        let stop = self.stop.clone();
        self.background
            .spawn(async move { deployments.run(stop).await });
        let stop = self.stop.clone();
        self.background
            .spawn(async move { windows.run(stop).await });
        let stop = self.stop.clone();
        self.background
            .spawn(async move { intervals.run(stop).await });
        Ok(())
    }

    /// Ends the background work: what is under way is given `drain` to finish
    /// and is taken up again at the next start otherwise.
    pub async fn shut_down(&self, drain: Duration) {
        self.stop.cancel();
        self.background.close();
        self.background.wait().await;
        let nango = &self.nango;
        let work = [
            self.builds.tasks(),
            self.calls.tasks(),
            nango.syncs.tasks(),
            nango.dryruns.tasks(),
            self.pubnub.windows.tasks(),
            self.pubnub.deployments.tasks(),
        ];
        let drained = futures::future::join_all(work.iter().map(|tasks| tasks.drained()));
        if tokio::time::timeout(drain, drained).await.is_err() {
            let left: usize = work.iter().map(|tasks| tasks.len()).sum();
            tracing::warn!(
                left,
                "stopping with work under way; the next start takes it up"
            );
            for tasks in work {
                tasks.stop_all();
                tasks.drained().await;
            }
        }
        self.nango.records.close().await;
        self.reads.close().await;
        self.ended.cancel();
        self.left.cancelled().await;
        self.bus.journal().close().await;
    }
}

/// Settings of the sandbox whose artefacts are in this data directory.
fn sandbox_options(dir: &Path, mac_key: [u8; 32]) -> sandbox::Options {
    sandbox::Options::new(dir.join("cache/sandbox"), mac_key)
}

/// Compiles the engine of the sandbox into the cache of a data directory.
pub async fn compile_engine(dir: &Path, mac_key: [u8; 32]) -> anyhow::Result<()> {
    sandbox_options(dir, mac_key).build().await?;
    Ok(())
}

/// Compiling the engine takes more memory than the server ever needs again: at
/// the first start of a version a process of its own does it, and takes the
/// memory with it.
/// Where that fails, the server compiles by itself.
fn compile_engine_apart(dir: &Path, mac_key: [u8; 32]) {
    let compiled = std::env::current_exe().and_then(|program| {
        let mut command = std::process::Command::new(program);
        command.args(["engine", "--data-dir"]).arg(dir);
        command.env("STRATA_ENGINE_KEY", hex::encode(mac_key));
        command.stdin(Stdio::null()).stdout(Stdio::null()).status()
    });
    match compiled {
        Ok(status) if status.success() => {}
        Ok(status) => tracing::debug!(%status, "the engine is compiled here"),
        Err(error) => tracing::debug!(%error, "the engine is compiled here"),
    }
}

/// The built-in providers, and those of the operator.
fn catalogue(file: Option<&Path>) -> anyhow::Result<connectors::Catalogue> {
    let built_in = connectors::Catalogue::built_in();
    let Some(path) = file else {
        return Ok(built_in);
    };
    let shown = path.display();
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read the providers of {shown}"))?;
    let extended = built_in.with_file(&text);
    extended.with_context(|| format!("the providers of {shown} cannot be used"))
}

/// Where records of syncs are kept.
pub fn records(config: &Config) -> records::Options {
    match &config.database_url {
        Some(url) => records::Options::postgres(url.as_str()),
        None => records::Options::sqlite(config.data_dir.join("records.db")),
    }
}

/// Functions reach the public internet and this server; everything else only
/// when the configuration allows it.
fn outbound_policy(config: &Config, public_url: &str) -> outbound::Policy {
    let everywhere = ["0.0.0.0/0", "::/0"];
    let networks = everywhere.iter().filter_map(|text| text.parse().ok());
    let own = url::Url::parse(public_url).ok().and_then(|url| {
        let host = url.host_str()?.to_owned();
        Some(format!("{host}:{}", url.port_or_known_default()?))
    });
    outbound::Policy {
        networks: networks.filter(|_| config.allow_private_network).collect(),
        endpoints: own.into_iter().collect(),
        ..outbound::Policy::default()
    }
}

fn compiler_options(config: &Config, cache: PathBuf) -> compiler::Options {
    let options = compiler::Options {
        cache: Some(cache),
        ..compiler::Options::default()
    };
    match &config.npm_registry {
        Some(registry) => compiler::Options {
            registry: registry.clone(),
            ..options
        },
        None => options,
    }
}

/// Opens the embedded journal off the async threads, because it blocks.
pub async fn open_journal(path: PathBuf) -> anyhow::Result<Arc<dyn Journal>> {
    let shown = path.display().to_string();
    let opened =
        tokio::task::spawn_blocking(move || journal::sqlite::Options::new(path).build()).await?;
    Ok(opened.with_context(|| format!("cannot open the journal {shown}"))?)
}

/// Opens the journal on a KurrentDB server.
#[cfg(feature = "kurrentdb")]
pub async fn open_kurrentdb(url: &str) -> anyhow::Result<Arc<dyn Journal>> {
    let opened = journal::kurrentdb::Options::new(url).build().await;
    Ok(opened.context("cannot open the journal on the KurrentDB server")?)
}

/// The configuration refuses to get this far.
#[cfg(not(feature = "kurrentdb"))]
pub async fn open_kurrentdb(_: &str) -> anyhow::Result<Arc<dyn Journal>> {
    anyhow::bail!("this program was built without the feature `kurrentdb`")
}

async fn open_reads(options: projections::Options) -> anyhow::Result<ReadModels> {
    // It follows the journal from within the runtime, and opening blocks.
    let opened = tokio::task::spawn_blocking(move || options.build()).await?;
    opened.context("cannot open the read models")
}
