//! Every bound on what a peer can make a server keep or do, whoever watches over it.

use std::time::Duration;

/// Every bound of a server, in count, bytes and time, with what it costs.
///
/// The machine of a session keeps the first part, up to `close_timeout`. The rest is the driver's,
/// which alone sees sessions together, connections, bodies and frames; it is here so that whoever sets
/// up a server finds all of it in one place.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one POST body or one WebSocket message; announced as `maxPayload`. A body beyond gets
    /// 413, a message beyond ends its session with 1009. Default 1,000,000. Cost: up to twice that
    /// for each request in progress.
    pub max_payload: usize,
    /// Packets in one payload; with more the session ends. Default 16,384. Cost: some 60 bytes for
    /// each while their payload is delivered.
    pub max_payload_packets: usize,
    /// Bytes waiting to be sent to one session; beyond, each message's
    /// [`SlowConsumer`](crate::SlowConsumer) policy decides. Default 1 MiB. Cost: that, for a client
    /// that does not read, less what it shares with others by [`Prepared`](crate::Prepared).
    pub max_queued_bytes: usize,
    /// Packets waiting to be sent to one session; beyond, as with bytes. Default 16,384. Cost: some
    /// 50 bytes for each, beside its own.
    pub max_queued_packets: usize,
    /// Bytes of one poll answer before base64; one message goes whatever its size, and the rest with
    /// the next poll. Default 1,000,000. Cost: once that for each poll being answered.
    pub max_poll_payload: usize,
    /// How long an upgrade may take before its WebSocket is dropped; polling lives on. Default 10 s.
    /// Cost: one connection beside the session's.
    pub upgrade_timeout: Duration,
    /// How long a write may stay blocked before the session ends. Default 10 s. Cost: what is queued,
    /// for that long.
    pub blocked_write: Duration,
    /// How long the heartbeat may stand still while the server does not read from a client.
    /// Default 30 s. Cost: a silent client is kept for that much longer.
    pub max_pause: Duration,
    /// How long a closing session waits for its last poll. Default 30 s. Cost: the session and what
    /// is queued, for that long.
    pub close_timeout: Duration,

    /// Sessions that are open at once; a handshake beyond gets 503 with `Retry-After`.
    /// Default 10,000. Cost: some 4 KiB for an idle session, and what is queued for it.
    pub max_sessions: usize,
    /// Sessions that are open at once from one address, as far as the driver is told addresses; of
    /// IPv6 the first 64 bits count, and the loopback does not. A handshake beyond gets 503 with
    /// `Retry-After`. Default 200; `usize::MAX` switches it off, which a server behind a proxy on
    /// another machine needs unless that proxy is trusted to name its clients. Cost: some 50 bytes
    /// for each address.
    pub max_sessions_per_address: usize,
    /// Connections that a stand-alone server serves at once; others wait to be accepted. One that
    /// has become a WebSocket counts no longer. Default 20,000: two for each polling session. Cost:
    /// some 10 KiB for each, and the request that it carries.
    pub max_connections: usize,
    /// Bytes of a request's head on a stand-alone server, at least 8 KiB; beyond, 431. Default
    /// 16 KiB. Cost: that for each connection that is being read.
    pub max_head: usize,
    /// Bytes of a request's path and query; beyond, 414. Default 8 KiB. Cost: that for each session,
    /// which keeps its handshake for the application.
    pub max_target: usize,
    /// How long a request's head may take on a stand-alone server. Default 10 s. Cost: one connection
    /// for that long.
    pub header_timeout: Duration,
    /// How long a request's body may take; then 400, and the session ends. Default 10 s. Cost: up to
    /// twice `max_payload` bytes for that long.
    pub body_timeout: Duration,
    /// How long the application may take to allow a handshake; then 503 with `Retry-After`.
    /// Default 10 s. Cost: one connection for that long.
    pub allow_timeout: Duration,
    /// Frames that one WebSocket message may come in, empty ones counted; beyond, 1008.
    /// Default 16,384. Cost: time only, a few bytes of header for each.
    pub max_fragments: u32,
    /// Control frames of one WebSocket in a second; beyond, 1008. Default 100: a client needs one a
    /// heartbeat. Cost: time, and an answer for each ping.
    pub max_control_frames: u32,
    /// How long a closing server waits for sessions to take what is queued for them; then they are
    /// cut off. Default 10 s. Cost: the end takes that long.
    pub close_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_payload: 1_000_000,
            max_payload_packets: 16_384,
            max_queued_bytes: 1024 * 1024,
            max_queued_packets: 16_384,
            max_poll_payload: 1_000_000,
            upgrade_timeout: Duration::from_secs(10),
            blocked_write: Duration::from_secs(10),
            max_pause: Duration::from_secs(30),
            close_timeout: Duration::from_secs(30),
            max_sessions: 10_000,
            max_sessions_per_address: 200,
            max_connections: 20_000,
            max_head: 16 * 1024,
            max_target: 8 * 1024,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            allow_timeout: Duration::from_secs(10),
            max_fragments: 16_384,
            max_control_frames: 100,
            close_deadline: Duration::from_secs(10),
        }
    }
}
