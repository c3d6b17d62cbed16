//! The server over real sockets: one module per subject, each test a transcript.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acks;
mod admin;
mod axum;
mod binary;
mod client;
mod cluster;
mod connecting;
mod crowd;
mod disconnecting;
mod events;
mod fairness;
mod interleaving;
mod layers;
mod limits;
mod msgpack;
mod pressure;
mod protocol4;
mod recovery;
mod rooms;
mod virtual_time;
