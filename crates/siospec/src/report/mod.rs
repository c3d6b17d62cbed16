//! What a run found, in three forms.

mod json;
mod junit;
mod text;

pub(crate) use json::json;
pub(crate) use junit::junit;
pub(crate) use text::text;

use crate::case::{Level, Record, Verdict};

/// How strictly the cases of level "should" count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Failed "should" cases are reported as deviations.
    Usual,
    /// They fail the run.
    Strict,
}

/// All records of one run.
#[derive(Debug)]
pub(crate) struct Report {
    /// Address of the server under test.
    pub(crate) server: String,
    pub(crate) strictness: Strictness,
    pub(crate) records: Vec<Record>,
}

/// How a record counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// A "should" that does not hold.
    Deviates,
    Skipped,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Deviates => "deviates",
            Self::Skipped => "skipped",
        }
    }
}

impl Report {
    pub(crate) fn outcome(&self, record: &Record) -> Outcome {
        match (&record.verdict, record.case.level, self.strictness) {
            (Verdict::Passed, ..) => Outcome::Passed,
            (Verdict::Skipped(_), ..) => Outcome::Skipped,
            (Verdict::Failed(_), Level::Should, Strictness::Usual) => Outcome::Deviates,
            (Verdict::Failed(_), ..) => Outcome::Failed,
        }
    }

    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.records
            .iter()
            .filter(|record| self.outcome(record) == outcome)
            .count()
    }
}

#[cfg(test)]
mod tests;
