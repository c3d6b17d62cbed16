//! The examples of socketio, each run with an old client and today's at once.
//!
//! What they do there is in `tests/interop/examples.mjs`.

use std::{path::Path, process::Command, time::Duration};

use crate::{
    install,
    interop::judge,
    job::{Error, Job},
    server::Server,
    workspace::cargo,
};

/// All but the fixtures, which other steps run.
const EXAMPLES: [&str; 7] = [
    "acks",
    "auth",
    "binary",
    "chat",
    "embed_in_axum",
    "embed_in_hyper",
    "mixed_generations",
];

const OLD: [&str; 2] = ["socket.io-client-1.7.4", "socket.io-client-2.5.0"];
const NEW: &str = "socket.io-client-4.8.4";

const COMPILE_LIMIT: Duration = Duration::from_secs(10 * 60);

/// A scenario gives up by itself after 15 seconds for one thing.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    let mut build = cargo();
    build.args(["build", "-p", "socketio", "--examples"]);
    job.run(build, COMPILE_LIMIT)?;
    for example in EXAMPLES {
        let program = job.workspace.built("examples").join(example);
        scenario(job, example, &program)?;
    }
    Ok(())
}

/// Lets clients meet in a program, in the scenario of an example.
pub(crate) fn scenario(job: &mut Job<'_>, example: &str, program: &Path) -> Result<(), Error> {
    let clients = job.workspace.path("tests/interop");
    for client in OLD.iter().chain(&[NEW]) {
        install::npm(job, &clients.join(client))?;
    }
    for old in OLD {
        let mut serve = Command::new(program);
        serve.arg("0");
        let server = Server::start(job, serve)?;
        let mut command = Command::new("node");
        command
            .arg(clients.join("examples.mjs"))
            .args([example, &server.url(), old, NEW]);
        let output = job.attempt(command, LIMIT)?;
        judge(job, old, &output.text, &[example]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::EXAMPLES;
    use crate::workspace::Workspace;

    #[test]
    fn every_example_is_run() {
        let fixtures = ["admin", "conformance"];
        let mut run = [&EXAMPLES[..], &fixtures].concat();
        run.sort_unstable();
        let folder = Workspace::locate()
            .unwrap()
            .path("crates/socketio/examples");
        let files = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path());
        let mut names: Vec<String> = files
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, run);
    }
}
