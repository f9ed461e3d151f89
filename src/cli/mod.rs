//! The command line: one binary, one subcommand per task.

mod admin;
mod client;
mod demo;
mod engine;
mod export;
mod migrate;
mod serve;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::config::{Config, Settings};

/// An event-sourced control plane for serverless functions.
#[derive(Parser)]
#[command(name = "strata", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server
    Serve(Box<serve::Arguments>),
    /// Create, list and delete projects on a running server
    #[command(subcommand)]
    Projects(admin::Projects),
    /// Create, list and revoke API keys on a running server
    #[command(subcommand)]
    Keys(admin::Keys),
    /// Create, list and delete keysets of the PubNub API on a running server
    #[command(subcommand)]
    Keysets(admin::Keysets),
    /// Show and rebuild the read models of a running server
    #[command(subcommand)]
    Projections(admin::Projections),
    /// List the servers that work together, what each leads and how far it is
    Nodes(admin::Nodes),
    /// Walk the hash chain of a journal and report the first break
    Verify(Box<verify::Arguments>),
    /// Write everything that the journal holds into a file, as JSON Lines
    Export(Box<export::Export>),
    /// Write what an export holds into an empty journal
    Import(Box<export::Import>),
    /// Bring the tables of a database up to date (a start of the server does it too)
    Migrate(Box<migrate::Arguments>),
    /// Compile the engine of the sandbox into the cache of a data directory
    #[command(hide = true)]
    Engine(engine::Arguments),
    /// Print the OpenAPI document
    Openapi,
}

/// Where the configuration comes from.
#[derive(clap::Args)]
struct Configured {
    /// TOML file with the settings below
    #[arg(long, env = "STRATA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl Configured {
    fn load(self) -> anyhow::Result<Config> {
        let file = match &self.config {
            Some(path) => Settings::from_file(path)?,
            None => Settings::default(),
        };
        self.settings
            .or(file)
            .build()
            .context("the configuration cannot be used")
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    // One provider of TLS for everything that connects to somewhere.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        match command {
            Command::Serve(arguments) => serve::run(*arguments).await?,
            Command::Projects(command) => command.run().await?,
            Command::Keys(command) => command.run().await?,
            Command::Keysets(command) => command.run().await?,
            Command::Projections(command) => command.run().await?,
            Command::Nodes(command) => command.run().await?,
            Command::Verify(arguments) => return verify::run(*arguments).await,
            Command::Export(command) => command.run().await?,
            Command::Import(command) => command.run().await?,
            Command::Migrate(arguments) => migrate::run(*arguments).await?,
            Command::Engine(arguments) => engine::run(arguments).await?,
            Command::Openapi => {
                let document = crate::http::document();
                println!("{}", serde_json::to_string_pretty(&document)?);
            }
        }
        Ok(ExitCode::SUCCESS)
    });
    // Whatever still waits for a database that is gone ends with the process.
    std::mem::forget(runtime);
    done
}
