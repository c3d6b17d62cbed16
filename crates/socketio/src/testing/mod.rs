//! For tests of applications: clients and clusters in memory, without sockets.
//!
//! With tokio's paused clock (`#[tokio::test(start_paused = true)]`) everything runs in virtual time:
//! timeouts of hours pass at once, and nothing depends on the speed of the machine.

mod client;
mod cluster;

pub use client::Client;
pub use cluster::Cluster;
