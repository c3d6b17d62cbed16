//! Settings of the driver, around those of the protocol.

use std::time::Duration;

use crate::{Cookie, Cors, Hooks, TrustedProxies};

/// Settings of an [`EngineService`](crate::EngineService).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Heartbeat, revisions, transports, and all [`Limits`](crate::Limits), those of the driver too.
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
    /// The proxies whose word about the client's address and scheme counts. Default: none, so that the peer of
    /// the connection is the client.
    pub proxies: Option<TrustedProxies>,
    /// The application's say in handshakes and answers.
    pub hooks: Hooks,
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
            proxies: None,
            hooks: Hooks::default(),
            drain_window: Duration::ZERO,
        }
    }
}
