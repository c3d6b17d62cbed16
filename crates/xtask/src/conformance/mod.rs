//! siospec against the fixtures of engineio and socketio, in every setting that some case needs; and
//! the conformance table, which is made of its results and of those of our Rust tests.

mod rows;
mod rust_tests;
mod table;

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, ExitCode},
    time::Duration,
};

use serde_json::Value;

use crate::{
    job::{Error, Job, Pace},
    run::{Step, run_all},
    server::Server,
    test,
    workspace::Workspace,
};
use rows::Demand;
pub(crate) use table::first_difference;
use table::{Case, Cases, Outcome};

const LIMIT: Duration = Duration::from_secs(180);

/// A fixture: an example of a crate.
struct Fixture {
    example: &'static str,
    path: &'static str,
    arguments: &'static [&'static str],
    /// Settings that need a server of their own, named as siospec names them.
    settings: &'static [&'static str],
}

/// The ids of cases that no setting has run yet.
type Pending = BTreeSet<String>;

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
        settings: &["jsonp", "recovery", "msgpack"],
    },
];

/// Writes the table anew.
pub(crate) fn write_table() -> Result<ExitCode, Error> {
    let step = Step {
        name: "conformance",
        about: "docs/conformance.md",
        run: |job| {
            let table = run_everything(job)?;
            fs::write(job.workspace.path(table::PATH), table)?;
            Ok(())
        },
    };
    let mut steps = test::choose(Pace::Full, Some(&["build"]))?;
    steps.push(&step);
    Ok(run_all(&Workspace::locate()?, &steps, Pace::Full))
}

/// A quick run sees only the plain fixtures, so it has no table to compare.
pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    if job.pace == Pace::Quick {
        for fixture in &FIXTURES {
            run(job, fixture, None, &mut Pending::new(), &mut Cases::new())?;
        }
        return Ok(());
    }
    let table = run_everything(job)?;
    let file = fs::read_to_string(job.workspace.path(table::PATH)).unwrap_or_default();
    match first_difference(&file, &table) {
        None => job.pass(table::PATH),
        Some(difference) => {
            let advice = "`cargo xtask conformance --table` writes it anew";
            job.fail(table::PATH, &format!("{difference}\n{advice}"));
        }
    }
    Ok(())
}

/// All cases and all Rust tests; gives the text of the table.
fn run_everything(job: &mut Job<'_>) -> Result<String, Error> {
    let mut cases = Cases::new();
    for fixture in &FIXTURES {
        let mut pending = Pending::new();
        run(job, fixture, None, &mut pending, &mut cases)?;
        for setting in fixture.settings {
            run(job, fixture, Some(setting), &mut pending, &mut cases)?;
        }
        for case in pending {
            job.fail(&case, "no setting in conformance/mod.rs lets it run");
        }
    }
    table::build(job, &cases)
}

/// Runs all cases against the plain fixture, and in a setting those that no earlier one could run.
fn run(
    job: &mut Job<'_>,
    fixture: &Fixture,
    setting: Option<&str>,
    pending: &mut Pending,
    cases: &mut Cases,
) -> Result<(), Error> {
    let name = [fixture.example, setting.unwrap_or("plain")].join("-");
    let mut server = Command::new(job.workspace.built("examples").join(fixture.example));
    server.arg("0").args(setting);
    let server = Server::start(job, server)?;
    let survey = Survey {
        name: &name,
        url: server.url() + fixture.path,
        arguments: fixture.arguments,
        setting,
    };
    let chosen: Vec<&str> = pending.iter().map(String::as_str).collect();
    let mut report = survey.run(job, setting.map(|_| chosen.as_slice()))?;
    let failing = failing(&report);
    if !failing.is_empty() {
        // Cases measure time, and a busy machine may miss a window. Alone, each has to pass.
        println!("  once more, alone: {}", failing.join(", "));
        let failing: Vec<&str> = failing.iter().map(String::as_str).collect();
        replace(&mut report, &survey.run(job, Some(&failing))?);
    }
    judge(job, &name, &report, pending)?;
    record(&report, setting.unwrap_or("plain"), cases)
}

/// siospec's way to one running server.
struct Survey<'a> {
    name: &'a str,
    url: String,
    arguments: &'a [&'a str],
    setting: Option<&'a str>,
}

impl Survey<'_> {
    /// The report on all cases, or on those that are named.
    fn run(&self, job: &mut Job<'_>, named: Option<&[&str]>) -> Result<Value, Error> {
        let report = job
            .workspace
            .artifact(&format!("siospec-{}.json", self.name));
        let mut siospec = Command::new(job.workspace.built("siospec"));
        siospec.arg(&self.url).args(self.arguments).arg("--strict");
        if let Some(setting) = self.setting {
            siospec.args(["--with", setting]);
        }
        if let Some(named) = named {
            siospec.args(["--case", &named.join(",")]);
        }
        siospec.arg("--json").arg(&report);
        if report.exists() {
            fs::remove_file(&report)?;
        }
        job.attempt(siospec, LIMIT)?;
        Ok(serde_json::from_slice(&fs::read(report)?)?)
    }
}

fn cases_of(report: &Value) -> impl Iterator<Item = &Value> {
    report["cases"].as_array().into_iter().flatten()
}

fn failing(report: &Value) -> Vec<String> {
    let failed = |case: &&Value| !matches!(case["outcome"].as_str(), Some("passed" | "skipped"));
    let id = |case: &Value| case["id"].as_str().unwrap_or_default().to_owned();
    cases_of(report).filter(failed).map(id).collect()
}

/// Puts the cases of a later report in the places of their earlier runs.
fn replace(report: &mut Value, later: &Value) {
    for case in report["cases"].as_array_mut().into_iter().flatten() {
        if let Some(again) = cases_of(later).find(|again| again["id"] == case["id"]) {
            *case = again.clone();
        }
    }
}

/// A skipped case waits for its setting.
fn judge(
    job: &mut Job<'_>,
    name: &str,
    report: &Value,
    pending: &mut Pending,
) -> Result<(), Error> {
    let cases = report["cases"]
        .as_array()
        .ok_or("the report has no cases")?;
    for case in cases {
        let id = case["id"].as_str().ok_or("a case has no id")?;
        pending.remove(id);
        match case["outcome"].as_str() {
            Some("passed") => job.pass(&format!("{name} {id}")),
            Some("skipped") => {
                pending.insert(id.into());
            }
            _ => job.fail(
                &format!("{name} {id}"),
                case["title"].as_str().unwrap_or(""),
            ),
        }
    }
    Ok(())
}

/// Keeps what the report says of each case, and its outcome where it ran.
fn record(report: &Value, setting: &str, cases: &mut Cases) -> Result<(), Error> {
    for case in report["cases"].as_array().into_iter().flatten() {
        let field = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
        let outcome = match field("outcome").as_str() {
            "passed" => Some(Outcome::Passed),
            "skipped" => None,
            _ => Some(Outcome::Failed),
        };
        let demand = Demand {
            clause: field("clause"),
            level: field("level"),
            outcome: field("title"),
        };
        let run = outcome.map(|outcome| (setting.to_owned(), outcome));
        let known = cases
            .entry(field("id"))
            .or_insert(Case { demand, run: None });
        known.run = known.run.take().or(run);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{failing, replace};

    #[test]
    fn a_second_run_takes_the_place_of_the_first() {
        let case = |id: &str, outcome: &str| json!({ "id": id, "outcome": outcome });
        let mut report = json!({ "cases": [case("B1", "failed"), case("B2", "passed")] });
        assert_eq!(failing(&report), ["B1"]);
        replace(&mut report, &json!({ "cases": [case("B1", "passed")] }));
        assert!(failing(&report).is_empty());
        let still = json!({ "cases": [case("B1", "deviates")] });
        replace(&mut report, &still);
        assert_eq!(failing(&report), ["B1"]);
    }
}
