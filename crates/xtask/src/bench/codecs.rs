//! Our parsers against others', and the instructions and allocations of our hot paths.
//!
//! Times are criterion's medians; the reference's parsers run in Node. Instructions are callgrind's,
//! the same on every machine with one compiler: they are kept in a file, so that a change shows in
//! review.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::Value;

use super::{BUILD_LIMIT, rounds, targets::Judged};
use crate::{
    install,
    job::{Error, Job, Pace},
    workspace::cargo,
};

/// Where the counts are kept.
const COUNTS: &str = "tests/load/instructions.tsv";

/// Nanoseconds of one operation.
pub(super) struct Figure {
    pub(super) work: String,
    pub(super) who: String,
    pub(super) ns: f64,
}

/// The step of `cargo xtask bench --codecs`.
pub(super) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    let figures = measure(job)?;
    for target in judge(&figures) {
        println!("  {:<8} {}", target.verdict.word(), target.line());
    }
    Ok(())
}

pub(super) fn measure(job: &mut Job<'_>) -> Result<Vec<Figure>, Error> {
    let mut figures = criterion(job)?;
    figures.extend(reference(job)?);
    figures.sort_by(|left, right| left.work.cmp(&right.work));
    for Figure { work, who, ns } in &figures {
        println!("  {work:<36} {who:<14} {ns:>8.1} ns");
    }
    if job.pace == Pace::Full {
        count(job)?;
    }
    Ok(figures)
}

fn criterion(job: &mut Job<'_>) -> Result<Vec<Figure>, Error> {
    let results = job.workspace.target().join("peers/criterion");
    if results.exists() {
        fs::remove_dir_all(&results)?;
    }
    let mut bench = codecs(job, &["bench", "--bench", "codecs"]);
    bench.env("CRITERION_HOME", &results);
    bench.args([
        "--",
        "--noplot",
        "--warm-up-time",
        "0.5",
        "--measurement-time",
    ]);
    bench.arg(rounds::seconds(job.pace));
    job.run(bench, BUILD_LIMIT)?;
    let mut figures = Vec::new();
    for work in fs::read_dir(results)? {
        for who in fs::read_dir(work?.path())? {
            figures.extend(figure(&who?.path())?);
        }
    }
    match figures.is_empty() {
        true => job.fail("criterion", "it has measured nothing"),
        false => job.pass("criterion"),
    }
    Ok(figures)
}

/// What criterion leaves in a folder per function; other folders hold none.
fn figure(folder: &Path) -> Result<Option<Figure>, Error> {
    let (benchmark, estimates) = (
        folder.join("new/benchmark.json"),
        folder.join("new/estimates.json"),
    );
    if !benchmark.is_file() {
        return Ok(None);
    }
    let benchmark: Value = serde_json::from_slice(&fs::read(benchmark)?)?;
    let estimates: Value = serde_json::from_slice(&fs::read(estimates)?)?;
    let text = |field: &str| benchmark[field].as_str().unwrap_or_default().to_owned();
    let ns = estimates["median"]["point_estimate"].as_f64();
    Ok(ns.map(|ns| Figure {
        work: text("group_id"),
        who: text("function_id"),
        ns,
    }))
}

/// The parsers of the reference, a line of JSON per operation.
fn reference(job: &mut Job<'_>) -> Result<Vec<Figure>, Error> {
    let folder = job.workspace.path("tests/load/peers/node");
    if let Err(error) = install::npm(job, &folder) {
        job.missing("reference parsers", &error.to_string());
        return Ok(Vec::new());
    }
    let mut command = Command::new("node");
    command.arg(folder.join("codecs.mjs"));
    let text = job.run(command, BUILD_LIMIT)?;
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let figures = lines.filter_map(|line: Value| {
        Some(Figure {
            work: line["work"].as_str()?.into(),
            who: "reference".into(),
            ns: line["ns"].as_f64()?,
        })
    });
    job.pass("reference parsers");
    Ok(figures.collect())
}

/// Writes the file of instructions and allocations.
fn count(job: &mut Job<'_>) -> Result<(), Error> {
    let valgrind = match install::program(job, "valgrind") {
        Ok(path) => path,
        Err(error) => {
            job.missing("valgrind", &error.to_string());
            return Ok(());
        }
    };
    let build = codecs(job, &["build", "--release", "--bins"]);
    job.run(build, BUILD_LIMIT)?;
    let release = job.workspace.target().join("peers/release");
    let allocations = job.run(Command::new(release.join("allocations")), BUILD_LIMIT)?;
    let mut lines = String::from("path\tinstructions\tallocations\n");
    for (path, allocations) in allocations.lines().filter_map(|line| line.split_once('\t')) {
        let mut run = |times: u64| -> Result<u64, Error> {
            let mut command = Command::new(&valgrind);
            command
                .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
                .arg(release.join("instructions"))
                .args([path, &times.to_string()]);
            collected(&job.run(command, BUILD_LIMIT)?)
        };
        // What start and end cost is in both.
        let instructions = (run(2000)? - run(1000)?) / 1000;
        lines += &format!("{path}\t{instructions}\t{allocations}\n");
    }
    fs::write(job.workspace.path(COUNTS), lines)?;
    job.pass(COUNTS);
    Ok(())
}

/// Callgrind's `==123== Collected : 456`.
fn collected(text: &str) -> Result<u64, Error> {
    let line = text.lines().find(|line| line.contains("Collected :"));
    let number = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    number.ok_or_else(|| "callgrind has counted nothing".into())
}

/// A cargo command in the excluded crate.
fn codecs(job: &Job<'_>, arguments: &[&str]) -> Command {
    let mut command = cargo();
    command
        .args(arguments)
        .args(["--locked", "--target-dir"])
        .arg(job.workspace.target().join("peers"))
        .current_dir(job.workspace.path("tests/load/peers/codecs"));
    command
}

/// By work, what each codec took.
pub(super) fn table(figures: &[Figure]) -> BTreeMap<&str, BTreeMap<&str, f64>> {
    let mut table: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for Figure { work, who, ns } in figures {
        table.entry(work).or_default().insert(who, *ns);
    }
    table
}

pub(super) fn judge(figures: &[Figure]) -> Vec<Judged> {
    let table = table(figures);
    let ns = |work: &str, who: &str| table.get(work)?.get(who).copied();
    let ratio = |work: &str| {
        let ratio = ns(work, "ours")? / ns(work, "socketioxide")?;
        Some((ratio, format!("{ratio:.2}")))
    };
    let head = ns("read event, 64 B", "ours");
    // A byte per nanosecond is a gigabyte per second.
    let received = ns("receive event, 1 KiB", "ours").map(|ns| RECEIVED_BYTES / ns);
    vec![
        Judged::at_most(
            "head and event name of a packet",
            "≤ 100 ns",
            head.map(|ns| (ns, format!("{ns:.0} ns"))),
            100.0,
        ),
        Judged::at_most(
            "read an event to its value",
            "≤ 0.5 × socketioxide's parser",
            ratio("read value, 64 B"),
            0.5,
        ),
        Judged::at_most(
            "write an event",
            "≤ 0.5 × socketioxide's parser",
            ratio("write event, 64 B"),
            0.5,
        ),
        Judged::at_least(
            "receive an event of 1 KiB",
            "≥ 0.4 GB/s",
            received.map(|rate| (rate, format!("{rate:.2} GB/s"))),
            0.4,
        ),
    ]
}

/// `42["echo","…"]` around 1,024 bytes.
const RECEIVED_BYTES: f64 = 1038.0;

#[cfg(test)]
mod tests {
    use super::collected;

    #[test]
    fn the_count_is_the_last_word_of_its_line() {
        let text = "==7== Events    : Ir\n==7== Collected : 1234567\n==7== \n";
        assert_eq!(collected(text).unwrap(), 1_234_567);
        assert!(collected("==7== Events    : Ir\n").is_err());
    }
}
