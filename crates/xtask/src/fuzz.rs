//! Fuzzing with cargo-fuzz on the stable compiler, with a summary per target.
//!
//! The corpus in the repository is only read; what a run finds stays in `target/xtask`.

use std::{
    fs,
    process::{Command, ExitCode},
    sync::OnceLock,
    time::Duration,
};

use crate::{
    install,
    job::{Error, Job, Pace},
    run::{Step, run_all},
    workspace::{Workspace, cargo},
};

/// What `cargo xtask test` gives each target.
const SMOKE_SECONDS: u64 = 20;
const BUILD_LIMIT: Duration = Duration::from_secs(15 * 60);

/// What the command line of `cargo xtask fuzz` asks for.
struct Choice {
    seconds: u64,
    target: Option<String>,
}

/// The step is a plain function, so the choice travels beside it.
static CHOICE: OnceLock<Choice> = OnceLock::new();

/// `cargo xtask fuzz --seconds N [TARGET]`.
pub(crate) fn command(seconds: &str, targets: &[&str]) -> Result<ExitCode, Error> {
    let seconds = seconds
        .parse()
        .map_err(|_| format!("{seconds} is no number of seconds"))?;
    let target = match targets {
        [] => None,
        [target] => Some((*target).into()),
        _ => return Err("fuzz takes one target, or none for all".into()),
    };
    CHOICE.get_or_init(|| Choice { seconds, target });
    let step = Step {
        name: "fuzz",
        about: "fuzz targets",
        run: check,
    };
    Ok(run_all(&Workspace::locate()?, &[&step], Pace::Full))
}

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    let tools = install::cargo_tool(job, "cargo-fuzz", "0.13.2")?;
    let fuzz = |subcommand: &str| {
        let mut command = cargo();
        // cargo-fuzz passes -Z flags, which the stable compiler takes with this variable only.
        command
            .env("PATH", &tools)
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["fuzz", subcommand]);
        command
    };
    let list = job.run(fuzz("list"), BUILD_LIMIT)?;
    let choice = CHOICE.get();
    let seconds = choice.map_or(SMOKE_SECONDS, |choice| choice.seconds);
    let wanted = choice.and_then(|choice| choice.target.as_deref());
    for target in list
        .lines()
        .filter(|target| wanted.is_none_or(|wanted| wanted == *target))
    {
        run_target(job, fuzz("run"), target, seconds)?;
    }
    Ok(())
}

fn run_target(
    job: &mut Job<'_>,
    mut command: Command,
    target: &str,
    seconds: u64,
) -> Result<(), Error> {
    let found = job.workspace.artifact("corpus").join(target);
    let findings = job.workspace.empty_folder(&format!("findings/{target}"))?;
    fs::create_dir_all(&found)?;
    command.arg(target).arg(&found);
    let corpus = job.workspace.path("fuzz/corpus").join(target);
    if corpus.is_dir() {
        command.arg(corpus);
    }
    command
        .arg("--target-dir")
        .arg(job.workspace.target().join("fuzz"));
    command.args([
        "--",
        "-timeout=1",
        "-rss_limit_mb=512",
        "-print_final_stats=1",
    ]);
    command.arg(format!("-max_total_time={seconds}"));
    // libFuzzer puts the name of a finding right behind this text.
    command.arg(format!("-artifact_prefix={}/", findings.display()));
    let output = job.attempt(command, BUILD_LIMIT + Duration::from_secs(seconds))?;
    let executions = executions(&output.text);
    let found = fs::read_dir(&findings)?.count();
    println!(
        "  {target}: {} executions, {found} findings",
        executions.unwrap_or(0)
    );
    match executions {
        Some(1..) if output.success && found == 0 => job.pass(target),
        _ => job.fail(target, &format!("see {} and the log", findings.display())),
    }
    Ok(())
}

/// libFuzzer's `stat::number_of_executed_units: N`.
fn executions(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find(|line| line.starts_with("stat::number_of_executed_units:"))?;
    line.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::executions;

    #[test]
    fn executions_are_read_from_the_statistics() {
        let text = "Done 7 runs\nstat::number_of_executed_units: 1234\nstat::new_units_added: 1\n";
        assert_eq!(executions(text), Some(1234));
        assert_eq!(executions("error: could not compile"), None);
    }
}
