//! The report for programs: one object, stable key names.

use serde_json::{Value, json};

use super::{Outcome, Report};
use crate::case::{Record, Verdict};

/// `{server, summary, cases}`; a failed case carries `expected`, `received` and `transcript`.
pub(crate) fn json(report: &Report) -> Value {
    let summary =
        Outcome::ALL.map(|outcome| (outcome.name().to_owned(), report.count(outcome).into()));
    json!({
        "server": report.server,
        "summary": Value::Object(summary.into_iter().collect()),
        "cases": report.records.iter().map(|record| case(report, record)).collect::<Vec<_>>(),
    })
}

fn case(report: &Report, record: &Record) -> Value {
    let mut value = json!({
        "id": record.case.id,
        "group": record.group.id,
        "clause": record.case.clause,
        "level": record.case.level.to_string(),
        "title": record.case.title,
        "outcome": report.outcome(record).name(),
        "milliseconds": record.milliseconds as u64,
    });
    if let Some(reason) = report.known.reason(record.case.id) {
        value["known"] = reason.into();
    }
    match &record.verdict {
        Verdict::Passed => {}
        Verdict::Skipped(skip) => value["reason"] = skip.to_string().into(),
        Verdict::Failed(failure) => {
            value["expected"] = failure.expected.clone().into();
            value["received"] = failure.received.clone().into();
            let lines = record.transcript.iter().map(|line| line.to_string());
            value["transcript"] = lines.collect::<Vec<_>>().into();
        }
    }
    value
}
