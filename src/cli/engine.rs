//! `strata engine`: what a first start does before everything else.

use std::path::PathBuf;

use crate::app;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    app::compile_engine(&arguments.data_dir).await
}
