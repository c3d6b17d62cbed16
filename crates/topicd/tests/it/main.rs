//! topicd over real sockets.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod binary;
mod client;
mod crash;
mod fanout;
mod full;
mod live;
mod memory;
mod msgpack;
mod polling;
mod replay;
mod rest;
mod server;
mod socket;
mod stream;
