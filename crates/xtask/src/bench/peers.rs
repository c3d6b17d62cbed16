//! Who is measured: ours, the peers, and the bare servers that bound them; how each is got and started.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{
    BUILD_LIMIT,
    cores::Share,
    work::{Needs, Work},
};
use crate::{
    install,
    job::{Error, Job, Pace},
    workspace::cargo,
};

/// One column of the report.
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) rounds: Rounds,
    pub(super) share: Share,
    offers: fn(&Work) -> bool,
    prepare: fn(&mut Job<'_>) -> Result<Program, Error>,
}

/// How often it is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounds {
    /// Targets are set against it.
    Every,
    Once,
}

/// A peer that can be started.
pub(super) struct Ready {
    pub(super) peer: &'static Peer,
    pub(super) program: Program,
}

/// The words that start a server, and the version of what is measured.
pub(super) struct Program {
    pub(super) words: Vec<OsString>,
    pub(super) version: String,
}

pub(super) const PEERS: &[Peer] = &[
    Peer {
        name: "ours",
        title: "ours",
        rounds: Rounds::Every,
        share: Share::One,
        offers: |_| true,
        prepare: ours,
    },
    Peer {
        name: "ours-two",
        title: "ours, two workers",
        rounds: Rounds::Every,
        share: Share::Two,
        offers: |work| work.name == "fanout-1000",
        prepare: ours,
    },
    Peer {
        name: "epoll-immediate",
        title: "bare epoll, immediate writes",
        rounds: Rounds::Every,
        share: Share::One,
        offers: bare,
        prepare: |job| rust(job, "bare", "epoll", &["immediate"]),
    },
    Peer {
        name: "epoll-deferred",
        title: "bare epoll, deferred writes",
        rounds: Rounds::Every,
        share: Share::One,
        offers: bare,
        prepare: |job| rust(job, "bare", "epoll", &["deferred"]),
    },
    Peer {
        name: "uwebsockets",
        title: "socket.io, uWebSockets",
        rounds: Rounds::Every,
        share: Share::One,
        offers: any,
        prepare: uwebsockets,
    },
    Peer {
        name: "socketioxide",
        title: "socketioxide",
        rounds: Rounds::Every,
        share: Share::One,
        offers: any,
        prepare: |job| rust(job, "socketioxide", "socketioxide-peer", &[]),
    },
    Peer {
        name: "node-24",
        title: "socket.io, Node 24",
        rounds: Rounds::Every,
        share: Share::One,
        offers: any,
        prepare: node_24,
    },
    Peer {
        name: "node",
        title: "socket.io, installed Node",
        rounds: Rounds::Once,
        share: Share::One,
        offers: any,
        prepare: node,
    },
    Peer {
        name: "bun",
        title: "socket.io, Bun engine",
        rounds: Rounds::Once,
        share: Share::One,
        offers: current,
        prepare: bun,
    },
    Peer {
        name: "python-socketio",
        title: "python-socketio",
        rounds: Rounds::Once,
        share: Share::One,
        offers: current,
        prepare: python,
    },
    Peer {
        name: "tungstenite",
        title: "bare tungstenite, task per connection",
        rounds: Rounds::Once,
        share: Share::One,
        offers: bare,
        prepare: |job| rust(job, "bare", "tungstenite", &[]),
    },
];

/// Gets all of them. Those that cannot be had are failures of the run, unless they may be skipped.
pub(super) fn prepare(job: &mut Job<'_>) -> (Vec<Ready>, Vec<(&'static str, String)>) {
    let (mut ready, mut missing) = (Vec::new(), Vec::new());
    let pace = job.pace;
    for peer in PEERS.iter().filter(|peer| peer.runs(pace)) {
        match (peer.prepare)(job) {
            Ok(program) => {
                println!("  {:<38} {}", peer.title, program.version);
                ready.push(Ready { peer, program });
            }
            Err(error) => {
                job.missing(peer.name, &error.to_string());
                missing.push((peer.title, error.to_string()));
            }
        }
    }
    (ready, missing)
}

impl Peer {
    /// Whether it is part of a run.
    fn runs(&self, pace: Pace) -> bool {
        pace == Pace::Full || self.rounds == Rounds::Every
    }

    /// Whether it can do this work at all.
    pub(super) fn offers(&self, work: &Work) -> bool {
        (self.offers)(work)
    }
}

fn any(work: &Work) -> bool {
    work.needs != Needs::Ours
}

/// Servers of revision 4 alone.
fn current(work: &Work) -> bool {
    matches!(work.needs, Needs::WebSocket | Needs::Polling)
}

/// The bare servers know nothing but frames. Growth is compared with theirs.
fn bare(work: &Work) -> bool {
    work.needs == Needs::WebSocket || work.name == "fanout-10000"
}

fn folder(job: &Job<'_>, name: &str) -> PathBuf {
    job.workspace.path("tests/load/peers").join(name)
}

fn ours(job: &mut Job<'_>) -> Result<Program, Error> {
    Ok(Program {
        words: vec![job.workspace.released("ours").into(), "0".into()],
        version: format!("socketio {}", env!("CARGO_PKG_VERSION")),
    })
}

/// A binary of an excluded crate, built below our target folder.
fn rust(job: &mut Job<'_>, name: &str, binary: &str, arguments: &[&str]) -> Result<Program, Error> {
    let (folder, target) = (folder(job, name), job.workspace.target().join("peers"));
    let mut command = cargo();
    command
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(&target)
        .current_dir(&folder);
    job.run(command, BUILD_LIMIT)?;
    let mut words = vec![target.join("release").join(binary).into()];
    words.extend(arguments.iter().map(OsString::from));
    words.push("0".into());
    let lock = fs::read_to_string(folder.join("Cargo.lock"))?;
    let measured = if name == "bare" && binary == "epoll" {
        "mio"
    } else {
        library(name)
    };
    Ok(Program {
        words,
        version: format!("{measured} {}", locked(&lock, measured)?),
    })
}

/// What of a crate's dependencies is measured.
fn library(name: &str) -> &str {
    if name == "bare" {
        "tokio-tungstenite"
    } else {
        name
    }
}

/// The version of a package in a `Cargo.lock`.
fn locked<'a>(lock: &'a str, name: &str) -> Result<&'a str, Error> {
    let entry = format!("name = \"{name}\"\nversion = \"");
    let version = lock
        .split(&entry)
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    version.ok_or_else(|| format!("no {name} in the lock file").into())
}

fn node(job: &mut Job<'_>) -> Result<Program, Error> {
    let folder = folder(job, "node");
    install::npm(job, &folder)?;
    javascript(job, "node".into(), &folder)
}

fn node_24(job: &mut Job<'_>) -> Result<Program, Error> {
    let (application, runtime) = (folder(job, "node"), folder(job, "node-24"));
    install::npm(job, &application)?;
    install::npm(job, &runtime)?;
    let node = binary(&runtime.join("node_modules"), "node-linux-", "bin/node")?;
    javascript(job, node, &application)
}

fn bun(job: &mut Job<'_>) -> Result<Program, Error> {
    let folder = folder(job, "bun");
    install::npm(job, &folder)?;
    // What the package's install script would link: the build for this machine.
    let bun = binary(&folder.join("node_modules/@oven"), "bun-linux-", "bin/bun")?;
    javascript(job, bun, &folder)
}

fn uwebsockets(job: &mut Job<'_>) -> Result<Program, Error> {
    let folder = folder(job, "uwebsockets");
    install::npm(job, &folder)?;
    let mut program = javascript(job, "node".into(), &folder)?;
    let mut ask = Command::new("node");
    ask.arg(folder.join("server.mjs")).arg("--version");
    program.version = format!("{}, {}", program.version, said(&mut ask)?);
    Ok(program)
}

fn javascript(job: &Job<'_>, runtime: PathBuf, folder: &Path) -> Result<Program, Error> {
    let package = folder.join("node_modules/socket.io/package.json");
    let package: Value = serde_json::from_str(&fs::read_to_string(package)?)?;
    let version = said(
        Command::new(&runtime)
            .arg("--version")
            .current_dir(job.workspace.root()),
    )?;
    let name = runtime.file_name().unwrap_or_default().to_string_lossy();
    Ok(Program {
        version: format!(
            "socket.io {}, {name} {version}",
            package["version"].as_str().unwrap_or("?")
        ),
        words: vec![runtime.into(), folder.join("server.mjs").into(), "0".into()],
    })
}

fn python(job: &mut Job<'_>) -> Result<Program, Error> {
    let folder = folder(job, "python-socketio");
    let python = install::python(job, &folder)?;
    let requirements = fs::read_to_string(folder.join("requirements.txt"))?;
    let version = said(Command::new(&python).arg("--version"))?;
    Ok(Program {
        words: vec![python.into(), folder.join("server.py").into(), "0".into()],
        version: format!("{}, {version}", requirements.trim().replace('\n', ", ")),
    })
}

/// The file in the folder that begins so: the package for this machine.
fn binary(modules: &Path, prefix: &str, file: &str) -> Result<PathBuf, Error> {
    for entry in fs::read_dir(modules)? {
        let entry = entry?;
        let path = entry.path().join(file);
        let is_it = entry.file_name().to_string_lossy().starts_with(prefix);
        if is_it && path.is_file() && Command::new(&path).arg("--version").output().is_ok() {
            return Ok(path);
        }
    }
    Err(format!("no {prefix}* for this machine in {}", modules.display()).into())
}

/// The first line that a command prints.
fn said(command: &mut Command) -> Result<String, Error> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr)
            .trim()
            .to_owned()
            .into());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::locked;

    #[test]
    fn versions_are_read_from_a_lock_file() {
        let lock = "[[package]]\nname = \"mio\"\nversion = \"1.2.5\"\n\n[[package]]\n";
        assert_eq!(locked(lock, "mio").unwrap(), "1.2.5");
        assert!(locked(lock, "io").is_err());
    }
}
