//! `strata migrate`.

use anyhow::{Context as _, bail};

use super::Configured;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    configured: Configured,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = arguments.configured.load()?;
    let Some(url) = config.database_url else {
        bail!("there is nothing to migrate without --database-url: files are migrated at a start");
    };
    let applied = journal::postgres::migrate(&url).await;
    let applied = applied.context("the journal was not brought up to date")?;
    match applied {
        0 => println!("the journal is up to date"),
        applied => println!("the journal took {applied} steps and is up to date"),
    }
    Ok(())
}
