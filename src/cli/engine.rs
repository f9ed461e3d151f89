//! `strata engine`: what a first start does before everything else.

use std::path::PathBuf;

use anyhow::anyhow;

use crate::app;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// What the compiled code is authenticated with, in hexadecimal
    #[arg(long, env = "STRATA_ENGINE_KEY", hide_env_values = true)]
    key: String,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let key = hex::decode(&arguments.key)?;
    let key = key.try_into().map_err(|_| anyhow!("a key has 32 bytes"))?;
    app::compile_engine(&arguments.data_dir, key).await
}
