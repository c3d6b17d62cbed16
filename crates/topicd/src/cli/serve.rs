//! `topicd serve`: the production form.

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
};

use tokio::{net::TcpListener, runtime::Runtime, signal};
use topicd::{Config, Server};
use tracing_subscriber::EnvFilter;

use super::{Failure, Settings};

/// Below this level the WebSocket library writes whole frames: the tokens in them are not for logs,
/// whatever level is asked for.
const FRAME_LOGS: [&str; 2] = ["tungstenite=info", "tokio_tungstenite=info"];

#[derive(clap::Args)]
pub(super) struct Command {
    #[command(flatten)]
    settings: Settings,
    /// Address and port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    let config = command.settings.load(command.listen)?;
    start_log();
    Runtime::new()?.block_on(async {
        let server = Server::open(&config)?;
        let listener = bind(&config).await?;
        let address = listener.local_addr()?;
        let folder = super::absolute(&config.data_dir);
        println!(
            "topicd serves http://{address}/v2, data in {}",
            folder.display()
        );
        Ok(server.serve(listener, interrupted()).await?)
    })
}

/// The log goes to the error output: as lines for people, as JSON for everything else.
pub(super) fn start_log() {
    let filter = EnvFilter::try_from_env("TOPICD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = FRAME_LOGS
        .iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    if io::stderr().is_terminal() {
        log.init();
    } else {
        log.json().init();
    }
}

pub(super) async fn bind(config: &Config) -> Result<TcpListener, Failure> {
    let address = config.listen;
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

/// Resolves at the first SIGINT or SIGTERM; the second one ends the process at once.
pub(super) async fn interrupted() {
    wait().await;
    tokio::spawn(async {
        wait().await;
        std::process::exit(1);
    });
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
