//! The chat of the workspace's README: copied as it stands into an empty crate that has the dependencies
//! of the README and no others, it passes the scenario of the example `chat`.

use std::{fs, path::Path};

use super::{COMPILE_LIMIT, example};
use crate::{
    examples,
    job::{Error, Job},
    workspace::{Workspace, cargo},
};

const NAME: &str = "readme-chat";

pub(super) fn check(job: &mut Job<'_>, folder: &Path) -> Result<(), Error> {
    let readme = fs::read_to_string(job.workspace.path("README.md"))?;
    let program = example::block(&readme, "rust,no_run").ok_or("the README has no chat")?;
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/main.rs"), program)?;
    fs::write(folder.join("Cargo.toml"), manifest(job.workspace, &readme)?)?;
    // The versions that are tested everywhere else.
    fs::copy(job.workspace.path("Cargo.lock"), folder.join("Cargo.lock"))?;
    let mut build = cargo();
    build
        .args(["build", "--quiet"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", job.workspace.target());
    if job.attempt(build, COMPILE_LIMIT)?.success {
        let chat = job.workspace.built(NAME);
        examples::scenario(job, "chat", &chat)
    } else {
        job.fail(NAME, "it does not build");
        Ok(())
    }
}

/// What the README says, but for where our crate is: this checkout stands for the repository.
fn manifest(workspace: &Workspace, readme: &str) -> Result<String, Error> {
    let dependencies = example::block(readme, "toml").ok_or("the README names no dependencies")?;
    let repository = format!("git = {:?}", env!("CARGO_PKG_REPOSITORY"));
    if !dependencies.contains(&repository) {
        return Err(format!("the README does not depend on {repository}").into());
    }
    let path = format!("path = {:?}", workspace.path("crates/socketio"));
    Ok(format!(
        "[package]\nname = {NAME:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n{}\n",
        dependencies.replace(&repository, &path)
    ))
}
