//! topicd over real sockets.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod authority;
mod binary;
mod bounds;
mod client;
mod commands;
mod connecting;
mod crash;
mod ending;
mod expiry;
mod fanout;
mod full;
mod grants;
mod guessing;
mod live;
mod memory;
mod msgpack;
mod openapi;
mod operation;
mod polling;
mod reference;
mod replay;
mod rest;
mod server;
mod serving;
mod slow;
mod socket;
mod stream;
mod webhooks;
