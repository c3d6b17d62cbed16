//! Released clients against built servers: every client, on every transport, in every scenario.
//!
//! Clients of Socket.IO meet topicd, those of Engine.IO the fixture of engineio.

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

pub(crate) const TRANSPORTS: [&str; 3] = ["polling", "websocket", "upgrade"];

/// Clients that run the same scenarios.
pub(crate) struct Family {
    /// How their folders begin.
    prefix: &'static str,
    script: &'static str,
    /// What one run has to report; a scenario that is missing has failed.
    scenarios: &'static [&'static str],
    pub(crate) server: fn(&mut Job<'_>, &str) -> Result<Server, Error>,
}

impl Family {
    /// The command that runs a client's scenarios.
    pub(crate) fn command(
        &self,
        program: &Path,
        folder: &Path,
        url: &str,
        transport: &str,
    ) -> Command {
        let mut command = Command::new(program);
        command
            .arg(folder.with_file_name(self.script))
            .arg(folder.file_name().unwrap_or_default())
            .args([url, transport]);
        command
    }
}

const FAMILIES: [Family; 4] = [
    Family {
        prefix: "engine.io-client-",
        script: "engine.mjs",
        scenarios: &["text", "binary", "non-ascii", "batch"],
        server: |job, _| start_fixture(job, "conformance_engine", &["default-heartbeat"]),
    },
    Family {
        prefix: "socket.io-client-",
        script: "scenario.mjs",
        scenarios: &TOPICD_SCENARIOS,
        server: start_topicd,
    },
    Family {
        prefix: "python-socketio-",
        script: "scenario.py",
        scenarios: &TOPICD_SCENARIOS,
        server: start_topicd,
    },
    Family {
        prefix: "admin-ui-",
        script: "admin.mjs",
        scenarios: &[
            "credentials",
            "sockets",
            "events",
            "commands",
            "statistics",
            "upgrades",
        ],
        server: start_admin,
    },
];

const TOPICD_SCENARIOS: [&str; 4] = [
    "golden",
    "non-ascii",
    "wrong-token",
    "subscribe-before-authenticate",
];

/// Clients whose WebSocket package does not run on today's Node.
const POLLING_ONLY: [&str; 1] = ["socket.io-client-1.0.6"];

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
        about: "chosen real clients against our servers",
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

/// An example of a crate that serves a fixture.
pub(crate) fn start_fixture(
    job: &mut Job<'_>,
    example: &str,
    options: &[&str],
) -> Result<Server, Error> {
    let mut command = Command::new(job.workspace.built("examples").join(example));
    command.arg("0").args(options);
    Server::start(job, command)
}

/// The example of socketio with admins, and the password that `admin.mjs` knows.
fn start_admin(job: &mut Job<'_>, _: &str) -> Result<Server, Error> {
    let mut command = Command::new(job.workspace.built("examples").join("admin"));
    command.arg("0").env("ADMIN_PASSWORD", "rosebud");
    Server::start(job, command)
}

/// The folders of clients, by name.
pub(crate) fn clients(workspace: &Workspace) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace.path("tests/interop"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if family(&name).is_some() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

pub(crate) fn family(client: &str) -> Option<&'static Family> {
    FAMILIES
        .iter()
        .find(|family| client.starts_with(family.prefix))
}

fn check_client(job: &mut Job<'_>, client: &str) -> Result<(), Error> {
    let family = family(client).ok_or("a client belongs to no family")?;
    let folder = job.workspace.path("tests/interop").join(client);
    let program = match install_client(job, &folder) {
        Ok(program) => program,
        Err(error) => {
            job.missing(client, &error.to_string());
            return Ok(());
        }
    };
    // Wrong tokens are counted by address, so every client gets a server that knows none.
    let server = (family.server)(job, client)?;
    for transport in transports(client) {
        let command = family.command(&program, &folder, &server.url(), transport);
        let output = job.attempt(command, LIMIT)?;
        let name = format!("{client} {transport}");
        judge(job, &name, &output.text, family.scenarios);
    }
    Ok(())
}

pub(crate) fn transports(client: &str) -> &'static [&'static str] {
    if POLLING_ONLY.contains(&client) {
        &["polling"]
    } else {
        &TRANSPORTS
    }
}

/// The program that runs the client's script.
pub(crate) fn install_client(job: &mut Job<'_>, folder: &Path) -> Result<PathBuf, Error> {
    if folder.join("requirements.txt").is_file() {
        install::python(job, folder)
    } else {
        install::npm(job, folder)?;
        Ok("node".into())
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
