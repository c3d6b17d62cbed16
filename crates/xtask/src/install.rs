//! Gets what the steps need: npm packages, Python environments, Debian packages, cargo tools.
//!
//! Everything is installed once and kept: a stamp beside it holds what it was made from.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    job::{Error, Job},
    workspace::cargo,
};

const LIMIT: Duration = Duration::from_secs(10 * 60);

/// The packages of a folder with a `package-lock.json`.
pub(crate) fn npm(job: &mut Job<'_>, folder: &Path) -> Result<(), Error> {
    let lock = folder.join("package-lock.json");
    let stamp = folder.join("node_modules/.installed");
    if is_current(&lock, &stamp) {
        return Ok(());
    }
    let mut command = Command::new("npm");
    // Old clients name tarballs outside the registry: without retries and scripts npm fails at once
    // where it would hang for minutes.
    let options = [
        "--fetch-retries",
        "0",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
    ];
    command.arg("ci").args(options).current_dir(folder);
    job.run(command, LIMIT)?;
    fs::copy(lock, stamp)?;
    Ok(())
}

/// The Python of a virtual environment with a folder's `requirements.txt`.
pub(crate) fn python(job: &mut Job<'_>, folder: &Path) -> Result<PathBuf, Error> {
    let requirements = folder.join("requirements.txt");
    let environment = folder.join(".venv");
    let python = environment.join("bin/python");
    let stamp = environment.join(".installed");
    if is_current(&requirements, &stamp) {
        return Ok(python);
    }
    if create_environment(job, &environment).is_err() {
        // Debian keeps the part that makes environments in a package of its own.
        debian(job, "python3-venv")?;
        create_environment(job, &environment)?;
    }
    let mut install = Command::new(&python);
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
    ]);
    install.arg(&requirements);
    job.run(install, LIMIT)?;
    fs::copy(requirements, stamp)?;
    Ok(python)
}

/// The program of a Rust client, which is a workspace of its own. Cargo knows by itself what is current.
pub(crate) fn rust(job: &mut Job<'_>, folder: &Path) -> Result<PathBuf, Error> {
    let name = folder.file_name().ok_or("a client without a name")?;
    let target = job.workspace.target().join("interop").join(name);
    if build_client(job, folder, &target).is_err() {
        // rust_socketio cannot be had without native-tls, whose OpenSSL has to be there.
        debian(job, "pkg-config")?;
        debian(job, "libssl-dev")?;
        build_client(job, folder, &target)?;
    }
    Ok(target.join("debug/client"))
}

/// The path of a program; if it is missing, the Debian package of that name is installed.
pub(crate) fn program(job: &mut Job<'_>, name: &str) -> Result<PathBuf, Error> {
    if let Some(path) = find(name) {
        return Ok(path);
    }
    debian(job, name)?;
    find(name).ok_or_else(|| format!("the package {name} has no program {name}").into())
}

/// The path of a program that a step cannot do without. If it cannot be had, that is noted as
/// [`Job::missing`] says, and the step is over.
pub(crate) fn peer(job: &mut Job<'_>, name: &str) -> Option<PathBuf> {
    program(job, name)
        .inspect_err(|error| job.missing(name, &error.to_string()))
        .ok()
}

/// A `PATH` that leads to a cargo subcommand in this version, installed below the target folder.
pub(crate) fn cargo_tool(job: &mut Job<'_>, name: &str, version: &str) -> Result<OsString, Error> {
    let root = job
        .workspace
        .target()
        .join("tools")
        .join(format!("{name}-{version}"));
    if !root.join("bin").join(name).is_file() {
        let mut command = cargo();
        command
            .args(["install", name, "--version", version, "--locked", "--root"])
            .arg(&root);
        job.run(command, Duration::from_secs(20 * 60))?;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(root.join("bin")).chain(env::split_paths(&path));
    Ok(env::join_paths(folders)?)
}

fn build_client(job: &mut Job<'_>, folder: &Path, target: &Path) -> Result<(), Error> {
    let mut build = cargo();
    build
        .args(["build", "--quiet", "--locked", "--target-dir"])
        .arg(target)
        .current_dir(folder);
    job.run(build, Duration::from_secs(20 * 60)).map(drop)
}

fn create_environment(job: &mut Job<'_>, environment: &Path) -> Result<(), Error> {
    let mut create = Command::new("python3");
    create.args(["-m", "venv", "--clear"]).arg(environment);
    job.run(create, LIMIT).map(drop)
}

fn debian(job: &mut Job<'_>, package: &str) -> Result<(), Error> {
    for arguments in [
        &["update"][..],
        &["install", "-y", "--no-install-recommends", package],
    ] {
        let mut command = Command::new("apt-get");
        command
            .arg("-q")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        job.run(command, LIMIT)
            .map_err(|error| format!("install {package} yourself, as root: {error}"))?;
    }
    Ok(())
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn is_current(wanted: &Path, stamp: &Path) -> bool {
    match (fs::read(wanted), fs::read(stamp)) {
        (Ok(wanted), Ok(stamp)) => wanted == stamp,
        _ => false,
    }
}
