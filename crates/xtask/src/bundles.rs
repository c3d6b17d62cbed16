//! Browser bundles of released Socket.IO clients, in Chromium, against the fixture of socketio.
//!
//! Only a browser reads and writes the binary framing of revision 3: Node builds ask for base64.

use std::{path::Path, process::Command, time::Duration};

use crate::{
    install,
    interop::{self, TRANSPORTS},
    job::{Error, Job},
    server::Server,
};

/// Of each line of clients one; the last is also the witness of what others see.
pub(crate) const CLIENTS: [&str; 6] = [
    "socket.io-client-1.0.6",
    "socket.io-client-1.3.7",
    "socket.io-client-1.4.8",
    "socket.io-client-1.7.4",
    "socket.io-client-2.5.0",
    "socket.io-client-4.8.4",
];

const SCENARIOS: [&str; 4] = ["text", "binary", "ack", "non-ascii"];

/// Each scenario gives up by itself after 20 seconds.
const LIMIT: Duration = Duration::from_secs(120);

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    let Some(chromium) = install::peer(job, "chromium") else {
        return Ok(());
    };
    let server = start(job)?;
    for client in CLIENTS {
        for transport in TRANSPORTS {
            let command = command(job, client, &server.url(), transport, &chromium);
            let output = job.attempt(command, LIMIT)?;
            let name = format!("{client} {transport}");
            interop::judge(job, &name, &output.text, scenarios(client, transport));
        }
    }
    Ok(())
}

/// Installs all of them and starts the server that they meet.
pub(crate) fn start(job: &mut Job<'_>) -> Result<Server, Error> {
    let interop = job.workspace.path("tests/interop");
    for folder in CLIENTS.iter().chain(&["browser"]) {
        install::npm(job, &interop.join(folder))?;
    }
    let options = ["default-heartbeat", "legacy-eio"];
    interop::start_fixture(job, "conformance", &options)
}

/// The command that runs a client's scenarios.
pub(crate) fn command(
    job: &Job<'_>,
    client: &str,
    url: &str,
    transport: &str,
    chromium: &Path,
) -> Command {
    let mut command = Command::new("node");
    command
        .arg(job.workspace.path("tests/interop/browser/bundle.mjs"))
        .args([client, url, transport])
        .args(scenarios(client, transport))
        .env("CHROMIUM", chromium);
    command
}

/// Clients 1.0 encode text twice on a WebSocket as well, and end the connection over text that is
/// encoded once. Nobody repaired that for them.
fn scenarios(client: &str, transport: &str) -> &'static [&'static str] {
    if client == "socket.io-client-1.0.6" && transport != "polling" {
        &SCENARIOS[..3]
    } else {
        &SCENARIOS
    }
}
