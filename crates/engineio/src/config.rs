//! Settings of the driver, around those of the protocol.

use std::time::Duration;

use crate::{Cookie, Cors, Hooks};

/// Settings of an [`EngineService`](crate::EngineService).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// What the protocol core decides by: heartbeat, revisions, limits.
    pub protocol: engineio_proto::Config,
    /// The path that is ours, with its trailing slash. Default `/engine.io/`.
    pub path: String,
    /// Which web origins may read. Default: only our own.
    pub cors: Cors,
    /// The cookie for sticky load balancing. Default: none.
    pub cookie: Option<Cookie>,
    /// Compression of large poll answers. Default: none.
    #[cfg(feature = "compression")]
    pub compression: Option<crate::Compression>,
    /// The application's say in handshakes and answers.
    pub hooks: Hooks,
    /// How long a request's head may take. Default 10 s.
    pub header_timeout: Duration,
    /// How long a request's body may take. Default 10 s.
    pub body_timeout: Duration,
    /// How many sessions may be open at once; the next handshake gets 503. Default 10,000.
    pub max_sessions: usize,
    /// How long `close` waits for sessions to take what is queued for them. Default 10 s.
    pub close_deadline: Duration,
    /// Over how long a stand-alone server ends its sessions. Default 0: all at once.
    pub drain_window: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            protocol: engineio_proto::Config::default(),
            path: "/engine.io/".into(),
            cors: Cors::default(),
            cookie: None,
            #[cfg(feature = "compression")]
            compression: None,
            hooks: Hooks::default(),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            max_sessions: 10_000,
            close_deadline: Duration::from_secs(10),
            drain_window: Duration::ZERO,
        }
    }
}
