//! What signals do to a server: SIGINT and SIGTERM end it, SIGHUP gives it its settings anew.

use tokio::signal;
use topicd::{Reloader, config::Flags};

use super::{Failure, layers, log::Log};

/// Resolves at the first SIGINT or SIGTERM; the second one ends the process at once.
pub(super) async fn interrupted() {
    wait().await;
    tokio::spawn(async {
        wait().await;
        std::process::exit(1);
    });
}

/// Loads the settings at each SIGHUP, for as long as this is polled. Settings that cannot be used
/// are told in the log, and the old ones hold.
#[cfg(unix)]
pub(super) async fn reload(flags: Flags, reloader: Reloader, log: Log) {
    use signal::unix::{SignalKind, signal};
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return;
    };
    while hangups.recv().await.is_some() {
        if let Err(error) = reload_once(&flags, &reloader, &log) {
            tracing::error!(%error, "the settings were not reloaded, the old ones hold");
        }
    }
}

#[cfg(not(unix))]
pub(super) async fn reload(_: Flags, _: Reloader, _: Log) {}

fn reload_once(flags: &Flags, reloader: &Reloader, log: &Log) -> Result<(), Failure> {
    let config = layers(flags)?.into_config();
    let reloaded = reloader.reload(&config)?;
    log.reload(&config)?;
    let (changed, waiting) = (reloaded.changed, reloaded.needs_restart);
    tracing::info!(?changed, "the settings were reloaded");
    if !waiting.is_empty() {
        tracing::warn!(settings = ?waiting, "these settings hold from the next start on");
    }
    Ok(())
}

#[cfg(unix)]
async fn wait() {
    use signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn wait() {
    let _ = signal::ctrl_c().await;
}
