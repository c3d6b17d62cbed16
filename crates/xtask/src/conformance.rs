//! siospec against the fixtures of engineio and socketio, in every setting that some case needs.

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use serde_json::Value;

use crate::{
    job::{Error, Job, Pace},
    server::Server,
};

const LIMIT: Duration = Duration::from_secs(180);

/// A fixture: an example of a crate.
struct Fixture {
    example: &'static str,
    path: &'static str,
    arguments: &'static [&'static str],
    /// Settings that need a server of their own, named as siospec names them.
    settings: &'static [&'static str],
}

const FIXTURES: [Fixture; 2] = [
    Fixture {
        example: "conformance_engine",
        path: "/engine.io/",
        arguments: &["--engine"],
        settings: &[
            "eio3-off",
            "jsonp",
            "cors",
            "cors-origin",
            "cors-legacy",
            "cookie",
            "compression",
            "no-upgrades",
            "initial-packet",
            "hook",
            "header-hooks",
        ],
    },
    Fixture {
        example: "conformance",
        path: "/socket.io/",
        arguments: &[],
        settings: &[],
    },
];

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    for fixture in &FIXTURES {
        let mut seen = Seen::default();
        run(job, fixture, None, &mut seen)?;
        if job.pace == Pace::Full {
            for setting in fixture.settings {
                run(job, fixture, Some(setting), &mut seen)?;
            }
        }
    }
    Ok(())
}

/// Cases that an earlier setting has already judged.
#[derive(Default)]
struct Seen(BTreeSet<String>);

fn run(
    job: &mut Job<'_>,
    fixture: &Fixture,
    setting: Option<&str>,
    seen: &mut Seen,
) -> Result<(), Error> {
    let name = [fixture.example, setting.unwrap_or("plain")].join("-");
    let report = job.workspace.artifact(&format!("siospec-{name}.json"));
    let mut server = Command::new(job.workspace.built("examples").join(fixture.example));
    server.arg("0").args(setting);
    let server = Server::start(job, server)?;
    let mut siospec = Command::new(job.workspace.built("siospec"));
    siospec
        .arg(server.url() + fixture.path)
        .args(fixture.arguments)
        .arg("--strict");
    siospec.args(setting.map(|setting| format!("--with={setting}")));
    siospec.arg("--json").arg(&report);
    if report.exists() {
        fs::remove_file(&report)?;
    }
    job.attempt(siospec, LIMIT)?;
    let report: Value = serde_json::from_slice(&fs::read(report)?)?;
    judge(job, &name, &report, seen)
}

/// A failed case always counts; one that passes counts once, in the first setting that it runs in.
fn judge(job: &mut Job<'_>, name: &str, report: &Value, seen: &mut Seen) -> Result<(), Error> {
    let cases = report["cases"]
        .as_array()
        .ok_or("the report has no cases")?;
    for case in cases {
        let id = case["id"].as_str().ok_or("a case has no id")?;
        match case["outcome"].as_str() {
            Some("passed") => {
                if seen.0.insert(id.into()) {
                    job.pass(&format!("{name} {id}"));
                }
            }
            Some("skipped") => {}
            _ => job.fail(
                &format!("{name} {id}"),
                case["title"].as_str().unwrap_or(""),
            ),
        }
    }
    Ok(())
}
