#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

use std::{future::Future, io};

use tokio::net::TcpListener;

pub mod auth;
pub mod config;
pub mod console;
pub mod datetime;
pub mod dev;
#[doc(hidden)]
pub mod fuzzing;
pub mod hub;
pub mod limits;
mod object;
pub mod origin;
mod read_budget;
mod realtime;
pub mod rest;
mod server;
pub mod store;
pub mod token;
pub mod topic;
pub mod value;

pub use config::Config;
pub use server::{Server, StartError};

/// Runs a server on `listener` until `shutdown` resolves.
///
/// # Errors
///
/// The server does not start: the message says what is wrong and what helps.
pub async fn run(
    listener: TcpListener,
    config: &Config,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let server = Server::open(config).map_err(io::Error::other)?;
    server.serve(listener, shutdown).await
}
