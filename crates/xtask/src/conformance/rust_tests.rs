//! Runs the tests of the protocol crates and reads which of them passed.

use std::{collections::BTreeMap, time::Duration};

use super::table::Outcome;
use crate::{
    job::{Error, Job},
    workspace::cargo,
};

const LIMIT: Duration = Duration::from_secs(20 * 60);

/// The outcome of every test of the package, by `crate::module::function`.
pub(crate) fn run(job: &mut Job<'_>, package: &str) -> Result<BTreeMap<String, Outcome>, Error> {
    let mut command = cargo();
    command.args([
        "test",
        "-p",
        package,
        "--all-features",
        "--tests",
        "--no-fail-fast",
    ]);
    let output = job.attempt(command, LIMIT)?;
    Ok(outcomes(package, &output.text))
}

fn outcomes(package: &str, text: &str) -> BTreeMap<String, Outcome> {
    let package = package.replace('-', "_");
    let mut program = package.clone();
    let mut found = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if let Some(running) = line.strip_prefix("Running ") {
            program = match integration_test(running) {
                Some(name) => format!("{package}::{name}"),
                None => package.clone(),
            };
        } else if let Some((name, outcome)) = test_line(line) {
            found.insert(format!("{program}::{name}"), outcome);
        }
    }
    found
}

/// `it` of `tests/it/main.rs (…)`, `churn` of `tests/churn.rs (…)`.
fn integration_test(running: &str) -> Option<&str> {
    let file = running.strip_prefix("tests/")?;
    file.split(['/', '.']).next()
}

/// Of `test session::tests::close::late ... ok`.
fn test_line(line: &str) -> Option<(&str, Outcome)> {
    let (name, end) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let outcome = match end.split(',').next()? {
        "ok" => Outcome::Passed,
        "ignored" => Outcome::NotRun,
        _ => Outcome::Failed,
    };
    Some((name.trim_end_matches(" - should panic"), outcome))
}

#[cfg(test)]
mod tests {
    use super::{Outcome, outcomes};

    #[test]
    fn outcomes_are_read_by_program() {
        let text = "\
     Running unittests src/lib.rs (target/debug/deps/engineio_proto-71942b1d68a332f1)
test session::tests::close::late ... ok
test session::tests::close::early ... FAILED
     Running tests/it/main.rs (target/debug/deps/it-f12fe970d12bbd1c)
test peer::slow ... ignored, takes an hour
";
        let found = outcomes("engineio-proto", text);
        assert_eq!(
            found["engineio_proto::session::tests::close::late"],
            Outcome::Passed
        );
        assert_eq!(
            found["engineio_proto::session::tests::close::early"],
            Outcome::Failed
        );
        assert_eq!(found["engineio_proto::it::peer::slow"], Outcome::NotRun);
        assert_eq!(found.len(), 3);
    }
}
