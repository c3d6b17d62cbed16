//! The bounds on what one client can make the server keep.

use std::{sync::Arc, time::Duration};

use crate::AttachmentBudget;

/// Settings of a [`Connection`](crate::Connection).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// How long a protocol 5 client may stay without a namespace after it has connected. A refused
    /// CONNECT does not stop it. Default 10 s.
    pub connect_timeout: Duration,
    /// Bytes of what a client says of itself when it asks for a namespace: the payload, or the query
    /// of protocol 4. Default 16 KiB. Cost: up to three times that per namespace.
    pub max_auth_bytes: usize,
    /// Attachments of one packet. Default 10, as in the reference.
    pub max_attachments: usize,
    /// Bytes of all attachments of one packet. Default 1,000,000. Cost: that much per client that
    /// has announced attachments.
    pub max_attachment_bytes: usize,
    /// What all clients with this config and its clones may have under way together: packets and their
    /// attachments until the last has come. Default 512 MiB, more than one address has sessions for.
    pub attachment_budget: Arc<AttachmentBudget>,
    /// How long announced attachments may take to arrive. Default 10 s.
    pub attachment_timeout: Duration,
    /// Namespaces that one client is in or asks for. Default 32.
    pub max_namespaces: usize,
    /// CONNECTs that may be refused before the client is closed. Default 32.
    pub max_refusals: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            max_auth_bytes: 16 * 1024,
            max_attachments: 10,
            max_attachment_bytes: 1_000_000,
            attachment_budget: AttachmentBudget::new(512 * 1024 * 1024),
            attachment_timeout: Duration::from_secs(10),
            max_namespaces: 32,
            max_refusals: 32,
        }
    }
}
