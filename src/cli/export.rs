//! `strata export` and `strata import`.

use std::io::{BufReader, BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;

use super::Configured;
use crate::blobs::Blobs;
use crate::config::Config;
use crate::{app, transfer, vault};

#[derive(clap::Args)]
pub(super) struct Export {
    #[command(flatten)]
    configured: Configured,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.configured.load()?;
        let (journal, keys) = transfer::open(&config).await?;
        let out: Box<dyn std::io::Write> = match &self.output {
            Some(path) => {
                let file = std::fs::File::create(path);
                Box::new(file.with_context(|| format!("cannot write {}", path.display()))?)
            }
            None => Box::new(std::io::stdout().lock()),
        };
        let mut out = BufWriter::new(out);
        let summary = transfer::export(&*journal, &keys, app::records(&config), &mut out).await?;
        out.flush()?;
        journal.close().await;
        tell("exported", &summary);
        Ok(())
    }
}

#[derive(clap::Args)]
pub(super) struct Import {
    #[command(flatten)]
    configured: Configured,
    /// File to read [default: standard input]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.configured.load()?;
        std::fs::create_dir_all(&config.data_dir)?;
        let (mut into, keys) = target(&config).await?;
        let from: Box<dyn std::io::Read> = match &self.input {
            Some(path) => {
                let file = std::fs::File::open(path);
                Box::new(file.with_context(|| format!("cannot read {}", path.display()))?)
            }
            None => Box::new(std::io::stdin().lock()),
        };
        let from = BufReader::with_capacity(1 << 20, from);
        let summary = transfer::import(from, &mut *into, &keys, &app::records(&config)).await?;
        drop(into);
        let blobs = Blobs::open(config.blobs.as_deref(), &config.data_dir.join("blobs"))?;
        let (journal, _) = transfer::open(&config).await?;
        crate::installation::sign_for(journal, &blobs).await?;
        tell("imported", &summary);
        eprintln!(
            "A server on it needs the master key of before (STRATA_MASTER_KEY, or the file \
             keys/master.key), and the blobs: the same blob store, or a copy of it."
        );
        Ok(())
    }
}

async fn target(config: &Config) -> anyhow::Result<(Box<dyn journal::Restore>, vault::Keys)> {
    match &config.database_url {
        Some(url) => {
            let options = journal::postgres::Options::new(url);
            let keys = vault::Keys::Database(options.data_keys()?);
            Ok((options.restore().await?, keys))
        }
        None if config.kurrentdb_url.is_some() => {
            let keys = vault::Keys::Folder(config.data_dir.join("keys"));
            Ok((restore_kurrentdb(config).await?, keys))
        }
        None => {
            let path = config.data_dir.join("journal.db");
            let options = journal::sqlite::Options::new(path);
            let into = tokio::task::spawn_blocking(move || options.restore()).await??;
            Ok((into, vault::Keys::Folder(config.data_dir.join("keys"))))
        }
    }
}

#[cfg(feature = "kurrentdb")]
async fn restore_kurrentdb(config: &Config) -> anyhow::Result<Box<dyn journal::Restore>> {
    let url = config.kurrentdb_url.as_deref().unwrap_or_default();
    Ok(journal::kurrentdb::Options::new(url).restore().await?)
}

/// The configuration refuses to get this far.
#[cfg(not(feature = "kurrentdb"))]
async fn restore_kurrentdb(_: &Config) -> anyhow::Result<Box<dyn journal::Restore>> {
    anyhow::bail!("this program was built without the feature `kurrentdb`")
}

fn tell(done: &str, summary: &transfer::Summary) {
    let (position, commands, keys) = (summary.position, summary.commands, summary.data_keys);
    let hash = hex::encode(summary.hash);
    eprintln!(
        "{done} {position} events, {commands} outcomes of commands, {keys} data keys, {} rows of \
         records",
        summary.records
    );
    eprintln!("head {position} {hash}");
}
