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
    bundles, http, install, interop,
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
    for client in interop::clients(job.workspace)? {
        from_client(job, &client, &mut seeds)?;
    }
    from_bundles(job, &mut seeds)?;
    let written = seeds.write(&job.workspace.path("fuzz/corpus"))?;
    println!("  {written} seeds");
    Ok(())
}

/// A client in Node or Python.
fn from_client(job: &mut Job<'_>, client: &str, seeds: &mut Seeds) -> Result<(), Error> {
    let family = interop::family(client).ok_or("a client belongs to no family")?;
    let folder = job.workspace.path("tests/interop").join(client);
    let program = interop::install_client(job, &folder)?;
    let server = (family.server)(job, client)?;
    let secrets = secrets(&server);
    for transport in interop::transports(client) {
        let proxy = Proxy::start(server.address())?;
        let command = family.command(&program, &folder, &proxy.url(), transport);
        let output = job.attempt(command, LIMIT)?;
        if !output.success {
            return Err(output.failure().into());
        }
        seeds.add(&format!("{client}_{transport}"), &proxy.stop(), &secrets);
        job.pass(&format!("{client} {transport}"));
    }
    Ok(())
}

/// A client in Chromium: only there revision 3 sends binary framing.
fn from_bundles(job: &mut Job<'_>, seeds: &mut Seeds) -> Result<(), Error> {
    let chromium = install::program(job, "chromium")?;
    let server = bundles::start(job)?;
    for client in bundles::CLIENTS {
        for transport in interop::TRANSPORTS {
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
