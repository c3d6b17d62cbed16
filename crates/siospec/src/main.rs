//! Conformance tests for Engine.IO and Socket.IO servers, run from outside over raw sockets.
//!
//! This file owns the command line and the exit codes. The cases live in one file per section
//! below `eio4`, `eio3`, `sio5`, `sio4` and `robust`; `peer` is the client they talk through.
#![forbid(unsafe_code)]

mod case;
mod catalog;
mod eio3;
mod eio4;
mod peer;
mod report;
mod robust;
mod runner;
mod sio4;
mod sio5;
mod target;
mod transcript;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;
use std::{fs, io};

use clap::Parser;

use case::{Layer, ServerOption};
use catalog::Selection;
use peer::Peer;
use peer::engineio::{Dialect, Handshake};
use report::{Outcome, Report, Strictness};
use target::{Target, Timings, Url};

/// A case of the required levels failed.
const FAILURES: u8 = 1;
/// The command line makes no sense.
const USAGE: u8 = 2;
/// `EX_UNAVAILABLE`: nothing listens at the address.
const UNREACHABLE: u8 = 69;

/// Tests whether an Engine.IO or Socket.IO server does what the protocols demand.
///
/// The server has to run the fixture described in the README.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address of the fixture, such as http://127.0.0.1:3000/socket.io/
    #[arg(required_unless_present = "list")]
    url: Option<Url>,
    /// The server is the Engine.IO echo fixture, not the Socket.IO fixture
    #[arg(long)]
    engine: bool,
    /// Print the cases and run none
    #[arg(long)]
    list: bool,
    /// Only groups that start with this, such as eio4 or sio5/acks
    #[arg(long, value_delimiter = ',')]
    group: Vec<String>,
    /// Only these cases, such as H1,H2
    #[arg(long, value_delimiter = ',')]
    case: Vec<String>,
    /// Options the server has been started with
    #[arg(long, value_delimiter = ',')]
    with: Vec<ServerOption>,
    /// Deviations from the reference count as failures
    #[arg(long)]
    strict: bool,
    /// Write the report as JSON to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write the report as JUnit XML to this file
    #[arg(long)]
    junit: Option<PathBuf>,
    /// Milliseconds; taken from the server's handshake if absent
    #[arg(long)]
    ping_interval: Option<u64>,
    /// Milliseconds; taken from the server's handshake if absent
    #[arg(long)]
    ping_timeout: Option<u64>,
    /// Bytes; taken from the server's handshake if absent
    #[arg(long)]
    max_payload: Option<usize>,
    /// Milliseconds the server gives an upgrade
    #[arg(long, default_value_t = 500)]
    upgrade_timeout: u64,
    /// Milliseconds the server gives a client to join a namespace
    #[arg(long, default_value_t = 1000)]
    connect_timeout: u64,
    /// Cases that run at the same time
    #[arg(long, default_value_t = 8)]
    jobs: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let selection = Selection {
        groups: arguments.group.clone(),
        cases: arguments.case.clone(),
    };
    if let Some(name) = selection.unknown() {
        eprintln!("siospec: no group or case is named {name}");
        return ExitCode::from(USAGE);
    }
    match &arguments.url {
        Some(url) if !arguments.list => test(&arguments, url, &selection),
        _ => list(&selection),
    }
}

fn list(selection: &Selection) -> ExitCode {
    for layer in [Layer::Engine, Layer::Socket] {
        for (group, case) in selection.cases(layer) {
            println!(
                "{:<5} {:<9} {:<18} {}",
                case.id, case.level, group.id, case.title
            );
        }
    }
    ExitCode::SUCCESS
}

fn test(arguments: &Arguments, url: &Url, selection: &Selection) -> ExitCode {
    let target = match reach(arguments, url) {
        Ok(target) => target,
        Err(error) => {
            eprintln!("siospec: {} cannot be reached: {error}", url.authority);
            return ExitCode::from(UNREACHABLE);
        }
    };
    let layer = if arguments.engine {
        Layer::Engine
    } else {
        Layer::Socket
    };
    let report = Report {
        server: format!("http://{}{}", url.authority, url.path),
        strictness: if arguments.strict {
            Strictness::Strict
        } else {
            Strictness::Usual
        },
        records: runner::run(&target, &selection.cases(layer), arguments.jobs),
    };
    print!("{}", report::text(&report));
    if let Err(error) = write_files(arguments, &report) {
        eprintln!("siospec: {error}");
        return ExitCode::from(USAGE);
    }
    match report.count(Outcome::Failed) {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILURES),
    }
}

fn write_files(arguments: &Arguments, report: &Report) -> Result<(), String> {
    if let Some(path) = &arguments.json {
        write_file(path, &format!("{:#}\n", report::json(report)))?;
    }
    if let Some(path) = &arguments.junit {
        write_file(path, &report::junit(report))?;
    }
    Ok(())
}

fn write_file(path: &Path, content: &str) -> Result<(), String> {
    fs::write(path, content).map_err(|error| format!("{}: {error}", path.display()))
}

/// Connects once and completes the timings by what the server's handshake says.
fn reach(arguments: &Arguments, url: &Url) -> io::Result<Target> {
    let mut options = arguments.with.clone();
    if !options.contains(&ServerOption::Eio3Off) {
        options.push(ServerOption::Eio3);
    }
    let target = Target {
        authority: url.authority.clone(),
        address: url.resolve()?,
        path: url.path.clone(),
        timings: Timings {
            ping_interval: Duration::from_millis(300),
            ping_timeout: Duration::from_millis(200),
            upgrade_timeout: Duration::from_millis(arguments.upgrade_timeout),
            connect_timeout: Duration::from_millis(arguments.connect_timeout),
        },
        max_payload: 1_000_000,
        options,
    };
    target.connect()?;
    Ok(complete(arguments, target))
}

fn complete(arguments: &Arguments, mut target: Target) -> Target {
    // A server without a usable handshake fails its case; here only the figures matter.
    let peer = Peer::new(Rc::new(target.clone()));
    let handshake = peer.open(Dialect::V4).map(|session| session.handshake);
    let figure = |name: &str| {
        let handshake: Option<&Handshake> = handshake.as_ref().ok();
        handshake.and_then(|handshake| handshake.field(name).as_u64())
    };
    let timings = &mut target.timings;
    if let Some(interval) = arguments.ping_interval.or_else(|| figure("pingInterval")) {
        timings.ping_interval = Duration::from_millis(interval);
    }
    if let Some(timeout) = arguments.ping_timeout.or_else(|| figure("pingTimeout")) {
        timings.ping_timeout = Duration::from_millis(timeout);
    }
    let advertised = figure("maxPayload").and_then(|bytes| usize::try_from(bytes).ok());
    if let Some(bytes) = arguments.max_payload.or(advertised) {
        target.max_payload = bytes;
    }
    target
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
