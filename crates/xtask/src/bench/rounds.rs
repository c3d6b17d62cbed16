//! Takes the samples: every round runs every work on every peer, one after the other.

use std::process::Stdio;

use serde_json::Value;

use super::{
    cores::{Cores, Share},
    peers::{Ready, Rounds},
    samples::{Sample, Samples},
    work::Work,
};
use crate::{
    job::{Error, Job, Pace},
    server::Server,
};

/// A generator that is busier than this measures itself.
const MOST_GENERATOR_SHARE: f64 = 0.9;

/// Seconds after which a generator is ended.
const PATIENCE: &str = "180";

pub(super) fn run(
    job: &mut Job<'_>,
    cores: &Cores,
    peers: &[Ready],
    works: &[&'static Work],
) -> Result<Samples, Error> {
    let mut samples = Samples::default();
    for round in 0..rounds(job.pace) {
        for work in works {
            let runs = |ready: &&Ready| {
                ready.peer.offers(work) && (round == 0 || ready.peer.rounds == Rounds::Every)
            };
            for ready in peers.iter().filter(runs) {
                sample(job, cores, &mut samples, round, work, ready)?;
            }
        }
    }
    Ok(samples)
}

pub(super) fn rounds(pace: Pace) -> usize {
    match pace {
        Pace::Full => 7,
        Pace::Quick => 1,
    }
}

/// Measured in each run, after a warm-up of a fifth of it.
pub(super) fn seconds(pace: Pace) -> &'static str {
    match pace {
        Pace::Full => "2",
        Pace::Quick => "0.5",
    }
}

/// Runs one work on a server of its own.
fn sample(
    job: &mut Job<'_>,
    cores: &Cores,
    samples: &mut Samples,
    round: usize,
    work: &'static Work,
    ready: &Ready,
) -> Result<(), Error> {
    let name = format!("{} {} round {}", work.name, ready.peer.name, round + 1);
    let mut command = cores.server(ready.peer.share, &ready.program.words);
    if ready.peer.share == Share::Two {
        command.env("TOKIO_WORKER_THREADS", "2");
    }
    let server = Server::start(job, command)?;
    let report = generate(job, cores, &server, work.arguments)?;
    let Some(sample) = Sample::parse(&report) else {
        return drop_run(job, samples, ready, &format!("{name}: no report"));
    };
    let value = sample.value(work).unwrap_or_default();
    println!(
        "  {name:<44} {value:>10.2}  generator {:>3.0} %",
        sample.generator_share * 100.0
    );
    if sample.generator_share > MOST_GENERATOR_SHARE {
        samples
            .dropped
            .push(format!("{name}: the generator was the bottleneck"));
        return Ok(());
    }
    let (lost, wrong) = (&report["lost"], &report["wrong"]);
    if *lost != 0 || *wrong != 0 {
        return drop_run(
            job,
            samples,
            ready,
            &format!("{name}: {lost} lost, {wrong} wrong"),
        );
    }
    if sample.misordered > 0 && ready.peer.name.starts_with("ours") {
        return drop_run(job, samples, ready, &format!("{name}: out of order"));
    }
    job.pass(&name);
    samples.add(work, ready.peer.name, round, sample);
    Ok(())
}

/// What a peer does wrong is noted; what ours does wrong fails the run.
fn drop_run(
    job: &mut Job<'_>,
    samples: &mut Samples,
    ready: &Ready,
    reason: &str,
) -> Result<(), Error> {
    if ready.peer.name.starts_with("ours") {
        job.fail("unsound", reason);
    } else {
        println!("  dropped {reason}");
    }
    samples.dropped.push(reason.into());
    Ok(())
}

/// Runs the generator against a server; `Null` if it has reported nothing.
pub(super) fn generate(
    job: &mut Job<'_>,
    cores: &Cores,
    server: &Server,
    arguments: &[&str],
) -> Result<Value, Error> {
    let (load, pid) = (job.workspace.released("load"), server.pid().to_string());
    let (work, options) = arguments.split_first().ok_or("no work")?;
    let load = load.to_str().ok_or("the target folder has no UTF-8 name")?;
    let mut words = vec![
        "timeout",
        PATIENCE,
        load,
        work,
        "--address",
        server.address(),
    ];
    words.extend(["--pid", &pid, "--seconds", seconds(job.pace)]);
    words.extend(options);
    let mut command = cores.generator(&words);
    job.note(&format!("$ {}", words.join(" ")));
    let output = command.stdin(Stdio::null()).stderr(job.log()?).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    job.note(&text);
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
