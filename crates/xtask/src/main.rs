//! The commands of this workspace: `cargo xtask COMMAND`.
//!
//! This file reads the command line. The list of everything that is checked is `test.rs`; a step is a
//! function of a `job::Job`, in the file named after what it checks.
#![forbid(unsafe_code)]

mod bench;
mod browser;
mod bundles;
mod checks;
mod conformance;
mod contract;
mod differential;
mod durability;
mod examples;
mod fuzz;
mod http;
mod install;
mod interop;
mod job;
mod outside;
mod purity;
mod quickstart;
mod record;
mod relay;
mod run;
mod server;
mod sources;
mod test;
mod workspace;

use std::process::ExitCode;

use crate::{
    job::{Error, Pace},
    run::run_all,
    workspace::Workspace,
};

const HELP: &str = "\
The commands of this workspace.

Usage: cargo xtask COMMAND

  test                         everything that has to hold; installs what it needs
      --quick                  what gives an answer within five minutes
      --only STEP[,STEP]       these steps alone
      --list                   the names of the steps
  fuzz --seconds N [TARGET]... fuzz these targets, or all, N seconds each
  record                       what real clients send, as seeds of the fuzz targets
  interop [CLIENT]             real clients against our servers; all, or those whose folder begins so
  browser                      the console in Chromium
  bench --against peers        ours and peers, interleaved; writes docs/performance.md
      --quick                  within five minutes, after builds and installs
      --only WORK[,WORK]       these alone, printed only
  bench --codecs               our parsers against others; writes the instruction counts
  conformance                  siospec against the engineio and socketio fixtures, and the table
      --table                  writes docs/conformance.md anew
  contract                     the lines of topicd's interface and their tests, and the table
      --table                  writes docs/topicd-contract.md anew

Logs, reports and screenshots go to target/xtask. What a step cannot get is a failure unless
XTASK_ALLOW_SKIP names it, as in XTASK_ALLOW_SKIP=python-socketio-4.6.1,chromium.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(words: &[&str]) -> Result<ExitCode, Error> {
    match words {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        ["test", options @ ..] => test::command(options),
        ["fuzz", "--seconds", seconds, targets @ ..] => fuzz::command(seconds, targets),
        ["record"] => record::command(),
        ["interop"] => one_step("interop"),
        ["interop", client] => interop::command(client),
        ["browser"] => one_step("browser"),
        ["bench", options @ ..] => bench::command(options),
        ["conformance"] => one_step("conformance"),
        ["conformance", "--table"] => conformance::write_table(),
        ["contract"] => test::command(&["--only", "contract"]),
        ["contract", "--table"] => contract::write_table(),
        _ => Err(format!("no such command: {}", words.join(" ")).into()),
    }
}

/// A step that needs the servers built before it.
fn one_step(name: &str) -> Result<ExitCode, Error> {
    let steps = test::choose(Pace::Full, Some(&["build", name]))?;
    Ok(run_all(&Workspace::locate()?, &steps, Pace::Full))
}
