//! `strata verify`.

use std::process::ExitCode;

use anyhow::Context as _;

use super::Configured;
use crate::transfer;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    configured: Configured,
    /// Position to begin after
    #[arg(long, default_value_t = 0)]
    after: u64,
}

/// A server may be running on the journal.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = arguments.configured.load()?;
    let opened = transfer::open(&config).await;
    let (journal, _) = opened.context("cannot open the journal")?;
    let report = journal::verify(&*journal, arguments.after).await?;
    journal.close().await;
    println!("checked   {} events", report.checked);
    println!("position  {}", report.position);
    println!("hash      {}", hex::encode(report.hash));
    match report.broken {
        None => {
            println!("the chain holds");
            Ok(ExitCode::SUCCESS)
        }
        Some(broken) => {
            let (position, reason) = (broken.position, broken.reason);
            println!("the chain breaks at position {position}: {reason}");
            Ok(ExitCode::FAILURE)
        }
    }
}
