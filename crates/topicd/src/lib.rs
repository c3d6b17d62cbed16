#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

use std::{future::Future, io};

use tokio::net::TcpListener;

pub mod admin;
pub mod auth;
pub mod config;
pub mod console;
pub mod datetime;
pub mod dev;
#[doc(hidden)]
pub mod fuzzing;
pub mod hub;
pub mod limits;
mod live;
pub mod metrics;
mod network;
mod object;
pub mod origin;
mod places;
mod proxy;
mod read_budget;
mod realtime;
mod reload;
mod rest;
mod server;
pub mod store;
mod tls;
pub mod token;
pub mod topic;
pub mod value;
mod webhooks;

pub use config::Config;
pub use live::Reloaded;
pub use reload::Reloader;
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
