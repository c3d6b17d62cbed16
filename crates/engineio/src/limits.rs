//! The bounds that the driver sets, beside those of the protocol.

use std::time::Duration;

/// What one server takes at most, in sessions, connections and time.
///
/// The bounds on a single session are in [`proto::Limits`](engineio_proto::Limits).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Sessions that are open at once; a handshake beyond gets 503 with `Retry-After`.
    /// Default 10,000. Cost: some 4 KiB for an idle session, and what is queued for it.
    pub max_sessions: usize,
    /// Sessions that are open at once from one address, if the host tells it by
    /// [`PeerAddr`](crate::PeerAddr); of IPv6 the first 64 bits count, and this machine itself does
    /// not. A handshake beyond gets 503 with `Retry-After`. Default 200; `usize::MAX` switches it
    /// off, which a server behind a proxy on another machine needs unless its host puts the client's
    /// address into `PeerAddr`. Cost: some 50 bytes for each address.
    pub max_sessions_per_address: usize,
    /// Connections that a stand-alone server serves at once; others wait to be accepted. One that
    /// has become a WebSocket counts no longer. Default 20,000: two for each polling session. Cost:
    /// some 10 KiB for each, and the request that it carries.
    pub max_connections: usize,
    /// How long a request's head may take on a stand-alone server. Default 10 s.
    pub header_timeout: Duration,
    /// How long a request's body may take. Default 10 s. Cost: up to twice `max_payload` bytes for
    /// that long.
    pub body_timeout: Duration,
    /// How long [`EngineService::close`](crate::EngineService::close) waits for sessions to take
    /// what is queued for them; then they are cut off. Default 10 s.
    pub close_deadline: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            max_sessions: 10_000,
            max_sessions_per_address: 200,
            max_connections: 20_000,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            close_deadline: Duration::from_secs(10),
        }
    }
}
