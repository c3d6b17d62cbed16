//! `topicd serve`: the production form.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    net::SocketAddr,
};

use tokio::{net::TcpListener, runtime::Runtime};
use topicd::{Config, Server};

use super::{Failure, ServerSettings, log, signals};

#[derive(clap::Args)]
pub(super) struct Command {
    #[command(flatten)]
    settings: ServerSettings,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.settings.load()?;
    let log = log::start(&config)?;
    Runtime::new()?.block_on(async {
        let server = Server::open(&config)?;
        let listener = bind(config.listen).await?;
        let mut greeting = format!(
            "topicd serves http://{}/v2, data in {}\n",
            listener.local_addr()?,
            super::absolute(&config.data_dir).display()
        );
        if config.console {
            let _ = writeln!(greeting, "console on http://{}/", listener.local_addr()?);
        }
        let server = match bind_tls(&config).await? {
            Some(listener) => {
                greeting += &tls_line(&listener)?;
                server.with_tls(listener)?
            }
            None => server,
        };
        let server = match bind_admin(&config).await? {
            Some(admin) => {
                let address = admin.local_addr()?;
                let _ = writeln!(
                    greeting,
                    "health, metrics and admin API on http://{address}"
                );
                server.with_admin(admin)?
            }
            None => server,
        };
        let reloads = signals::reload(command.settings.flags(), server.reloader(), log)?;
        let interrupted = signals::interrupted()?;
        print_at_once(&greeting)?;
        let reloads = tokio::spawn(reloads);
        let served = server.serve(listener, interrupted).await;
        reloads.abort();
        Ok(served?)
    })
}

/// The listener with TLS, if there is to be one.
pub(super) async fn bind_tls(config: &Config) -> Result<Option<TcpListener>, Failure> {
    match config.tls.listen {
        Some(address) => Ok(Some(bind(address).await?)),
        None => Ok(None),
    }
}

pub(super) fn tls_line(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("with TLS: https://{}/v2\n", listener.local_addr()?))
}

/// In one piece: whoever waits for the first line may not be there for a second one.
pub(super) fn print_at_once(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// The operator's listener, if there is to be one.
pub(super) async fn bind_admin(config: &Config) -> Result<Option<TcpListener>, Failure> {
    let candidates = config.admin.listen.candidates(config.listen);
    let mut failure = None;
    for address in candidates {
        match bind(address).await {
            Ok(listener) => return Ok(Some(listener)),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(None), Err)
}

pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => "; stop what uses it or name another with --listen",
            io::ErrorKind::AddrNotAvailable => {
                "; name an address of this machine with --listen, or 0.0.0.0 for all of them"
            }
            io::ErrorKind::PermissionDenied => "; name a port from 1024 on with --listen",
            _ => "",
        };
        Failure::unavailable(format!("cannot listen on {address}: {error}{advice}"))
    })
}
