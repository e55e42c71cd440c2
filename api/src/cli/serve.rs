//! `florin serve`: serves the bank over HTTP until a signal stops it.

use std::path::PathBuf;

use anyhow::Context;
use service::imports::csv_files;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::settings::UnsafeDatabase;
use super::shown_settings::shown;
use super::welcome::{self, Call};
use super::{Ending, Settings, bank, print};
use crate::app::app;
use crate::edge::{self, ConnectionLimits};
use crate::resources::event_view::event_text;
use crate::stderr::complain;

pub async fn run(settings: &Settings, call: &Call) -> anyhow::Result<Ending> {
    let files = match &settings.activities_dir {
        None => Vec::new(),
        Some(folder) => match csv_files(folder) {
            Ok(files) => files,
            Err(error) => {
                complain(format_args!(
                    "the folder {} of --activities-dir cannot be read: {error}",
                    folder.display()
                ));
                return Ok(Ending::UsedWrongly);
            }
        },
    };
    raise_descriptor_limit(settings.connections_max);
    // Before the welcome is printed: a supervisor that has read it may send a signal at once.
    let stop = stop_signal()?;
    let config = settings.config()?;
    let bank = bank::open(&config).await?;
    if settings.unsafe_database == UnsafeDatabase::Allow {
        tracing::warn!("unsafe settings of the database are allowed: what was reported as durable may be lost");
    }
    bank.warm_up().await?;
    let listener = settings.listen.bind().await?;
    let recorded = bank.ops.record_start(&shown(settings, &config)).await;
    recorded.context("cannot tell the audit log that the bank starts")?;
    // A welcome that cannot be printed does not stop the bank.
    let _ = print(welcome::text(listener.local_addr()?, call));
    serve(settings, listener, &bank, files, stop).await?;
    bank.stop().await;
    Ok(Ending::Done)
}

/// Each connection needs a descriptor, and many systems start a process with a limit of 1 024.
fn raise_descriptor_limit(connections_max: u32) {
    let wanted = u64::from(connections_max) + DESCRIPTORS_BESIDES;
    match rlimit::increase_nofile_limit(wanted) {
        Ok(limit) if limit >= wanted => {}
        Ok(limit) => tracing::warn!(limit, wanted, "fewer connections than configured can be open at a time"),
        Err(error) => tracing::warn!(%error, "the limit of open descriptors cannot be raised"),
    }
}

/// For the database, the listener and files, and for connections to the receivers of webhooks: 512 in use, and as many at rest.
const DESCRIPTORS_BESIDES: u64 = 1_152;

/// Serves until `stop` is ready, then finishes the requests under way. Meanwhile it imports `files`, which contain
/// activities.
pub async fn serve(
    settings: &Settings,
    listener: TcpListener,
    bank: &bank::Bank,
    files: Vec<PathBuf>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let app = app(bank.clone(), settings.cors_origins.clone())?;
    let limits = ConnectionLimits {
        connections_max: settings.connections_max as usize,
        peer_share_percent: settings.peer_share_percent,
        trusted_proxies: settings.trusted_proxies.clone(),
        ..ConnectionLimits::default()
    };
    tracing::info!(address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"), "serving");
    bank.serve(files);
    bank.webhooks.serve(event_text);
    let (statistics, events) = (bank.statistics.clone(), bank.events.clone());
    let committer_died = bank.committer_died();
    let stop = async move {
        tokio::select! {
            () = stop => {}
            () = committer_died => tracing::error!("the committer has died, so the bank ends: no money can move"),
        }
        // Otherwise streams would hold their connections open for the whole grace time.
        statistics.close();
        events.close();
    };
    edge::serve(listener, app, limits, stop).await?;
    tracing::info!("stopped serving");
    anyhow::ensure!(bank.moves_money(), "the committer has died");
    Ok(())
}

/// Ready at SIGTERM or SIGINT.
pub(super) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
