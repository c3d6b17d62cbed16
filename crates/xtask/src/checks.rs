//! The steps that cargo does: format, lints, documentation, tests, builds, dependencies, packages.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use crate::{
    install,
    job::{Counts, Error, Job, Pace},
    workspace::cargo,
};

const COMPILE_LIMIT: Duration = Duration::from_secs(20 * 60);
/// One set of features for the tests and for what they start.
const EVERYTHING: [&str; 2] = ["--workspace", "--all-features"];
/// Tests of topicd that kill it, fill its memory or disk, wait for silence, or race many clients.
const SLOW: [&str; 7] = [
    "crash::",
    "memory::",
    "fanout::",
    "full::",
    "slow::",
    "no_client_can_add_a_series",
    "race",
];

pub(crate) fn fmt(job: &mut Job<'_>) -> Result<(), Error> {
    one(job, "fmt", &["fmt", "--all", "--check"])
}

pub(crate) fn clippy(job: &mut Job<'_>) -> Result<(), Error> {
    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    one(job, "clippy", &arguments)
}

pub(crate) fn doc(job: &mut Job<'_>) -> Result<(), Error> {
    let mut command = cargo();
    command
        .args(["doc", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings");
    job.run(command, COMPILE_LIMIT)?;
    job.pass("doc");
    Ok(())
}

/// Counts every test, unit, integration and documentation alike; ignored ones count as skipped. In a
/// hurry those are left out that take long by their nature.
pub(crate) fn tests(job: &mut Job<'_>) -> Result<(), Error> {
    let mut command = cargo();
    command.args(["test", "--no-fail-fast"]).args(EVERYTHING);
    if job.pace == Pace::Quick {
        command.args(["--lib", "--bins", "--test", "it", "--"]);
        for slow in SLOW {
            command.args(["--skip", slow]);
        }
    }
    let output = job.attempt(command, COMPILE_LIMIT)?;
    let counts = count_tests(&output.text);
    job.count(counts);
    // A test program that crashes or does not compile leaves no line to count.
    if output.success || counts.failed > 0 {
        Ok(())
    } else {
        Err(output.failure().into())
    }
}

/// The tests of the driver with all features, among them the churn test at its full length: 100
/// clients that come 300 times each.
pub(crate) fn churn(job: &mut Job<'_>) -> Result<(), Error> {
    let mut command = cargo();
    command
        .args(["test", "-p", "engineio", "--all-features"])
        .args(["--lib", "--test", "it", "--test", "churn"])
        .env("ENGINEIO_CYCLES", "300");
    let output = job.run(command, COMPILE_LIMIT)?;
    count(job, &output)
}

/// Counts the tests of an output in which there have to be some.
pub(crate) fn count(job: &mut Job<'_>, output: &str) -> Result<(), Error> {
    let counts = count_tests(output);
    job.count(counts);
    match counts.passed {
        0 => Err("no test has run".into()),
        _ => Ok(()),
    }
}

/// What the later steps start: topicd, siospec and the examples that serve as fixtures. Built with
/// the features that the tests have, so that nothing is compiled twice.
pub(crate) fn build(job: &mut Job<'_>) -> Result<(), Error> {
    let mut command = cargo();
    command
        .arg("build")
        .args(EVERYTHING)
        .args(["--bins", "--examples"]);
    job.run(command, COMPILE_LIMIT)?;
    job.pass("build");
    Ok(())
}

pub(crate) fn deny(job: &mut Job<'_>) -> Result<(), Error> {
    let path = install::cargo_tool(job, "cargo-deny", "0.20.2")?;
    let mut command = cargo();
    command
        .args(["deny", "check", "bans", "licenses", "sources"])
        .env("PATH", path);
    job.run(command, COMPILE_LIMIT)?;
    job.pass("deny");
    Ok(())
}

pub(crate) fn package(job: &mut Job<'_>) -> Result<(), Error> {
    // Cargo keeps the sources of a packaged version by the path of its folder, and would verify the
    // next run against them: so each run has a folder of its own.
    let moment = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let folder = job
        .workspace
        .empty_folder(&format!("package-{}", moment.as_secs()))?;
    let mut command = cargo();
    // The working tree may be dirty while somebody works on it; what is packaged is built as well.
    command
        .args(["package", "--workspace", "--allow-dirty", "--target-dir"])
        .arg(&folder);
    let packaged = job.run(command, COMPILE_LIMIT);
    fs::remove_dir_all(folder)?;
    packaged?;
    job.pass("package");
    Ok(())
}

fn one(job: &mut Job<'_>, name: &str, arguments: &[&str]) -> Result<(), Error> {
    let mut command = cargo();
    command.args(arguments);
    job.run(command, COMPILE_LIMIT)?;
    job.pass(name);
    Ok(())
}

/// Adds up the lines `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
fn count_tests(text: &str) -> Counts {
    let mut counts = Counts::default();
    for line in text
        .lines()
        .filter(|line| line.starts_with("test result: "))
    {
        let words: Vec<&str> = line
            .split([' ', ';'])
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else {
                continue;
            };
            match pair[1] {
                "passed" => counts.passed += number,
                "failed" => counts.failed += number,
                "ignored" => counts.skipped += number,
                _ => {}
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::{Counts, count_tests};

    #[test]
    fn test_results_are_added_up() {
        let text = "\
test a ... ok
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0.00s
test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s
";
        assert_eq!(
            count_tests(text),
            Counts {
                passed: 13,
                failed: 2,
                skipped: 1
            }
        );
    }
}
