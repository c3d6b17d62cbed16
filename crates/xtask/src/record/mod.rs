//! `cargo xtask record`: what real clients send, as seeds of the fuzz targets.
//!
//! The clients of `tests/interop` run their scenarios through a proxy that keeps what they send. This
//! file decides who runs; `proxy` keeps the bytes, `client` reads them as requests and frames, `seeds`
//! makes files of them.

mod client;
mod proxy;
mod seeds;

use std::{process::ExitCode, time::Duration};

use self::{proxy::Proxy, seeds::Seeds};
use crate::{
    bundles, http, install,
    interop::{self, Cannot, Client, Line, SUITES, Suite, TRANSPORTS},
    job::{Error, Job, Pace},
    run::{Step, run_all},
    server::Server,
    test,
    workspace::Workspace,
};

/// A client gives up by itself long before.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs every client and writes its seeds in the place of those that are there.
pub(crate) fn command() -> Result<ExitCode, Error> {
    let step = Step {
        name: "record",
        about: "seeds of the fuzz targets from real clients",
        run: record,
    };
    let mut steps = test::choose(Pace::Full, Some(&["build"]))?;
    steps.push(&step);
    Ok(run_all(&Workspace::locate()?, &steps, Pace::Full))
}

fn record(job: &mut Job<'_>) -> Result<(), Error> {
    let mut seeds = Seeds::default();
    let cannot = Cannot::read(job.workspace)?;
    // A proxy that records is no line that can be cut.
    let is_direct = |suite: &&Suite| suite.line == Line::Direct;
    for name in interop::names(job.workspace)? {
        for suite in SUITES.iter().filter(is_direct) {
            if let Some(script) = suite.script(&name) {
                let client = Client::install(job, &name)?;
                from_client(job, suite, &client, script, &cannot, &mut seeds)?;
            }
        }
    }
    from_bundles(job, &mut seeds)?;
    let written = seeds.write(&job.workspace.path("fuzz/corpus"))?;
    println!("  {written} seeds");
    Ok(())
}

/// A client in Node or Python.
fn from_client(
    job: &mut Job<'_>,
    suite: &Suite,
    client: &Client,
    script: Option<&str>,
    cannot: &Cannot,
    seeds: &mut Seeds,
) -> Result<(), Error> {
    let server = (suite.server)(job, &client.name)?;
    let secrets = secrets(&server);
    let script = script.map(|script| job.workspace.path("tests/interop").join(script));
    for transport in TRANSPORTS {
        let steps = cannot.others(&client.name, transport, suite.steps);
        if steps.is_empty() {
            continue;
        }
        let proxy = Proxy::start(server.address())?;
        let command = client.command(script.as_deref(), &proxy.url(), transport, &steps);
        let output = job.attempt(command, LIMIT)?;
        if !output.success {
            return Err(output.failure().into());
        }
        let name = &client.name;
        seeds.add(&format!("{name}_{transport}"), &proxy.stop(), &secrets);
        job.pass(&format!("{name} {transport}"));
    }
    Ok(())
}

/// A client in Chromium: only there revision 3 sends binary framing.
fn from_bundles(job: &mut Job<'_>, seeds: &mut Seeds) -> Result<(), Error> {
    let chromium = install::program(job, "chromium")?;
    let server = bundles::start(job)?;
    for client in bundles::CLIENTS {
        for transport in TRANSPORTS {
            let proxy = Proxy::start(server.address())?;
            let command = bundles::command(job, client, &proxy.url(), transport, &chromium);
            let output = job.attempt(command, LIMIT)?;
            if !output.success {
                return Err(output.failure().into());
            }
            seeds.add(
                &format!("{client}_chromium_{transport}"),
                &proxy.stop(),
                &[],
            );
            job.pass(&format!("{client} in Chromium {transport}"));
        }
    }
    Ok(())
}

/// The tokens of a topicd, which no seed shows; other servers have none.
fn secrets(server: &Server) -> Vec<String> {
    let Ok((200, tokens)) = http::request(server.address(), "GET", "/dev.json", "") else {
        return Vec::new();
    };
    let values = tokens
        .as_object()
        .into_iter()
        .flat_map(|tokens| tokens.values());
    values
        .filter_map(|token| token.as_str().map(str::to_owned))
        .collect()
}
