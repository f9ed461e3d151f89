//! `strata serve`.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::Configured;
use crate::app::App;
use crate::{http, telemetry};

/// How long files and connections may take to close once no work is left. What is given up then is
/// taken up by the next start, as after a crash.
const CLOSING: Duration = Duration::from_secs(20);

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    configured: Configured,
    /// Deploy the functions of a folder to a fresh server, run one, and show
    /// what happened
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "examples")]
    demo: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = arguments.configured.load()?;
    telemetry::start(&config.log, config.log_format);
    let drain = config.drain_timeout;
    let listen = config.listen;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let address = format!("http://{}", listener.local_addr()?);
    let public = config.public_url.clone().unwrap_or_else(|| address.clone());
    let app = App::start(config, public, |key| {
        // Printed once, by intent: it is not stored in clear anywhere a log goes.
        eprintln!("root API key (stored in the data directory, shown only now): {key}");
    })
    .await?;

    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let stop = app.stop.clone();
    let serving = tokio::spawn(http::serve(listener, app.clone(), {
        let stop = stop.clone();
        async move { stop.cancelled().await }
    }));
    let mut out = std::io::stdout();
    writeln!(out, "listening on {address}")?;
    out.flush()?;
    tracing::info!(address, "listening");

    if let Some(folder) = arguments.demo {
        super::demo::run(&address, &app.root_key, &folder).await?;
    }
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    tracing::info!("stopping: open requests are finished first");
    stop.cancel();
    let stopping = async {
        let open = tokio::time::timeout(drain, serving).await;
        if open.is_err() {
            tracing::warn!("requests were still open at the end of the drain time");
        }
        let drain = drain.min(Duration::from_secs(30));
        let closed = tokio::time::timeout(drain + CLOSING, app.shut_down(drain)).await;
        closed.context("not everything could be closed in time")
    };
    tokio::select! {
        stopped = stopping => stopped?,
        _ = terminated.recv() => anyhow::bail!("told to stop again: stopping at once"),
        _ = interrupted.recv() => anyhow::bail!("told to stop again: stopping at once"),
    }
    tracing::info!("stopped");
    Ok(())
}
