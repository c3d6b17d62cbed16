//! How much is kept, and for how long.

use std::time::Duration;

/// How much a server keeps for clients that may come back. At each bound what is oldest is given up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecoveryLimits {
    /// How long a client may stay away. Default two minutes.
    pub max_disconnection: Duration,
    /// Packets in the log of one namespace. Default 16,384.
    pub max_packets: usize,
    /// Bytes in the log of one namespace. Default 16 MiB.
    pub max_bytes: usize,
    /// Sockets that one namespace waits for. Default 10,000.
    pub max_sockets: usize,
    /// Bytes of the sockets that one namespace waits for: their rooms' names and their state, without
    /// what that points to. Default 16 MiB.
    pub max_socket_bytes: usize,
    /// Bytes in all namespaces, logs and sockets. Default 64 MiB.
    pub max_total_bytes: usize,
    /// Sockets that all namespaces wait for. Default 40,000.
    pub max_total_sockets: usize,
}

impl Default for RecoveryLimits {
    fn default() -> Self {
        Self {
            max_disconnection: Duration::from_secs(120),
            max_packets: 16_384,
            max_bytes: 16 * 1024 * 1024,
            max_sockets: 10_000,
            max_socket_bytes: 16 * 1024 * 1024,
            max_total_bytes: 64 * 1024 * 1024,
            max_total_sockets: 40_000,
        }
    }
}
