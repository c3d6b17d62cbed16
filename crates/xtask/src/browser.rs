//! The console in Chromium. The script starts the server itself: it stops it and starts it again.

use std::{process::Command, time::Duration};

use crate::{
    install, interop,
    job::{Error, Job},
};

const SCENARIOS: [&str; 8] = [
    "websocket",
    "polling",
    "phone",
    "history",
    "sign in and link",
    "keyboard",
    "slow",
    "restart",
];

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    let folder = job.workspace.path("tests/interop/browser");
    let Some(chromium) = install::peer(job, "chromium") else {
        return Ok(());
    };
    install::npm(job, &folder)?;
    let mut command = Command::new("node");
    command
        .arg(folder.join("page.mjs"))
        .arg(job.workspace.built("topicd"))
        .arg(job.workspace.artifact(""))
        .env("CHROMIUM", chromium);
    let output = job.attempt(command, Duration::from_secs(300))?;
    interop::judge(job, "console", &output.text, &SCENARIOS);
    Ok(())
}
