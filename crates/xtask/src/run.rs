//! Runs steps one after the other, times them, and prints the summary.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{
    job::{Counts, Error, Job, Pace},
    workspace::Workspace,
};

/// How many lines of a failed step's log are shown.
const TAIL_LINES: usize = 40;

/// One part of a run.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&mut Job<'_>) -> Result<(), Error>,
}

struct Report {
    name: &'static str,
    took: Duration,
    counts: Counts,
}

/// Runs all of the steps, also behind a failed one; fails at the end if anything failed.
pub(crate) fn run_all(workspace: &Workspace, steps: &[&Step], pace: Pace) -> ExitCode {
    let reports: Vec<_> = steps
        .iter()
        .map(|step| run_one(workspace, step, pace))
        .collect();
    let total = summarize(&reports);
    if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run_one(workspace: &Workspace, step: &Step, pace: Pace) -> Report {
    println!("\n== {}: {}", step.name, step.about);
    let start = Instant::now();
    let counts = match Job::start(workspace, step.name, pace) {
        Ok(job) => run_job(step, job),
        Err(error) => {
            println!("  FAILED  {}: no log: {error}", step.name);
            Counts {
                failed: 1,
                ..Counts::default()
            }
        }
    };
    let report = Report {
        name: step.name,
        took: start.elapsed(),
        counts,
    };
    println!(
        "  {} in {:.1} s",
        in_words(report.counts),
        report.took.as_secs_f64()
    );
    report
}

fn run_job(step: &Step, mut job: Job<'_>) -> Counts {
    if let Err(error) = (step.run)(&mut job) {
        job.fail(step.name, &error.to_string());
    }
    if job.counts() == Counts::default() {
        job.fail(step.name, "it has checked nothing");
    }
    if job.counts().failed > 0 {
        print_tail(&job);
    }
    job.counts()
}

fn print_tail(job: &Job<'_>) {
    let path = job.log_path();
    let log = std::fs::read(path).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    println!("  --- the end of {}", path.display());
    for line in tail {
        println!("  | {line}");
    }
}

fn summarize(reports: &[Report]) -> Counts {
    let mut total = Counts::default();
    println!(
        "\n{:<14} {:>9} {:>8} {:>8} {:>8}",
        "step", "seconds", "passed", "failed", "skipped"
    );
    for Report { name, took, counts } in reports {
        let Counts {
            passed,
            failed,
            skipped,
        } = counts;
        let seconds = took.as_secs_f64();
        println!("{name:<14} {seconds:>9.1} {passed:>8} {failed:>8} {skipped:>8}");
        total.add(*counts);
    }
    println!("\n{}", in_words(total));
    total
}

fn in_words(counts: Counts) -> String {
    let Counts {
        passed,
        failed,
        skipped,
    } = counts;
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}
