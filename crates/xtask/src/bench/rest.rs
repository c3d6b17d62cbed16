//! topicd: values written by REST, to the disk and to a client, with the disk's own speed beside them.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use super::{
    cores::{Cores, Share},
    rounds,
    targets::Judged,
};
use crate::{
    http,
    job::{Error, Job},
    server::Server,
};

/// Things of each run: no thing may write more than 200 values a second, and 1,000 at once.
const SINGLE_THINGS: usize = 64;
const BATCH_THINGS: usize = 640;

/// What was measured.
pub(super) struct Figures {
    /// Values a second from 64 connections, one in each request.
    pub(super) single: f64,
    /// The same from 8 connections, a hundred in each.
    pub(super) batches: f64,
    /// Milliseconds from a write's answer to its delivery at half of that load, 99th percentile.
    pub(super) behind: f64,
    /// Milliseconds from a write to its answer there: 50th and 99th percentile.
    pub(super) answer: [f64; 2],
    /// Syncs of one page a second.
    pub(super) syncs: f64,
}

pub(super) fn measure(job: &mut Job<'_>, cores: &Cores) -> Result<Figures, Error> {
    let data = job.workspace.empty_folder("bench-topicd")?;
    let codes = [
        activation_codes(job, &data, "single", SINGLE_THINGS)?,
        activation_codes(job, &data, "batches", BATCH_THINGS)?,
        activation_codes(job, &data, "half", SINGLE_THINGS)?,
    ];
    let syncs = syncs(job, &data)?;
    let topicd = job.workspace.released("topicd");
    let words = [
        "dev",
        "--sensor",
        "off",
        "--listen",
        "127.0.0.1:0",
        "--data",
    ];
    let mut program = vec![topicd.into_os_string()];
    program.extend(words.map(Into::into));
    program.push(data.into());
    let server = Server::start(job, cores.server(Share::One, &program))?;
    let session = session(&server)?;
    let mut run = |codes: &str, options: &[&str]| -> Result<Value, Error> {
        let mut arguments = vec!["rest", "--codes", codes, "--session", &session];
        arguments.extend(options);
        let report = rounds::generate(job, cores, &server, &arguments)?;
        judge_run(job, &report, options);
        Ok(report)
    };
    let single = run(&codes[0], &["--writers", "64"])?;
    let batches = run(&codes[1], &["--writers", "8", "--batch", "100"])?;
    let rate = number(&single, "units_per_second") / 2.0;
    let rate = format!("{:.0}", rate.max(1.0));
    let half = run(&codes[2], &["--writers", "64", "--rate", &rate])?;
    Ok(Figures {
        single: number(&single, "units_per_second"),
        batches: number(&batches, "units_per_second"),
        behind: number(&half, "behind_answer_ms"),
        answer: ["p50", "p99"].map(|percentile| number(&half["latency_ms"], percentile)),
        syncs,
    })
}

/// What was lost or came out of order is a failure.
fn judge_run(job: &mut Job<'_>, report: &Value, options: &[&str]) {
    let name = format!("rest {}", options.join(" "));
    let sound = |field| report[field] == 0;
    println!(
        "  {name:<44} {:>10.0} values/s",
        number(report, "units_per_second")
    );
    if sound("lost") && sound("misordered") && sound("wrong") {
        job.pass(&name);
    } else {
        job.fail(&name, &format!("unsound: {report}"));
    }
}

fn number(report: &Value, field: &str) -> f64 {
    report[field].as_f64().unwrap_or(f64::NAN)
}

/// A file with new codes, one a line.
fn activation_codes(job: &Job<'_>, data: &Path, name: &str, count: usize) -> Result<String, Error> {
    let mut codes = Vec::new();
    for _ in 0..count {
        let output = Command::new(job.workspace.released("topicd"))
            .args(["code", "create", "--data-dir"])
            .arg(data)
            .output()?;
        codes.extend(output.stdout);
    }
    let file = data.with_extension(name);
    fs::write(&file, codes)?;
    Ok(file.to_string_lossy().into_owned())
}

fn syncs(job: &mut Job<'_>, data: &Path) -> Result<f64, Error> {
    let mut command = Command::new(job.workspace.released("load"));
    command.args(["disk", "--seconds", rounds::seconds(job.pace), "--folder"]);
    let output = command.arg(data).output()?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    Ok(number(&report, "units_per_second"))
}

fn session(server: &Server) -> Result<String, Error> {
    let (_, tokens) = http::request(server.address(), "GET", "/dev.json", "")?;
    let session = tokens["sessionToken"].as_str();
    Ok(session.ok_or("topicd dev names no session")?.into())
}

impl Figures {
    pub(super) fn judge(&self) -> Vec<Judged> {
        let values =
            |rate: f64| Some((rate, format!("{rate:.0}/s"))).filter(|(rate, _)| !rate.is_nan());
        let behind = Some((self.behind, format!("{:.2} ms", self.behind)));
        vec![
            Judged::at_most(
                "REST write to delivery at half load: p99 above the commit",
                "≤ 5 ms",
                behind.filter(|(behind, _)| !behind.is_nan()),
                5.0,
            ),
            Judged::at_least(
                "durable values in batches of 100",
                "≥ 10,000/s",
                values(self.batches),
                10_000.0,
            ),
            Judged::at_least(
                "durable values, single, from 64 connections",
                "≥ 2,000/s",
                values(self.single),
                2_000.0,
            ),
        ]
    }
}
