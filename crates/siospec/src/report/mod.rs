//! What a run found, in three forms.

mod json;
mod junit;
mod known;
mod text;

pub(crate) use json::json;
pub(crate) use junit::junit;
pub(crate) use known::Known;
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
    pub(crate) known: Known,
    pub(crate) records: Vec<Record>,
}

/// How a record counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// A "should" that does not hold.
    Deviates,
    /// Fails, as the list of known failures says.
    Known,
    /// Passes, although the list of known failures says that it fails.
    Outdated,
    Skipped,
}

impl Outcome {
    /// In the order of the summary.
    pub(crate) const ALL: [Self; 6] = [
        Self::Passed,
        Self::Failed,
        Self::Deviates,
        Self::Known,
        Self::Outdated,
        Self::Skipped,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Deviates => "deviates",
            Self::Known => "known",
            Self::Outdated => "outdated",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the run has failed.
    fn counts(self) -> bool {
        matches!(self, Self::Failed | Self::Outdated)
    }
}

impl Report {
    pub(crate) fn outcome(&self, record: &Record) -> Outcome {
        let known = self.known.reason(record.case.id).is_some();
        match (&record.verdict, record.case.level, self.strictness) {
            (Verdict::Skipped(_), ..) => Outcome::Skipped,
            (Verdict::Passed, ..) if known => Outcome::Outdated,
            (Verdict::Passed, ..) => Outcome::Passed,
            (Verdict::Failed(_), ..) if known => Outcome::Known,
            (Verdict::Failed(_), Level::Should, Strictness::Usual) => Outcome::Deviates,
            (Verdict::Failed(_), ..) => Outcome::Failed,
        }
    }

    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        let outcomes = self.records.iter().map(|record| self.outcome(record));
        outcomes.filter(|other| *other == outcome).count()
    }

    /// Whether nothing required has failed.
    pub(crate) fn is_good(&self) -> bool {
        !self
            .records
            .iter()
            .any(|record| self.outcome(record).counts())
    }
}

#[cfg(test)]
mod tests;
