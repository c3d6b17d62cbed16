//! What signals do to a server: SIGINT and SIGTERM end it, SIGHUP gives it its settings anew.

use std::{future::Future, io};

use tokio::signal;
use topicd::{Reloader, config::Flags};

use super::{Failure, layers, log::Log};

/// Resolves at the first SIGINT or SIGTERM; the second one ends the process at once. Both are
/// listened for from the call on: whoever has been told that the server serves may end it.
///
/// # Errors
///
/// The operating system gives no signals.
pub(super) fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut interrupts = Interrupts::listen()?;
    Ok(async move {
        interrupts.next().await;
        tokio::spawn(async move {
            interrupts.next().await;
            std::process::exit(1);
        });
    })
}

/// Loads the settings at each SIGHUP, for as long as this is polled. Settings that cannot be used
/// are told in the log, and the old ones hold.
#[cfg(unix)]
pub(super) fn reload(
    flags: Flags,
    reloader: Reloader,
    log: Log,
) -> io::Result<impl Future<Output = ()>> {
    use signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangups.recv().await.is_some() {
            if let Err(error) = reload_once(&flags, &reloader, &log) {
                tracing::error!(%error, "the settings were not reloaded, the old ones hold");
            }
        }
    })
}

/// There is no such signal here.
#[cfg(not(unix))]
pub(super) fn reload(_: Flags, _: Reloader, _: Log) -> io::Result<impl Future<Output = ()>> {
    Ok(std::future::ready(()))
}

#[cfg(unix)]
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
struct Interrupts {
    interrupt: signal::unix::Signal,
    terminate: signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupts {
    fn listen() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Interrupts(signal::windows::CtrlC);

#[cfg(windows)]
impl Interrupts {
    fn listen() -> io::Result<Self> {
        signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
