//! Settings of the driver, around those of the protocol.

use std::time::Duration;

use crate::{Cookie, Cors, Hooks, ServerLimits};

/// Settings of an [`EngineService`](crate::EngineService).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// What the protocol core decides by: heartbeat, revisions, the bounds on one session.
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
    /// The bounds on all sessions together.
    pub limits: ServerLimits,
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
            limits: ServerLimits::default(),
            drain_window: Duration::ZERO,
        }
    }
}
