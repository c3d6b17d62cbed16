//! The quick starts of README.md and docs/topicd.md, done in a clean clone as they are written.
//!
//! What is done there is in `tests/interop/browser/quickstart.mjs`. The clone has what is committed, and
//! the packages that a reader would install are those of the interop clients.

use std::{
    env,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    install, interop,
    job::{Error, Job},
};

const SCENARIOS: [&str; 2] = ["readme", "guide"];
const NODE_CLIENT: &str = "tests/interop/socket.io-client-4.8.4";
const PYTHON_CLIENT: &str = "tests/interop/python-socketio-5.18.1";

/// Two release builds are in it.
const LIMIT: Duration = Duration::from_secs(20 * 60);

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    let Some(chromium) = install::peer(job, "chromium") else {
        return Ok(());
    };
    let scripts = job.workspace.path("tests/interop/browser");
    install::npm(job, &scripts)?;
    let folder = job.workspace.empty_folder("quickstart")?;
    let clone = clone(job, &folder)?;
    let python = job.workspace.path(PYTHON_CLIENT);
    let python = install::python(job, &python)?;
    let programs = python.parent().ok_or("Python is in no folder")?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(programs.to_owned()).chain(env::split_paths(&path));
    let mut command = Command::new("node");
    command
        .arg(scripts.join("quickstart.mjs"))
        .arg(&clone)
        .env("CHROMIUM", chromium)
        .env("PATH", env::join_paths(path)?)
        // Data of the demo, beside the clone.
        .env("XDG_DATA_HOME", folder.join("data"))
        .env_remove("CARGO_TARGET_DIR");
    let output = job.attempt(command, LIMIT)?;
    interop::judge(job, "quickstart", &output.text, &SCENARIOS);
    Ok(())
}

/// A clone that shares our target folder, so that only our own crates are built anew, and has the
/// client of Node beside it.
fn clone(job: &mut Job<'_>, folder: &Path) -> Result<PathBuf, Error> {
    let clone = folder.join("clone");
    let mut command = Command::new("git");
    command.args(["clone", "--quiet"]);
    command.arg(job.workspace.root()).arg(&clone);
    job.run(command, Duration::from_secs(60))?;
    symlink(job.workspace.target(), clone.join("target"))?;
    let client = job.workspace.path(NODE_CLIENT);
    install::npm(job, &client)?;
    symlink(client.join("node_modules"), clone.join("node_modules"))?;
    Ok(clone)
}
