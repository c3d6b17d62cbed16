//! Conformance tests for Engine.IO and Socket.IO servers, run from outside over raw sockets.
//!
//! This file owns the exit codes. The cases live in one file per section below `eio4`, `eio3`,
//! `sio5`, `sio4` and `robust`; `peer` is the client they talk through.
#![forbid(unsafe_code)]

mod arguments;
mod case;
mod catalog;
mod eio3;
mod eio4;
mod elapsed;
mod peer;
mod report;
mod robust;
mod runner;
mod sio4;
mod sio5;
mod target;
mod transcript;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use case::Layer;
use catalog::Selection;
use report::{Known, Report, Strictness};
use target::Url;

/// A case of the required levels failed.
const FAILURES: u8 = 1;
/// The command line makes no sense, or a file cannot be read or written.
const USAGE: u8 = 2;
/// `EX_UNAVAILABLE`: nothing listens at the address.
const UNREACHABLE: u8 = 69;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.url {
        Some(url) if !arguments.list => test(&arguments, url),
        _ => list(&arguments),
    };
    outcome.unwrap_or_else(|(code, message)| {
        eprintln!("siospec: {message}");
        ExitCode::from(code)
    })
}

/// What goes to the user when no report is possible: an exit code and a message.
type Refusal = (u8, String);

fn list(arguments: &Arguments) -> Result<ExitCode, Refusal> {
    let selection = selection(arguments)?;
    for layer in [Layer::Engine, Layer::Socket] {
        for (group, case) in selection.cases(layer) {
            println!(
                "{:<5} {:<9} {:<18} {}",
                case.id, case.level, group.id, case.title
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn test(arguments: &Arguments, url: &Url) -> Result<ExitCode, Refusal> {
    let selection = selection(arguments)?;
    let known = known(arguments)?;
    let unreachable = |error| {
        (
            UNREACHABLE,
            format!("{} cannot be reached: {error}", url.authority),
        )
    };
    let target = arguments.reach(url).map_err(unreachable)?;
    let cases = selection.cases(arguments.layer());
    if cases.is_empty() {
        return Err((
            USAGE,
            "none of these cases is about this fixture".to_owned(),
        ));
    }
    let report = Report {
        server: format!("http://{}{}", url.authority, url.path),
        strictness: if arguments.strict {
            Strictness::Strict
        } else {
            Strictness::Usual
        },
        known,
        records: runner::run(&target, &cases, arguments.jobs),
    };
    print!("{}", report::text(&report));
    write_files(arguments, &report)?;
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILURES)
    })
}

fn selection(arguments: &Arguments) -> Result<Selection, Refusal> {
    let (groups, cases) = (arguments.group.clone(), arguments.case.clone());
    let selection = Selection { groups, cases };
    match selection.unknown() {
        Some(name) => Err((USAGE, format!("no group or case is named {name}"))),
        None => Ok(selection),
    }
}

fn known(arguments: &Arguments) -> Result<Known, Refusal> {
    let Some(path) = &arguments.known else {
        return Ok(Known::default());
    };
    let refused = |reason: String| (USAGE, format!("{}: {reason}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let known = Known::parse(&text).map_err(refused)?;
    let cases = known.ids().map(str::to_owned).collect();
    let unknown = Selection {
        groups: Vec::new(),
        cases,
    };
    match unknown.unknown() {
        Some(name) => Err(refused(format!("no case is named {name}"))),
        None => Ok(known),
    }
}

fn write_files(arguments: &Arguments, report: &Report) -> Result<(), Refusal> {
    if let Some(path) = &arguments.json {
        write_file(path, &format!("{:#}\n", report::json(report)))?;
    }
    if let Some(path) = &arguments.junit {
        write_file(path, &report::junit(report))?;
    }
    Ok(())
}

fn write_file(path: &Path, content: &str) -> Result<(), Refusal> {
    fs::write(path, content).map_err(|error| (USAGE, format!("{}: {error}", path.display())))
}
