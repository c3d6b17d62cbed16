//! The live page in Chromium, over WebSocket and over polling alone.

use std::{process::Command, time::Duration};

use crate::{
    install, interop,
    job::{Error, Job},
};

const SCENARIOS: [&str; 3] = ["websocket", "polling", "phone"];

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    let folder = job.workspace.path("tests/interop/browser");
    let chromium = match install::program(job, "chromium") {
        Ok(path) => path,
        Err(error) => {
            job.missing("chromium", &error.to_string());
            return Ok(());
        }
    };
    install::npm(job, &folder)?;
    let server = interop::start_topicd(job, "browser")?;
    let mut command = Command::new("node");
    command.arg(folder.join("page.mjs")).arg(server.url());
    command
        .arg(job.workspace.artifact(""))
        .env("CHROMIUM", chromium);
    let output = job.attempt(command, Duration::from_secs(180))?;
    interop::judge(job, "live page", &output.text, &SCENARIOS);
    Ok(())
}
