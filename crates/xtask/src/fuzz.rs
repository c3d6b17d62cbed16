//! Fuzzing with cargo-fuzz on the stable compiler, with a summary per target.
//!
//! The corpus in the repository is only read; what a run finds stays in `target/xtask`.

use std::{
    fs,
    process::{Command, ExitCode},
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;

use crate::{
    install,
    job::{Error, Job, Pace},
    run::{Step, run_all},
    workspace::{Workspace, cargo},
};

/// What `cargo xtask test` gives each target, so that it stays within its time. What a changed target
/// gets beside it, and all before a release, is in docs/CONTRIBUTING.md.
const SMOKE_SECONDS: u64 = 20;
const BUILD_LIMIT: Duration = Duration::from_secs(15 * 60);

/// What the command line of `cargo xtask fuzz` asks for.
struct Choice {
    seconds: u64,
    /// None for all.
    targets: Vec<String>,
}

/// A binary of the `fuzz` package.
#[derive(Debug, PartialEq)]
struct Target {
    name: String,
    /// What it cannot be built without. The others do not build it, nor what it brings in.
    features: Vec<String>,
}

/// The step is a plain function, so the choice travels beside it.
static CHOICE: OnceLock<Choice> = OnceLock::new();

/// `cargo xtask fuzz --seconds N [TARGET...]`.
pub(crate) fn command(seconds: &str, targets: &[&str]) -> Result<ExitCode, Error> {
    let seconds = seconds
        .parse()
        .map_err(|_| format!("{seconds} is no number of seconds"))?;
    let targets = targets.iter().map(|&target| target.into()).collect();
    CHOICE.get_or_init(|| Choice { seconds, targets });
    let step = Step {
        name: "fuzz",
        about: "fuzz targets",
        run: check,
    };
    Ok(run_all(&Workspace::locate()?, &[&step], Pace::Full))
}

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    let choice = CHOICE.get();
    let seconds = choice.map_or(SMOKE_SECONDS, |choice| choice.seconds);
    let wanted = choice.map_or(&[][..], |choice| &choice.targets);
    let targets = chosen(all_targets(job.workspace)?, wanted)?;
    let tools = install::cargo_tool(job, "cargo-fuzz", "0.13.2")?;
    for target in &targets {
        let mut command = cargo();
        // cargo-fuzz passes -Z flags, which the stable compiler takes with this variable only.
        command
            .env("PATH", &tools)
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["fuzz", "run"]);
        run_target(job, command, target, seconds)?;
    }
    Ok(())
}

fn all_targets(workspace: &Workspace) -> Result<Vec<Target>, Error> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(workspace.path("fuzz"))
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let targets = metadata["packages"][0]["targets"].as_array();
    targets
        .ok_or("no targets")?
        .iter()
        .map(target)
        .collect::<Option<_>>()
        .ok_or_else(|| "a target without a name".into())
}

/// A target as cargo's metadata has it.
fn target(target: &Value) -> Option<Target> {
    let features = target["required-features"].as_array();
    let features = features.into_iter().flatten();
    Some(Target {
        name: target["name"].as_str()?.into(),
        features: features.filter_map(Value::as_str).map(Into::into).collect(),
    })
}

/// Those of these names, or all if there are none.
fn chosen(all: Vec<Target>, names: &[String]) -> Result<Vec<Target>, Error> {
    let is_known = |name: &&String| all.iter().any(|target| target.name == **name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        return Err(format!("no such fuzz target: {unknown}").into());
    }
    let is_chosen = |target: &Target| names.is_empty() || names.contains(&target.name);
    Ok(all.into_iter().filter(is_chosen).collect())
}

fn run_target(
    job: &mut Job<'_>,
    mut command: Command,
    target: &Target,
    seconds: u64,
) -> Result<(), Error> {
    let Target {
        name: target,
        features,
    } = target;
    let found = job.workspace.artifact("corpus").join(target);
    let findings = job.workspace.empty_folder(&format!("findings/{target}"))?;
    fs::create_dir_all(&found)?;
    for feature in features {
        command.args(["--features", feature]);
    }
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
    use super::{Target, chosen, executions, target};

    #[test]
    fn targets_bring_their_features_and_are_chosen_by_name() {
        let target = |text: &str| target(&serde_json::from_str(text).unwrap()).unwrap();
        let all = || {
            vec![
                target(r#"{"name":"packet"}"#),
                target(r#"{"name":"topic","required-features":["topicd"]}"#),
            ]
        };
        let topic = Target {
            name: "topic".into(),
            features: vec!["topicd".into()],
        };
        assert_eq!(chosen(all(), &[]).unwrap(), all());
        assert_eq!(chosen(all(), &["topic".into()]).unwrap(), [topic]);
        let names = ["topic".into(), "topics".into()];
        let unknown = chosen(all(), &names).unwrap_err();
        assert_eq!(unknown.to_string(), "no such fuzz target: topics");
    }

    #[test]
    fn executions_are_read_from_the_statistics() {
        let text = "Done 7 runs\nstat::number_of_executed_units: 1234\nstat::new_units_added: 1\n";
        assert_eq!(executions(text), Some(1234));
        assert_eq!(executions("error: could not compile"), None);
    }
}
