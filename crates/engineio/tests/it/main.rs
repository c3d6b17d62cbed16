//! The driver over real sockets: what only sockets can show. The rules of the protocol are tested in
//! the core, and from outside by the conformance tool.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backpressure;
mod client;
mod connections;
mod embedding;
mod hooks;
mod hosted;
mod hostile;
mod lifecycle;
mod log;
mod observation;
#[allow(dead_code, reason = "shared with the other test binaries")]
mod peer;
mod reasons;
mod slow_peer;
mod transports;
