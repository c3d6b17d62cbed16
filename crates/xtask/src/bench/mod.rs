//! `cargo xtask bench`: what people would use instead, side by side with ours.
//!
//! This file is the order of a run. Who is measured says `peers.rs`, at what `work.rs`, what is promised
//! `targets.rs`; `rounds.rs` takes samples, `rest.rs` and `codecs.rs` measure topicd and the parsers, and
//! `report.rs` and `plot.rs` write it down.

mod codecs;
mod cores;
mod peers;
mod plot;
mod report;
mod rest;
mod rounds;
mod samples;
mod targets;
mod work;

use std::{process::ExitCode, sync::OnceLock, time::Duration};

use self::{
    cores::Cores,
    peers::Ready,
    samples::Samples,
    targets::{Judged, Verdict},
    work::Work,
};
use crate::{
    job::{Error, Job, Pace},
    run::{Step, run_all},
    workspace::{Workspace, cargo},
};

/// A release build of everything, from nothing.
const BUILD_LIMIT: Duration = Duration::from_secs(45 * 60);

/// The works that the command line names; all of them if there are none.
static CHOICE: OnceLock<Vec<String>> = OnceLock::new();

const PEERS: Step = Step {
    name: "bench",
    about: "ours against peers, interleaved",
    run: against_peers,
};

const CODECS: Step = Step {
    name: "codecs",
    about: "our parsers against others, and instructions of hot paths",
    run: codecs::check,
};

/// `cargo xtask bench --against peers [--quick] [--only WORK,…]` and `cargo xtask bench --codecs`.
pub(crate) fn command(options: &[&str]) -> Result<ExitCode, Error> {
    let (step, pace, chosen) = match options {
        ["--codecs"] => (&CODECS, Pace::Full, None),
        ["--against", "peers"] => (&PEERS, Pace::Full, None),
        ["--against", "peers", "--quick"] => (&PEERS, Pace::Quick, None),
        ["--against", "peers", "--only", works] => (&PEERS, Pace::Full, Some(*works)),
        ["--against", "peers", "--quick", "--only", works] => (&PEERS, Pace::Quick, Some(*works)),
        _ => return Err(format!("bench does not know {}", options.join(" ")).into()),
    };
    if let Some(works) = chosen {
        let works: Vec<String> = works.split(',').map(str::to_owned).collect();
        work::check_names(&works)?;
        CHOICE.get_or_init(|| works);
    }
    Ok(run_all(&Workspace::locate()?, &[step], pace))
}

/// Everything that one run has measured.
struct Findings {
    pace: Pace,
    peers: Vec<Ready>,
    /// Peers that could not be had, and why.
    missing: Vec<(&'static str, String)>,
    samples: Samples,
    rest: Option<rest::Figures>,
    codecs: Vec<codecs::Figure>,
}

fn against_peers(job: &mut Job<'_>) -> Result<(), Error> {
    let cores = Cores::choose()?;
    build(job)?;
    let (peers, missing) = peers::prepare(job);
    let works: Vec<&Work> = work::chosen(job.pace, CHOICE.get());
    let samples = rounds::run(job, &cores, &peers, &works)?;
    let mut findings = Findings {
        pace: job.pace,
        peers,
        missing,
        samples,
        rest: None,
        codecs: Vec::new(),
    };
    if CHOICE.get().is_none() {
        findings.rest = Some(rest::measure(job, &cores)?);
        findings.codecs = codecs::measure(job)?;
    }
    let judged = judge(&findings);
    print_targets(&judged);
    // A part of the works is for looking, not for the record.
    if CHOICE.get().is_none() {
        report::write(job.workspace, &findings, &judged)?;
    }
    Ok(())
}

fn build(job: &mut Job<'_>) -> Result<(), Error> {
    let mut command = cargo();
    command.args(["build", "--release", "-p", "load", "-p", "topicd", "--bins"]);
    job.run(command, BUILD_LIMIT).map(drop)
}

fn judge(findings: &Findings) -> Vec<Judged> {
    let mut judged = targets::judge(&findings.samples);
    if let Some(figures) = &findings.rest {
        judged.extend(figures.judge());
    }
    judged.extend(codecs::judge(&findings.codecs));
    judged
}

fn print_targets(judged: &[Judged]) {
    println!();
    for target in judged {
        if CHOICE.get().is_some() && target.verdict == Verdict::Unknown {
            continue;
        }
        println!("  {:<8} {}", target.verdict.word(), target.line());
    }
}
