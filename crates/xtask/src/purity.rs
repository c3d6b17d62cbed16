//! The protocol cores stay free of I/O, time and randomness: what they may not depend on or call.

use std::time::Duration;

use crate::{
    job::{Error, Job},
    workspace::cargo,
};

const CORES: [&str; 2] = ["engineio-proto", "socketio-proto"];

/// Crates that do I/O, keep time, draw random numbers or write logs. A name stands for its family:
/// `tokio` also for `tokio-util`.
const FORBIDDEN: [&str; 16] = [
    "async-std",
    "chrono",
    "fastrand",
    "futures",
    "getrandom",
    "http",
    "hyper",
    "log",
    "mio",
    "rand",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tracing",
    "tungstenite",
];

/// Every core's normal dependencies, however deep, and its list of forbidden calls.
pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    for core in CORES {
        let mut command = cargo();
        let tree = [
            "tree",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--all-features",
        ];
        command.args(tree).args(["--package", core]);
        let tree = job.run(command, Duration::from_secs(120))?;
        match impure(&tree).as_slice() {
            [] => job.pass(&format!("{core}: dependencies")),
            found => job.fail(core, &format!("depends on {}", found.join(", "))),
        }
        let lints = format!("crates/{core}/.clippy.toml");
        if job.workspace.path(&lints).is_file() {
            job.pass(&lints);
        } else {
            job.fail(
                &lints,
                "there is none, so calls like Instant::now() are not refused",
            );
        }
    }
    Ok(())
}

fn impure(tree: &str) -> Vec<&str> {
    let names = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let mut found: Vec<_> = names.filter(|name| is_forbidden(name)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn is_forbidden(name: &str) -> bool {
    FORBIDDEN.iter().any(|family| {
        name.strip_prefix(family)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

#[cfg(test)]
mod tests {
    use super::impure;

    #[test]
    fn families_are_found() {
        let tree = "engineio-proto v0.1.0 (/x)\nbytes v1.12.2\ntokio-util v0.7.20\nhttp v1.5.0\n\
                    httparse v1.10.1\ntokio-util v0.7.20 (*)\n";
        assert_eq!(impure(tree), ["http", "tokio-util"]);
    }
}
