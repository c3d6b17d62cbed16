//! `docs/conformance.md`: every row, the tests that cover it, and how they ended.
//!
//! A row that a test covers fails unless all its tests ran and passed; a row without a test has to
//! say why.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use super::{
    rows::{self, Demand, Row, Section},
    rust_tests,
};
use crate::{
    job::{Error, Job},
    sources::{self, Labels},
};

/// Where the table is, in the checkout.
pub(crate) const PATH: &str = "docs/conformance.md";

/// The crates whose tests cover rows.
const PACKAGES: [&str; 4] = ["engineio-proto", "engineio", "socketio-proto", "socketio"];

const HEAD: &str = "\
# Conformance

What an Engine.IO and Socket.IO server has to make of its input, row by row, and the tests that show that
ours does. Made by `cargo xtask conformance --table` from `tests/conformance/rows.tsv`, the cases of
[siospec](siospec.md), the row ids at our Rust tests, and a run of all of them; `cargo xtask test` fails if
it is out of date. Clauses are those of [Engine.IO](protocol/engine-io.md) and
[Socket.IO](protocol/socket-io.md). *must*: specifications or clients demand it; *should*: the reference does
it; *tolerant*: several outcomes pass, a crash or a hang never does.
";

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    NotRun,
}

/// What siospec told about its cases, by id.
pub(crate) type Cases = BTreeMap<String, Case>;

/// A case of siospec and its run in the first setting that allows it.
pub(crate) struct Case {
    pub(crate) demand: Demand,
    /// The setting and the outcome; none if no fixture offers what the case is about.
    pub(crate) run: Option<(String, Outcome)>,
}

/// A test of a row.
struct Evidence {
    test: String,
    outcome: Outcome,
}

/// A row and all that is known of it.
struct Entry<'a> {
    row: &'a Row,
    demand: Demand,
    evidence: Vec<Evidence>,
}

/// Runs the Rust tests, judges every row, and gives the text of the table.
pub(crate) fn build(job: &mut Job<'_>, cases: &Cases) -> Result<String, Error> {
    let sections = rows::parse(&fs::read_to_string(job.workspace.path(rows::PATH))?)?;
    let known: Vec<&str> = sections
        .iter()
        .flat_map(|section| section.rows.iter().map(|row| row.id.as_str()))
        .collect();
    for id in cases.keys().filter(|id| !known.contains(&id.as_str())) {
        job.fail(
            id,
            &format!("this siospec case has no row in {}", rows::PATH),
        );
    }
    let tests = rust_evidence(job, &known)?;
    let mut text = String::from(HEAD);
    let mut counts = BTreeMap::new();
    let mut body = String::new();
    for section in &sections {
        let entries = entries(section, cases, &tests)?;
        for entry in &entries {
            judge(job, entry);
            *counts.entry(result(&entry.evidence)).or_insert(0) += 1;
        }
        write_section(&mut body, &section.title, &entries)?;
    }
    write_summary(&mut text, &counts)?;
    text.push_str(&body);
    Ok(text)
}

/// The Rust tests of every row.
fn rust_evidence(
    job: &mut Job<'_>,
    known: &[&str],
) -> Result<BTreeMap<String, Vec<(String, Outcome)>>, Error> {
    let lead = "";
    let is_id = rows::is_id;
    let labels = Labels { lead, is_id, known };
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for package in PACKAGES {
        let outcomes = rust_tests::run(job, package)?;
        for test in sources::tests_of(job.workspace, package, &labels)? {
            let outcome = outcomes.get(&test.name).copied();
            let outcome = outcome.unwrap_or(Outcome::NotRun);
            for row in test.rows {
                let tests = found.entry(row).or_default();
                if !tests.contains(&(test.name.clone(), outcome)) {
                    tests.push((test.name.clone(), outcome));
                }
            }
        }
    }
    Ok(found)
}

fn entries<'a>(
    section: &'a Section,
    cases: &Cases,
    tests: &BTreeMap<String, Vec<(String, Outcome)>>,
) -> Result<Vec<Entry<'a>>, Error> {
    let entry = |row: &'a Row| {
        let case = cases.get(&row.id);
        let demand = match (case, &row.demand) {
            (Some(case), None) => case.demand.clone(),
            (None, Some(demand)) => demand.clone(),
            (Some(_), Some(_)) => return Err(format!("{} is a siospec case and says so", row.id)),
            (None, None) => return Err(format!("nothing says what {} demands", row.id)),
        };
        let case = case.and_then(|case| case.run.as_ref());
        let case = case.map(|(setting, outcome)| Evidence {
            test: format!("siospec {} ({setting})", row.id),
            outcome: *outcome,
        });
        let tests = tests.get(&row.id).into_iter().flatten();
        let tests = tests.map(|(name, outcome)| Evidence {
            test: format!("`{name}`"),
            outcome: *outcome,
        });
        let evidence = case.into_iter().chain(tests).collect();
        Ok(Entry {
            row,
            demand,
            evidence,
        })
    };
    let entries: Result<Vec<_>, String> = section.rows.iter().map(entry).collect();
    Ok(entries?)
}

fn judge(job: &mut Job<'_>, entry: &Entry<'_>) {
    let name = format!("row {}", entry.row.id);
    match (&entry.row.reason, entry.evidence.is_empty()) {
        (None, true) => job.fail(&name, "it has no test and gives no reason"),
        (Some(_), false) => job.fail(&name, "it has a test and a reason why it has none"),
        (Some(_), true) => job.pass(&name),
        (None, false) => {
            let bad = |evidence: &&Evidence| evidence.outcome != Outcome::Passed;
            match entry.evidence.iter().find(bad) {
                None => job.pass(&name),
                Some(evidence) => {
                    let outcome = evidence.outcome;
                    job.fail(&name, &format!("{}: {}", evidence.test, in_words(outcome)));
                }
            }
        }
    }
}

fn write_summary(text: &mut String, counts: &BTreeMap<&str, usize>) -> Result<(), Error> {
    let total: usize = counts.values().sum();
    let parts: Vec<_> = counts
        .iter()
        .map(|(result, count)| format!("{count} {result}"))
        .collect();
    writeln!(text, "\n{total} rows: {}.", parts.join(", "))?;
    Ok(())
}

fn write_section(text: &mut String, title: &str, entries: &[Entry<'_>]) -> Result<(), Error> {
    writeln!(text, "\n## {title}\n")?;
    writeln!(
        text,
        "| Row | Clause | Level | Input | Required outcome | Tests | Result |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|")?;
    for entry in entries {
        let Row {
            id, input, reason, ..
        } = entry.row;
        let Demand {
            clause,
            level,
            outcome,
        } = &entry.demand;
        let tests: Vec<_> = entry.evidence.iter().map(|one| one.test.as_str()).collect();
        let tests = match reason {
            Some(reason) => format!("none: {reason}"),
            None => tests.join("<br>"),
        };
        let result = result(&entry.evidence);
        let cells = [id, clause, level, input, outcome, &tests, result];
        let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        writeln!(text, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}

/// The worst outcome of a row's tests.
fn result(evidence: &[Evidence]) -> &'static str {
    let any = |outcome| evidence.iter().any(|one| one.outcome == outcome);
    match evidence {
        [] => "without a test",
        _ if any(Outcome::Failed) => in_words(Outcome::Failed),
        _ if any(Outcome::NotRun) => in_words(Outcome::NotRun),
        _ => in_words(Outcome::Passed),
    }
}

fn in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::NotRun => "not run",
    }
}

/// What differs first between the file and the table made now.
pub(crate) fn first_difference(old: &str, new: &str) -> Option<String> {
    if old == new {
        return None;
    }
    let mut lines = old.lines().zip(new.lines());
    let line = lines.find(|(old, new)| old != new);
    Some(match line {
        Some((old, new)) => format!("it has\n    {old}\nin place of\n    {new}"),
        None => format!(
            "it has {} lines, not {}",
            old.lines().count(),
            new.lines().count()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::{Evidence, Outcome, first_difference, result};

    #[test]
    fn the_worst_outcome_counts() {
        let evidence = |outcomes: &[Outcome]| -> Vec<Evidence> {
            let one = |&outcome| Evidence {
                test: String::new(),
                outcome,
            };
            outcomes.iter().map(one).collect()
        };
        use Outcome::{Failed, NotRun, Passed};
        assert_eq!(result(&evidence(&[])), "without a test");
        assert_eq!(result(&evidence(&[Passed, Passed])), "passed");
        assert_eq!(result(&evidence(&[Passed, NotRun])), "not run");
        assert_eq!(result(&evidence(&[NotRun, Failed, Passed])), "failed");
    }

    #[test]
    fn a_stale_table_is_noticed() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert!(first_difference("a\nb\n", "a\nc\n").unwrap().contains("c"));
        assert!(
            first_difference("a\n", "a\nc\n")
                .unwrap()
                .contains("1 lines")
        );
    }
}
