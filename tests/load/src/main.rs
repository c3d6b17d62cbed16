//! Load generator for any Socket.IO server that serves the benchmark application.
//!
//! The application under load has one namespace, `/`, and three events: `join [topic]` (with ack)
//! joins a room, `publish [topic, payload]` emits `m [payload]` to it, `echo [payload]` (with ack)
//! acknowledges with the payload. Every run checks what it measures: counts, order, duplicates,
//! payloads. `rest` and `disk` are about topicd and what it stores on.
//! Results are one line of JSON.
#![forbid(unsafe_code)]

mod board;
mod connection;
mod disk;
mod echo;
mod fanout;
mod handshakes;
mod http;
mod idle;
mod pace;
mod polling;
mod process;
mod report;
mod rest;
mod tally;
mod wire;

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};

use crate::wire::Revision;

/// Loads a server and prints what it cost.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    work: Work,
}

/// Where the server is and how to read its accounts.
#[derive(Debug, Clone, Args)]
struct Target {
    /// Address of the server.
    #[arg(long)]
    address: SocketAddr,
    /// Path of the Socket.IO endpoint.
    #[arg(long, default_value = "/socket.io/")]
    path: String,
    /// Process whose CPU time and memory are read.
    #[arg(long)]
    pid: u32,
    /// Engine.IO revision of the clients.
    #[arg(long, value_enum, default_value = "4")]
    eio: Revision,
    /// Seconds to measure, after a warm-up of a fifth of it.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

impl Target {
    fn warm_up(&self) -> Duration {
        self.measured() / 5
    }

    fn measured(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

#[derive(Debug, Subcommand)]
enum Work {
    /// Publishes to rooms and counts deliveries.
    Fanout(fanout::Options),
    /// The same with subscribers that poll.
    PollingFanout(fanout::Options),
    /// Events with an ack, from many connections.
    Echo(echo::Options),
    /// The same over polling.
    PollingEcho(echo::Options),
    /// Resident memory per idle WebSocket connection.
    Idle(idle::Options),
    /// Resident memory per idle polling session.
    PollingIdle(idle::Options),
    /// WebSocket connects, Engine.IO and Socket.IO handshake included.
    Connect(handshakes::Options),
    /// Polling handshake, then the upgrade.
    Upgrade(handshakes::Options),
    /// Values written to topicd by REST, and how they arrive.
    Rest(rest::Options),
    /// How often a second this machine's disk syncs a small write.
    Disk(disk::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let work = Cli::parse().work;
    let outcome = tokio::task::LocalSet::new().run_until(paced(work)).await;
    match outcome {
        Ok(report) => {
            println!("{report}");
            if report.is_clean() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Ends with the work; the pace ends only when it cannot be kept.
async fn paced(work: Work) -> std::io::Result<report::Report> {
    tokio::select! {
        report = run(work) => report,
        Err(error) = pace::keep() => Err(error),
    }
}

async fn run(work: Work) -> std::io::Result<report::Report> {
    match work {
        Work::Fanout(options) => fanout::run(options, fanout::Transport::WebSocket).await,
        Work::PollingFanout(options) => fanout::run(options, fanout::Transport::Polling).await,
        Work::Echo(options) => echo::run(options).await,
        Work::PollingEcho(options) => echo::run_polling(options).await,
        Work::Idle(options) => idle::run(options).await,
        Work::PollingIdle(options) => idle::run_polling(options).await,
        Work::Connect(options) => handshakes::connect(options).await,
        Work::Upgrade(options) => handshakes::upgrade(options).await,
        Work::Rest(options) => rest::run(options).await,
        Work::Disk(options) => disk::run(&options),
    }
}
