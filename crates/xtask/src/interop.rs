//! Released clients against built servers: every client, on every transport, in every step.
//!
//! `suite` lists who does what against which server, `client` finds and installs clients, `authority`
//! signs a certificate for those that come with TLS, `cannot` is what they cannot do by their own making, `matrix` the table of what they have done. What the steps
//! are is in the scripts of `tests/interop`.

use std::{
    process::{Command, ExitCode},
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;

use self::matrix::{Mark, Matrix};
pub(crate) use self::{
    cannot::Cannot,
    client::{Client, names},
    suite::{Line, SUITES, Suite},
};
use crate::{
    job::{Error, Job, Pace},
    relay::Relay,
    run::{Step, run_all},
    server::Server,
    test,
    workspace::Workspace,
};

mod authority;
mod cannot;
mod client;
mod matrix;
mod suite;

pub(crate) const TRANSPORTS: [&str; 3] = ["polling", "websocket", "upgrade"];

/// An old client and new ones, for `--quick`.
const QUICK: [&str; 3] = [
    "python-socketio-5.18.1",
    "socket.io-client-2.5.0",
    "socket.io-client-4.8.4",
];

/// Each step gives up by itself after 15 seconds.
const LIMIT: Duration = Duration::from_secs(240);

/// Runs the clients whose folder begins with a name.
pub(crate) fn command(name: &str) -> Result<ExitCode, Error> {
    let workspace = Workspace::locate()?;
    if !names(&workspace)?
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
    let cannot = Cannot::read(job.workspace)?;
    let clients = installed(job)?;
    let pace = job.pace;
    for suite in SUITES.iter().filter(|suite| is_in_time(pace, suite)) {
        let mut matrix = Matrix::new(suite.title, suite.steps);
        for client in &clients {
            if let Some(script) = suite.script(&client.name) {
                let marks = run_client(job, suite, client, script, &cannot)?;
                matrix.push(&client.name, marks);
            }
        }
        if !matrix.is_empty() {
            job.show(&matrix.render());
        }
    }
    Ok(())
}

/// TLS is for the full list.
fn is_in_time(pace: Pace, suite: &Suite) -> bool {
    pace == Pace::Full || suite.line != Line::Tls
}

/// The clients of this run. One that cannot be had is told of, and left out.
fn installed(job: &mut Job<'_>) -> Result<Vec<Client>, Error> {
    let choice = CHOICE.get().map_or("", String::as_str);
    let mut clients = Vec::new();
    for name in names(job.workspace)? {
        let is_in_time = job.pace == Pace::Full || QUICK.contains(&name.as_str());
        if !name.starts_with(choice) || !is_in_time {
            continue;
        }
        match Client::install(job, &name) {
            Ok(client) => clients.push(client),
            Err(error) => job.missing(&name, &error.to_string()),
        }
    }
    Ok(clients)
}

/// Runs a client on every transport; gives the marks of all steps for each.
fn run_client(
    job: &mut Job<'_>,
    suite: &Suite,
    client: &Client,
    script: Option<&str>,
    cannot: &Cannot,
) -> Result<Vec<Vec<Mark>>, Error> {
    // Wrong tokens are counted by address, so every client gets a server that knows none.
    let server = (suite.server)(job, &client.name)?;
    let tls_url = match suite.line {
        Line::Tls => Some(server.tls_url()?),
        Line::Direct | Line::Relay => None,
    };
    let script = script.map(|script| job.workspace.path("tests/interop").join(script));
    let mut marks = Vec::new();
    for transport in TRANSPORTS {
        // A new one each time: a step that fails may leave its line cut.
        let relay = match suite.line {
            Line::Direct | Line::Tls => None,
            Line::Relay => Some(Relay::start(server.address())?),
        };
        let url = relay.as_ref().map(Relay::url).or_else(|| tls_url.clone());
        let url = url.unwrap_or_else(|| server.url());
        let steps = cannot.others(&client.name, transport, suite.steps);
        let mut command = client.command(script.as_deref(), &url, transport, &steps);
        if suite.line == Line::Tls {
            command.env("NODE_EXTRA_CA_CERTS", authority::certificate(job));
        }
        let name = format!("{} {transport}", client.name);
        let mut passed = run_steps(job, command, &name, &steps).into_iter();
        let mark = |step: &&str| match cannot.reason(&client.name, transport, step) {
            Some(reason) => Mark::NotApplicable(reason.into()),
            None if passed.next() == Some(true) => Mark::Ok,
            None => Mark::Failed,
        };
        marks.push(suite.steps.iter().map(mark).collect());
    }
    Ok(marks)
}

/// Tells which steps have passed. A client that hangs has failed, and does not end the run of others.
fn run_steps(job: &mut Job<'_>, command: Command, name: &str, steps: &[&str]) -> Vec<bool> {
    if steps.is_empty() {
        return Vec::new();
    }
    let text = match job.attempt(command, LIMIT) {
        Ok(output) => output.text,
        Err(error) => {
            job.fail(name, &error.to_string());
            String::new()
        }
    };
    judge(job, name, &text, steps)
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

/// Reads one JSON object per scenario, `{"scenario", "ok", "reason"}`, among other lines, and tells
/// which have passed.
pub(crate) fn judge(job: &mut Job<'_>, name: &str, text: &str, scenarios: &[&str]) -> Vec<bool> {
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let outcomes: Vec<Value> = lines.collect();
    let mut passed = Vec::new();
    for scenario in scenarios {
        let name = format!("{name} {scenario}");
        let outcome = outcomes
            .iter()
            .find(|outcome| outcome["scenario"] == *scenario);
        let failure = match outcome {
            Some(outcome) if outcome["ok"] == true => None,
            Some(outcome) => Some(outcome["reason"].as_str().unwrap_or("no reason")),
            None => Some("the program ended before it"),
        };
        match failure {
            None => job.pass(&name),
            Some(reason) => job.fail(&name, reason),
        }
        passed.push(failure.is_none());
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_that_are_named_exist() {
        let workspace = Workspace::locate().unwrap();
        let names = names(&workspace).unwrap();
        Cannot::read(&workspace).unwrap();
        for client in QUICK {
            assert!(names.iter().any(|name| name == client), "{client}");
        }
    }
}
