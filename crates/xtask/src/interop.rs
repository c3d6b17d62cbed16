//! Released clients against the built topicd: every client, on every transport, in every scenario.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;

use crate::{
    install,
    job::{Error, Job, Pace},
    run::{Step, run_all},
    server::Server,
    test,
    workspace::Workspace,
};

const TRANSPORTS: [&str; 3] = ["polling", "websocket", "upgrade"];

/// What one run of a client has to report; a scenario that is missing has failed.
const SCENARIOS: [&str; 4] = [
    "golden",
    "non-ascii",
    "wrong-token",
    "subscribe-before-authenticate",
];

/// Each scenario gives up by itself after 15 seconds.
const LIMIT: Duration = Duration::from_secs(90);

/// Runs the clients whose folder begins with a name.
pub(crate) fn command(name: &str) -> Result<ExitCode, Error> {
    let workspace = Workspace::locate()?;
    if !clients(&workspace)?
        .iter()
        .any(|client| client.starts_with(name))
    {
        return Err(format!("no client is named {name}").into());
    }
    // The step is a plain function, so the choice travels beside it.
    CHOICE.get_or_init(|| name.into());
    let step = Step {
        name: "interop",
        about: "one real client against topicd",
        run: check,
    };
    let mut steps = test::choose(Pace::Full, Some(&["build"]))?;
    steps.push(&step);
    Ok(run_all(&workspace, &steps, Pace::Full))
}

static CHOICE: OnceLock<String> = OnceLock::new();

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    let choice = CHOICE.get().map_or("", String::as_str);
    for client in clients(job.workspace)? {
        if client.starts_with(choice) {
            check_client(job, &client)?;
        }
    }
    Ok(())
}

/// A topicd of its own, in an empty folder.
pub(crate) fn start_topicd(job: &mut Job<'_>, name: &str) -> Result<Server, Error> {
    let command = topicd(job, name)?;
    Server::start(job, command)
}

/// The command that starts it.
pub(crate) fn topicd(job: &Job<'_>, name: &str) -> Result<Command, Error> {
    let data = job.workspace.empty_folder(&format!("topicd-{name}"))?;
    let mut command = Command::new(job.workspace.built("topicd"));
    command
        .args(["dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(data);
    Ok(command)
}

/// The folders of clients, by name.
fn clients(workspace: &Workspace) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace.path("tests/interop"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("socket.io-client-") || name.starts_with("python-socketio-") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn check_client(job: &mut Job<'_>, client: &str) -> Result<(), Error> {
    let folder = job.workspace.path("tests/interop").join(client);
    let (program, script) = match install_client(job, &folder) {
        Ok(found) => found,
        Err(error) => {
            job.missing(client, &error.to_string());
            return Ok(());
        }
    };
    // Wrong tokens are counted by address, so every client gets a server that knows none.
    let server = start_topicd(job, client)?;
    for transport in TRANSPORTS {
        let mut command = Command::new(&program);
        command
            .arg(folder.with_file_name(script))
            .args([client, &server.url(), transport]);
        let output = job.attempt(command, LIMIT)?;
        judge(
            job,
            &format!("{client} {transport}"),
            &output.text,
            &SCENARIOS,
        );
    }
    Ok(())
}

fn install_client(job: &mut Job<'_>, folder: &Path) -> Result<(PathBuf, &'static str), Error> {
    if folder.join("requirements.txt").is_file() {
        Ok((install::python(job, folder)?, "scenario.py"))
    } else {
        install::npm(job, folder)?;
        Ok(("node".into(), "scenario.mjs"))
    }
}

/// Reads one JSON object per scenario, `{"scenario", "ok", "reason"}`, among other lines.
pub(crate) fn judge(job: &mut Job<'_>, name: &str, text: &str, scenarios: &[&str]) {
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let outcomes: Vec<Value> = lines.collect();
    for scenario in scenarios {
        let name = format!("{name} {scenario}");
        match outcomes
            .iter()
            .find(|outcome| outcome["scenario"] == *scenario)
        {
            Some(outcome) if outcome["ok"] == true => job.pass(&name),
            Some(outcome) => job.fail(&name, outcome["reason"].as_str().unwrap_or("no reason")),
            None => job.fail(&name, "the program ended before it"),
        }
    }
}
