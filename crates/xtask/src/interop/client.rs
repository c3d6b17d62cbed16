//! The clients: one folder each in `tests/interop`, with everything pinned.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::suite::SUITES;
use crate::{
    install,
    job::{Error, Job},
    workspace::Workspace,
};

/// An installed client.
pub(crate) struct Client {
    /// That of its folder.
    pub(crate) name: String,
    /// What runs its script, or the client itself.
    program: PathBuf,
}

impl Client {
    /// Gets it if it is not there yet.
    pub(crate) fn install(job: &mut Job<'_>, name: &str) -> Result<Self, Error> {
        let folder = job.workspace.path("tests/interop").join(name);
        let name = name.to_owned();
        let program = program(job, &folder)?;
        Ok(Self { name, program })
    }

    /// The command that runs some steps of a script.
    pub(crate) fn command(
        &self,
        script: Option<&Path>,
        url: &str,
        transport: &str,
        steps: &[&str],
    ) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(script)
            .args([&self.name, url, transport])
            .args(steps);
        command
    }
}

/// The names of all clients of some suite.
pub(crate) fn names(workspace: &Workspace) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace.path("tests/interop"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if SUITES.iter().any(|suite| suite.script(&name).is_some()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn program(job: &mut Job<'_>, folder: &Path) -> Result<PathBuf, Error> {
    if folder.join("requirements.txt").is_file() {
        install::python(job, folder)
    } else if folder.join("Cargo.toml").is_file() {
        install::rust(job, folder)
    } else {
        install::npm(job, folder)?;
        Ok("node".into())
    }
}
