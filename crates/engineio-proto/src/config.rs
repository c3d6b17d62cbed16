//! Settings of a server and every bound on what a peer can make it keep.

use std::time::Duration;

use crate::SlowConsumer;

/// Settings of an Engine.IO server, shared by all its sessions.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Time between two heartbeats. Default 25 s.
    pub ping_interval: Duration,
    /// How long an answer to a heartbeat may take. Default 20 s.
    pub ping_timeout: Duration,
    /// How long an upgrade may take before its WebSocket is dropped. Default 10 s.
    pub upgrade_timeout: Duration,
    /// Takes a missing `EIO`, and 2, as 3. Default false: code 5.
    pub legacy_eio: bool,
    /// Serves revision 3. Default true.
    pub v3: bool,
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

/// Every bound on what a peer can make the server keep or do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one POST body or one WebSocket message. Default 1,000,000; announced as
    /// `maxPayload`. Cost: up to twice that per request in progress.
    pub max_payload: usize,
    /// Packets in one payload. Default 16,384.
    pub max_payload_packets: usize,
    /// Bytes waiting to be sent to one session. Default 1 MiB.
    pub max_queued_bytes: usize,
    /// Packets waiting to be sent to one session. Default 16,384.
    pub max_queued_packets: usize,
    /// Bytes of one poll answer before base64; one message goes whatever its size. Default
    /// 1,000,000. Cost: once that per poll being answered.
    pub max_poll_payload: usize,
    /// How long a write to a WebSocket may stay blocked. Default 10 s.
    pub blocked_write: Duration,
    /// How long the heartbeat may stand still while the server does not read from a client.
    /// Default 30 s.
    pub max_pause: Duration,
    /// How long a closing session waits for its last poll. Default 30 s.
    pub close_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            legacy_eio: false,
            v3: true,
            upgrades: true,
            jsonp: false,
            legacy_text: true,
            slow_consumer: SlowConsumer::Disconnect,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_payload: 1_000_000,
            max_payload_packets: 16_384,
            max_queued_bytes: 1024 * 1024,
            max_queued_packets: 16_384,
            max_poll_payload: 1_000_000,
            blocked_write: Duration::from_secs(10),
            max_pause: Duration::from_secs(30),
            close_timeout: Duration::from_secs(30),
        }
    }
}
