//! Settings of a server. Its bounds are in `limits`.

use std::time::Duration;

use crate::{Limits, SlowConsumer, Transport};

/// Settings of an Engine.IO server, shared by all its sessions.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Time between two heartbeats. Default 25 s.
    pub ping_interval: Duration,
    /// How long an answer to a heartbeat may take. Default 20 s.
    pub ping_timeout: Duration,
    /// Takes a missing `EIO`, and 2, as 3. Default false: code 5.
    pub legacy_eio: bool,
    /// Serves revision 3. Default true.
    pub v3: bool,
    /// The transports that are served; the other one is refused with code 0 (EIO4 2.1). Default both.
    pub transports: Transports,
    /// Offers WebSocket to sessions that start with polling. Default true.
    pub upgrades: bool,
    /// Answers JSONP polling (`j=` in the query). Default false: `j` is ignored.
    pub jsonp: bool,
    /// Text rules for socket.io 1.x clients over polling (EIO3 3.6). Default true.
    pub legacy_text: bool,
    /// What happens to a message that meets a full queue and has no policy of its own. Default:
    /// the session ends.
    pub slow_consumer: SlowConsumer,
    /// The bounds.
    pub limits: Limits,
}

/// Which transports a server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transports {
    /// Polling, WebSocket, and the way from one to the other.
    #[default]
    Both,
    /// Polling alone: behind a proxy that lets no WebSocket through, clients lose no time with one.
    Polling,
    /// WebSocket alone: nothing has to keep a client on one server.
    WebSocket,
}

impl Transports {
    /// Whether sessions may use this transport.
    pub fn contains(self, transport: Transport) -> bool {
        match self {
            Self::Both => true,
            Self::Polling => transport == Transport::Polling,
            Self::WebSocket => transport == Transport::WebSocket,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            legacy_eio: false,
            v3: true,
            transports: Transports::Both,
            upgrades: true,
            jsonp: false,
            legacy_text: true,
            slow_consumer: SlowConsumer::Disconnect,
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// Whether polling sessions may go over to WebSocket.
    pub(crate) fn may_upgrade(&self) -> bool {
        self.upgrades && self.transports.contains(Transport::WebSocket)
    }
}
