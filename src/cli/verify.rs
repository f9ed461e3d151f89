//! `strata verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use journal::Journal;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Data directory; a server may be running on it
    #[arg(
        long,
        env = "STRATA_DATA_DIR",
        value_name = "DIR",
        default_value = "strata-data"
    )]
    data_dir: PathBuf,
    /// Position to begin after
    #[arg(long, default_value_t = 0)]
    after: u64,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let path = arguments.data_dir.join("journal.db");
    let shown = path.display().to_string();
    let opened = tokio::task::spawn_blocking(move || {
        let options = journal::sqlite::Options::new(path);
        journal::sqlite::Options {
            read_only: true,
            ..options
        }
        .build()
    })
    .await?;
    let journal = opened.with_context(|| format!("cannot open the journal {shown}"))?;
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
