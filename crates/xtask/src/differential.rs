//! Our decoders against the reference's parsers, on the same generated inputs.

use std::{process::Command, time::Duration};

use crate::{
    install, interop,
    job::{Error, Job},
    workspace::cargo,
};

/// Inputs are the same in every run, so that a difference can be looked at again.
const SEED: &str = "1";

/// A comparison: a script and the example that decodes for it.
struct Comparison {
    script: &'static str,
    package: &'static str,
    example: &'static str,
    parsers: &'static [&'static str],
    inputs_per_form: &'static str,
    /// The forms of input, and at the end whether every rule of the list was met.
    scenarios: &'static [&'static str],
}

const COMPARISONS: [Comparison; 2] = [
    Comparison {
        script: "engineio.mjs",
        package: "engineio-proto",
        example: "decode_lines",
        parsers: &["engine.io-parser-2.2.1", "engine.io-parser-5.2.3"],
        inputs_per_form: "8000",
        scenarios: &[
            "packet-3", "packet-4", "frame-3", "frame-4", "text-3", "binary-3", "text-4", "rules",
        ],
    },
    Comparison {
        script: "socketio.mjs",
        package: "socketio-proto",
        example: "decode_packets",
        parsers: &["socket.io-parser-3.3.6", "socket.io-parser-4.2.7"],
        inputs_per_form: "20000",
        scenarios: &["packet-4", "packet-5", "rules"],
    },
];

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    for comparison in &COMPARISONS {
        run(job, comparison)?;
    }
    Ok(())
}

fn run(job: &mut Job<'_>, comparison: &Comparison) -> Result<(), Error> {
    let folder = job.workspace.path("tests/differential");
    for parser in comparison.parsers {
        install::npm(job, &folder.join(parser))?;
    }
    let mut build = cargo();
    build
        .args(["build", "-p", comparison.package])
        .args(["--example", comparison.example]);
    job.run(build, Duration::from_secs(10 * 60))?;
    let mut compare = Command::new("node");
    compare
        .arg(folder.join(comparison.script))
        .arg(job.workspace.built("examples").join(comparison.example))
        .args([SEED, comparison.inputs_per_form]);
    let output = job.attempt(compare, Duration::from_secs(120))?;
    interop::judge(job, comparison.script, &output.text, comparison.scenarios);
    Ok(())
}
