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
    let sign = match report.outcome(record) {
        Outcome::Passed => '✔',
        Outcome::Failed => '✘',
        Outcome::Deviates => '!',
        Outcome::Skipped => '-',
    };
    let _ = writeln!(out, "  {sign} {}: {}", record.case.id, record.case.title);
    match &record.verdict {
        Verdict::Passed => {}
        Verdict::Skipped(skip) => {
            let _ = writeln!(out, "      {skip}");
        }
        Verdict::Failed(failure) => {
            let _ = writeln!(out, "      {} ({})", record.case.clause, record.case.level);
            let _ = writeln!(out, "      expected: {}", failure.expected);
            let _ = writeln!(out, "      received: {}", failure.received);
            for line in &record.transcript {
                let _ = writeln!(out, "      {line}");
            }
        }
    }
}

fn write_summary(out: &mut String, report: &Report) {
    let count = |outcome| report.count(outcome);
    let _ = writeln!(
        out,
        "\n{} cases: {} passed, {} failed, {} deviate, {} skipped",
        report.records.len(),
        count(Outcome::Passed),
        count(Outcome::Failed),
        count(Outcome::Deviates),
        count(Outcome::Skipped),
    );
}
