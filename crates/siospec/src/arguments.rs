//! The command line, and the target it describes.

use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use clap::Parser;

use crate::case::{Layer, ServerOption};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Handshake};
use crate::target::{Target, Timings, Url};

/// Tests whether an Engine.IO or Socket.IO server does what the protocols demand.
///
/// The server has to run the fixture described in the README.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Address of the fixture, such as http://127.0.0.1:3000/socket.io/
    #[arg(required_unless_present = "list")]
    pub(crate) url: Option<Url>,
    /// The server is the Engine.IO echo fixture, not the Socket.IO fixture
    #[arg(long)]
    pub(crate) engine: bool,
    /// Print the cases and run none
    #[arg(long)]
    pub(crate) list: bool,
    /// Only groups that start with this, such as eio4 or sio5/acks
    #[arg(long, value_delimiter = ',')]
    pub(crate) group: Vec<String>,
    /// Only these cases, such as H1,H2
    #[arg(long, value_delimiter = ',')]
    pub(crate) case: Vec<String>,
    /// Options the server has been started with
    #[arg(long, value_delimiter = ',')]
    pub(crate) with: Vec<ServerOption>,
    /// Deviations from the reference count as failures
    #[arg(long)]
    pub(crate) strict: bool,
    /// A file of cases this server is known to fail, one `ID reason` a line
    #[arg(long)]
    pub(crate) known: Option<PathBuf>,
    /// Write the report as JSON to this file
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// Write the report as JUnit XML to this file
    #[arg(long)]
    pub(crate) junit: Option<PathBuf>,
    /// Milliseconds; taken from the server's handshake if absent
    #[arg(long)]
    pub(crate) ping_interval: Option<u64>,
    /// Milliseconds; taken from the server's handshake if absent
    #[arg(long)]
    pub(crate) ping_timeout: Option<u64>,
    /// Bytes; taken from the server's handshake if absent
    #[arg(long)]
    pub(crate) max_payload: Option<usize>,
    /// Milliseconds the server gives an upgrade
    #[arg(long, default_value_t = 500)]
    pub(crate) upgrade_timeout: u64,
    /// Milliseconds the server gives a client to join a namespace
    #[arg(long, default_value_t = 1000)]
    pub(crate) connect_timeout: u64,
    /// Cases that run at the same time
    #[arg(long, default_value_t = 8)]
    pub(crate) jobs: usize,
}

impl Arguments {
    /// Which fixture the server is.
    pub(crate) fn layer(&self) -> Layer {
        if self.engine {
            Layer::Engine
        } else {
            Layer::Socket
        }
    }

    /// Connects once and completes the timings by what the server's handshake says.
    pub(crate) fn reach(&self, url: &Url) -> io::Result<Target> {
        let mut options = self.with.clone();
        if !options.contains(&ServerOption::Eio3Off) {
            options.push(ServerOption::Eio3);
        }
        let target = Target {
            authority: url.authority.clone(),
            address: url.resolve()?,
            path: url.path.clone(),
            timings: Timings {
                ping_interval: Duration::from_millis(300),
                ping_timeout: Duration::from_millis(200),
                upgrade_timeout: Duration::from_millis(self.upgrade_timeout),
                connect_timeout: Duration::from_millis(self.connect_timeout),
            },
            max_payload: 1_000_000,
            options,
        };
        target.connect()?;
        Ok(self.complete(target))
    }

    fn complete(&self, mut target: Target) -> Target {
        // A server without a usable handshake fails its case; here only the figures matter.
        let peer = Peer::new(Rc::new(target.clone()));
        let handshake = peer.open(Dialect::V4).map(|session| session.handshake);
        let figure = |name: &str| {
            let handshake: Option<&Handshake> = handshake.as_ref().ok();
            handshake.and_then(|handshake| handshake.field(name).as_u64())
        };
        let timings = &mut target.timings;
        if let Some(interval) = self.ping_interval.or_else(|| figure("pingInterval")) {
            timings.ping_interval = Duration::from_millis(interval);
        }
        if let Some(timeout) = self.ping_timeout.or_else(|| figure("pingTimeout")) {
            timings.ping_timeout = Duration::from_millis(timeout);
        }
        let advertised = figure("maxPayload").and_then(|bytes| usize::try_from(bytes).ok());
        if let Some(bytes) = self.max_payload.or(advertised) {
            target.max_payload = bytes;
        }
        target
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
