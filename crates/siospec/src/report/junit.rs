//! The report for CI servers: JUnit XML, one suite per group.

use std::fmt::Write;

use super::{Outcome, Report};
use crate::case::{Record, Verdict};

/// A complete XML document.
pub(crate) fn junit(report: &Report) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for suite in report.records.chunk_by(|a, b| a.group.id == b.group.id) {
        write_suite(&mut out, report, suite);
    }
    out + "</testsuites>\n"
}

fn write_suite(out: &mut String, report: &Report, suite: &[Record]) {
    let count = |outcome| {
        suite
            .iter()
            .filter(|record| report.outcome(record) == outcome)
            .count()
    };
    let name = suite.first().map_or("", |record| record.group.id);
    let _ = writeln!(
        out,
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
        suite.len(),
        count(Outcome::Failed) + count(Outcome::Outdated),
        count(Outcome::Skipped) + count(Outcome::Known),
    );
    suite
        .iter()
        .for_each(|record| write_case(out, report, record));
    out.push_str("  </testsuite>\n");
}

fn write_case(out: &mut String, report: &Report, record: &Record) {
    let title = escaped(&format!("{} {}", record.case.id, record.case.title));
    let seconds = record.milliseconds as f64 / 1000.0;
    let _ = write!(
        out,
        "    <testcase classname=\"{}\" name=\"{title}\" time=\"{seconds:.3}\"",
        record.group.id
    );
    match (report.outcome(record), &record.verdict) {
        (Outcome::Skipped | Outcome::Known, _) => out.push_str("><skipped/></testcase>\n"),
        (Outcome::Outdated, _) => {
            out.push_str("><failure message=\"passes, but is known to fail\"/></testcase>\n");
        }
        (Outcome::Failed, Verdict::Failed(failure)) => {
            let message = escaped(&format!("expected {}", failure.expected));
            let _ = write!(out, "><failure message=\"{message}\">");
            let _ = writeln!(out, "received {}", escaped(&failure.received));
            for line in &record.transcript {
                let _ = writeln!(out, "{}", escaped(&line.to_string()));
            }
            out.push_str("</failure></testcase>\n");
        }
        _ => out.push_str("/>\n"),
    }
}

/// Text for element content and attribute values; control characters are not legal XML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}
