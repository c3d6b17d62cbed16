//! The report for people: a tree of groups, each failure with what went over the wire.

use std::fmt::Write;

use super::{Outcome, Report};
use crate::case::{Record, Verdict};

/// The whole report, ending with a summary line.
pub(crate) fn text(report: &Report) -> String {
    let mut out = String::new();
    let mut group = "";
    for record in &report.records {
        if record.group.id != group {
            group = record.group.id;
            let _ = writeln!(out, "\n{group}: {}", record.group.title);
        }
        write_record(&mut out, report, record);
    }
    write_summary(&mut out, report);
    out
}

fn write_record(out: &mut String, report: &Report, record: &Record) {
    let outcome = report.outcome(record);
    let sign = match outcome {
        Outcome::Passed => '✔',
        Outcome::Failed | Outcome::Outdated => '✘',
        Outcome::Deviates => '!',
        Outcome::Known => '~',
        Outcome::Skipped => '-',
    };
    let _ = writeln!(out, "  {sign} {}: {}", record.case.id, record.case.title);
    let reason = report.known.reason(record.case.id).unwrap_or_default();
    let _ = match (outcome, &record.verdict) {
        (Outcome::Known, _) => writeln!(out, "      known: {reason}"),
        (Outcome::Outdated, _) => writeln!(out, "      passes, but is known to fail: {reason}"),
        (_, Verdict::Passed) => Ok(()),
        (_, Verdict::Skipped(skip)) => writeln!(out, "      {skip}"),
        (_, Verdict::Failed(_)) => write_failure(out, record),
    };
}

fn write_failure(out: &mut String, record: &Record) -> std::fmt::Result {
    writeln!(out, "      {} ({})", record.case.clause, record.case.level)?;
    if let Verdict::Failed(failure) = &record.verdict {
        writeln!(out, "      expected: {}", failure.expected)?;
        writeln!(out, "      received: {}", failure.received)?;
    }
    let mut lines = record.transcript.iter();
    lines.try_for_each(|line| writeln!(out, "      {line}"))
}

fn write_summary(out: &mut String, report: &Report) {
    let counts = Outcome::ALL.map(|outcome| (report.count(outcome), outcome.name()));
    let shown = counts
        .iter()
        .filter(|(count, name)| *count > 0 || *name == "failed");
    let shown: Vec<String> = shown
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    let _ = writeln!(
        out,
        "\n{} cases: {}",
        report.records.len(),
        shown.join(", ")
    );
}
