//! The README examples, built and run by a crate outside of this workspace.
//!
//! It has our crates by path, and from the registry only what an example itself names: nothing that the
//! workspace provides may be missing there. The chat of the workspace's README has a crate of its own.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;

use self::example::{Ending, Example};
use crate::{
    job::{Error, Job},
    workspace::{Workspace, cargo},
};

mod chat;
mod example;

const CRATES: [&str; 4] = ["engineio-proto", "engineio", "socketio-proto", "socketio"];

const COMPILE_LIMIT: Duration = Duration::from_secs(10 * 60);
const RUN_LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    let mut programs = BTreeMap::new();
    for name in CRATES {
        let readme = format!("crates/{name}/README.md");
        let found = example::examples(&fs::read_to_string(job.workspace.path(&readme))?);
        if found.is_empty() {
            job.fail(name, "its README has no example");
        }
        for (number, example) in found.into_iter().enumerate() {
            programs.insert(format!("readme-{name}-{}", number + 1), example);
        }
    }
    let folder = std::env::temp_dir().join(format!("outside-{}", std::process::id()));
    let result = write_crate(job.workspace, &folder, &programs)
        .and_then(|()| build_and_run(job, &folder, &programs))
        .and_then(|()| chat::check(job, &folder.join("chat")));
    fs::remove_dir_all(folder)?;
    result
}

fn write_crate(
    workspace: &Workspace,
    folder: &Path,
    programs: &BTreeMap<String, Example>,
) -> Result<(), Error> {
    let binaries = folder.join("src/bin");
    fs::create_dir_all(&binaries)?;
    for (name, example) in programs {
        fs::write(binaries.join(format!("{name}.rs")), &example.program)?;
    }
    fs::write(folder.join("Cargo.toml"), manifest(workspace, programs)?)?;
    // The versions that are tested everywhere else; cargo takes what is not used out of it.
    fs::copy(workspace.path("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

fn manifest(workspace: &Workspace, programs: &BTreeMap<String, Example>) -> Result<String, Error> {
    let mut manifest = String::from(
        "[package]\nname = \"outside\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n",
    );
    for name in CRATES {
        let path = workspace.path("crates").join(name);
        manifest += &format!("{name} = {{ path = {path:?} }}\n");
    }
    for (name, requirement) in registry_dependencies(workspace)? {
        let prefix = format!("{}::", name.replace('-', "_"));
        let names_it = |example: &Example| example.program.contains(&prefix);
        if programs.values().any(names_it) {
            manifest += &format!("{name} = {requirement}\n");
        }
    }
    Ok(manifest)
}

/// What our crates take from the registry, in tests too, as the lines of a manifest have it.
fn registry_dependencies(workspace: &Workspace) -> Result<BTreeMap<String, String>, Error> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(workspace.root())
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    let ours = packages
        .iter()
        .filter(|package| CRATES.iter().any(|name| package["name"] == *name));
    let dependencies = ours.filter_map(|package| package["dependencies"].as_array());
    // Those of tests come last and have the most features.
    let lines = dependencies
        .flatten()
        .filter(|dependency| dependency["path"].is_null())
        .filter_map(|dependency| {
            let requirement = format!(
                "{{ version = {}, features = {}, default-features = {} }}",
                dependency["req"], dependency["features"], dependency["uses_default_features"]
            );
            Some((dependency["name"].as_str()?.to_owned(), requirement))
        });
    Ok(lines.collect())
}

fn build_and_run(
    job: &mut Job<'_>,
    folder: &Path,
    programs: &BTreeMap<String, Example>,
) -> Result<(), Error> {
    let target = job.workspace.target().to_path_buf();
    for (name, example) in programs {
        let mut build = cargo();
        build
            .args(["build", "--quiet", "--bin", name])
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", &target);
        let output = job.attempt(build, COMPILE_LIMIT)?;
        if !output.success {
            job.fail(name, "it does not build");
            continue;
        }
        match example.ending {
            Ending::Never => job.pass(name),
            Ending::Succeeds => run(job, name)?,
        }
    }
    Ok(())
}

fn run(job: &mut Job<'_>, name: &str) -> Result<(), Error> {
    let program: PathBuf = job.workspace.built(name);
    let output = job.attempt(Command::new(program), RUN_LIMIT)?;
    if output.success {
        job.pass(name);
    } else {
        job.fail(name, "it fails");
    }
    Ok(())
}
