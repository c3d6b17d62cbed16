//! Writes what was measured into docs/performance.md and the README, between their markers.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use super::{
    Findings, codecs,
    peers::{PEERS, Peer, Rounds},
    plot::{Line, Plot},
    rounds,
    samples::Samples,
    targets::{Judged, Verdict},
    work::{self, Measure, WORKS, Work},
};
use crate::{
    job::{Error, Pace},
    workspace::Workspace,
};

const DOCUMENT: &str = "docs/performance.md";
const PLOTS: &str = "docs/performance";

pub(super) fn write(
    workspace: &Workspace,
    findings: &Findings,
    judged: &[Judged],
) -> Result<(), Error> {
    let plots = workspace.path(PLOTS);
    fs::create_dir_all(&plots)?;
    fs::write(plots.join("cpu.svg"), cpu_plot(&findings.samples))?;
    fs::write(
        plots.join("latency-fanout.svg"),
        latency_plot(&findings.samples, "fanout-1000"),
    )?;
    fs::write(
        plots.join("latency-echo.svg"),
        latency_plot(&findings.samples, "echo"),
    )?;
    replace_part(&workspace.path(DOCUMENT), &document(findings, judged)?)?;
    replace_part(
        &workspace.path("README.md"),
        &short_table(&findings.samples)?,
    )?;
    println!("\n  wrote {DOCUMENT}, {PLOTS}/*.svg and the table in README.md");
    Ok(())
}

/// Puts text between the two markers of a file.
fn replace_part(path: &Path, text: &str) -> Result<(), Error> {
    let old = fs::read_to_string(path)?;
    let new = between_markers(&old, text)
        .ok_or_else(|| format!("{} has no bench markers", path.display()))?;
    Ok(fs::write(path, new)?)
}

const START: &str = "<!-- bench: written by `cargo xtask bench --against peers` -->\n";
const END: &str = "<!-- /bench -->\n";

fn between_markers(old: &str, text: &str) -> Option<String> {
    let (before, rest) = old.split_once(START)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{START}\n{text}\n{END}{after}"))
}

fn document(findings: &Findings, judged: &[Judged]) -> Result<String, Error> {
    let mut text = format!("## The run\n\n{}\n", circumstances(findings)?);
    text += &format!("## Targets\n\n{}\n", targets_table(judged));
    text += &format!(
        "## Servers\n\nCPU time of the server in microseconds per delivery, echo or connect, or bytes: medians.\n\n{}\n",
        servers_table(findings)
    );
    text += &format!("![CPU per delivery]({PLOT_LINK}/cpu.svg)\n\n");
    text += &format!(
        "## Ratios\n\nOurs to the peer: median of the rounds' ratios (min–max).\n\n{}\n",
        ratios_table(&findings.samples)
    );
    text += &format!(
        "## Latency\n\nMilliseconds at the 50th, 90th and 99th percentile, with the load of the row.\n\n{}\n",
        latency_table(&findings.samples)
    );
    text += &format!(
        "![latency of a fan-out]({PLOT_LINK}/latency-fanout.svg)\n\n![latency of an echo]({PLOT_LINK}/latency-echo.svg)\n\n"
    );
    text += &format!("## topicd\n\n{}\n", rest_list(findings));
    text += &format!(
        "## Codecs\n\nNanoseconds per operation; the reference parses where ours only finds. Instructions and allocations of our hot paths: [instructions.tsv](../tests/load/instructions.tsv).\n\n{}\n",
        codecs_table(findings)
    );
    text += &format!("## Scale\n\n{}\n", scale(&findings.samples));
    text += &format!("## What did not count\n\n{}", exceptions(findings));
    Ok(text)
}

/// From the document.
const PLOT_LINK: &str = "performance";

fn circumstances(findings: &Findings) -> Result<String, Error> {
    let cores = std::thread::available_parallelism()?;
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let mut text = format!(
        "{}, {cores} cores ({model}), Linux {}, {}. {} rounds of {} s per run{}.\n\n",
        said("date", &["-u", "+%Y-%m-%d"])?,
        said("uname", &["-r"])?,
        said("rustc", &["--version"])?,
        rounds::rounds(findings.pace),
        rounds::seconds(findings.pace),
        match findings.pace {
            Pace::Full => "; peers marked * once",
            Pace::Quick => ": a quick run, for a first look only",
        },
    );
    for ready in &findings.peers {
        let _ = writeln!(text, "- {}: {}", ready.peer.title, ready.program.version);
    }
    for (title, reason) in &findings.missing {
        let _ = writeln!(
            text,
            "- **missing: {title}**: {}",
            reason.lines().next().unwrap_or("")
        );
    }
    Ok(text)
}

fn said(program: &str, arguments: &[&str]) -> Result<String, Error> {
    let output = Command::new(program).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn targets_table(judged: &[Judged]) -> String {
    let met = judged
        .iter()
        .filter(|target| target.verdict == Verdict::Met)
        .count();
    let mut text = format!("{met} of {} are met.\n\n", judged.len());
    text += "| work | target | measured | |\n|---|---|---|---|\n";
    for target in judged {
        let word = match target.verdict {
            Verdict::Met => "met",
            verdict => &format!("**{}**", verdict.word()),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {word} |",
            target.subject, target.promise, target.measured
        );
    }
    text
}

fn servers_table(findings: &Findings) -> String {
    table(&columns(|_| true), |work, peer| {
        let value = findings.samples.value(work, peer.name)?.median;
        let mark = if findings
            .samples
            .of(work, peer.name)
            .any(|sample| sample.misordered > 0)
        {
            " †"
        } else {
            ""
        };
        Some(format!("{}{mark}", shown(work, value)))
    }) + "\n† delivered out of order.\n"
}

fn ratios_table(samples: &Samples) -> String {
    table(
        &columns(|peer| !peer.name.starts_with("ours")),
        |work, peer| {
            let ratio = samples.ratio((work, "ours"), (work, peer.name))?;
            Some(ratio.to_string())
        },
    )
}

fn latency_table(samples: &Samples) -> String {
    table(&columns(|_| true), |work, peer| {
        if work.measure != Measure::Cpu {
            return None;
        }
        let percentile = |index| Some(samples.latency(work, peer.name, index)?.median);
        let (p50, p90, p99) = (percentile(0)?, percentile(1)?, percentile(2)?);
        Some(format!("{p50:.2} / {p90:.2} / {p99:.2}"))
    })
}

fn columns(wanted: impl Fn(&Peer) -> bool) -> Vec<&'static Peer> {
    PEERS.iter().filter(|peer| wanted(peer)).collect()
}

/// A row per work that has a cell, a column per peer.
fn table(peers: &[&Peer], cell: impl Fn(&Work, &Peer) -> Option<String>) -> String {
    let title = |peer: &&Peer| match peer.rounds {
        Rounds::Every => peer.title.to_owned(),
        Rounds::Once => format!("{}*", peer.title),
    };
    let titles: Vec<_> = peers.iter().map(title).collect();
    let mut text = format!(
        "| work | {} |\n|---|{}\n",
        titles.join(" | "),
        "---|".repeat(peers.len())
    );
    for work in WORKS {
        let cells: Vec<_> = peers.iter().map(|peer| cell(work, peer)).collect();
        if cells.iter().any(Option::is_some) {
            let cells: Vec<_> = cells
                .into_iter()
                .map(|cell| cell.unwrap_or_else(nothing))
                .collect();
            let _ = writeln!(text, "| {} | {} |", work.title, cells.join(" | "));
        }
    }
    text
}

/// Three digits that mean something.
fn shown(work: &Work, value: f64) -> String {
    match work.measure {
        Measure::Memory => format!("{:.0}", (value / 100.0).round() * 100.0),
        Measure::Cpu if value >= 100.0 => format!("{value:.0}"),
        Measure::Cpu if value >= 10.0 => format!("{value:.1}"),
        Measure::Cpu => format!("{value:.2}"),
    }
}

fn rest_list(findings: &Findings) -> String {
    let Some(figures) = &findings.rest else {
        return String::new();
    };
    format!(
        "- single values from 64 connections: {:.0} durable values/s\n\
         - batches of 100 from 8 connections: {:.0} durable values/s\n\
         - at half of the first load: a write is answered after {:.2} ms (median) and {:.2} ms (p99), \
         and delivered {:.2} ms after its answer (p99)\n\
         - the disk beside them: {:.0} syncs of 4 KiB a second\n",
        figures.single,
        figures.batches,
        figures.answer[0],
        figures.answer[1],
        figures.behind,
        figures.syncs
    )
}

fn codecs_table(findings: &Findings) -> String {
    const CODECS: [&str; 3] = ["ours", "socketioxide", "reference"];
    let mut text =
        String::from("| operation | ours | socketioxide | reference |\n|---|---|---|---|\n");
    for (work, times) in codecs::table(&findings.codecs) {
        let cells = CODECS.map(|who| times.get(who).map_or_else(nothing, |ns| format!("{ns:.0}")));
        let _ = writeln!(text, "| {work} | {} |", cells.join(" | "));
    }
    text
}

/// A cell where nothing was measured.
fn nothing() -> String {
    "–".into()
}

/// What the figures mean for one core, one machine and ten.
fn scale(samples: &Samples) -> String {
    let value = |name| Some(samples.value(work::find(name)?, "ours")?.median);
    let mut text = String::from(
        "On paper, from the medians above, with a fifth of each core kept free; a machine has 16 cores, \
         and a worker beyond the first costs what the row with two workers says.\n\n\
         | what | one core | one machine | ten machines |\n|---|---|---|---|\n",
    );
    let two = WORKS
        .iter()
        .find(|work| work.name == "fanout-1000")
        .and_then(|work| samples.ratio((work, "ours-two"), (work, "ours")));
    let cost = two.map_or(1.0, |ratio| ratio.median.max(1.0));
    for (what, name) in [
        ("deliveries a second, one publish at a time", "fanout-1000"),
        ("deliveries a second, 16 publishes at once", "burst"),
        ("echoes a second", "echo"),
        ("connects a second", "connect"),
    ] {
        if let Some(us) = value(name) {
            let core = 0.8e6 / us;
            let machine = core * 16.0 / cost;
            let _ = writeln!(
                text,
                "| {what} | {core:.0} | {machine:.0} | {:.0} |",
                machine * 10.0
            );
        }
    }
    if let Some(bytes) = value("idle") {
        let _ = writeln!(
            text,
            "\nA million idle WebSockets take {:.1} GB beside the kernel's buffers.",
            bytes / 1e3
        );
    }
    text
}

fn exceptions(findings: &Findings) -> String {
    if findings.samples.dropped.is_empty() {
        return "Every run counted.\n".into();
    }
    let lines = findings
        .samples
        .dropped
        .iter()
        .map(|reason| format!("- {reason}\n"));
    lines.collect()
}

/// The rows and peers that a reader of the README asks about first.
fn short_table(samples: &Samples) -> Result<String, Error> {
    const ROWS: [&str; 6] = ["fanout-1000", "burst", "polling", "echo", "connect", "idle"];
    const NAMES: [&str; 4] = ["ours", "uwebsockets", "socketioxide", "node-24"];
    let mut text = String::from(
        "| CPU µs of the server per unit, or bytes | ours | socket.io, uWebSockets | socketioxide | socket.io, Node 24 |\n|---|---|---|---|---|\n",
    );
    for name in ROWS {
        let work = work::find(name).ok_or("the table names a work that is not there")?;
        let cells = NAMES.map(|peer| {
            let value = samples.value(work, peer);
            value.map_or_else(nothing, |value| shown(work, value.median))
        });
        let _ = writeln!(text, "| {} | {} |", work.title, cells.join(" | "));
    }
    Ok(text)
}

fn cpu_plot(samples: &Samples) -> String {
    const SIZES: [&str; 4] = ["fanout-100", "fanout-1000", "fanout-5000", "fanout-10000"];
    let lines = columns(|peer| peer.name != "ours-two")
        .into_iter()
        .map(|peer| Line {
            name: peer.title,
            values: SIZES
                .map(|name| Some(samples.value(work::find(name)?, peer.name)?.median))
                .to_vec(),
        });
    Plot {
        title: "CPU of the server per delivery, 64 B, one topic",
        y_label: "µs, by subscribers",
        places: &["100", "1,000", "5,000", "10,000"],
        lines: lines.filter(has_values).collect(),
    }
    .svg()
}

fn latency_plot(samples: &Samples, name: &str) -> String {
    let work = work::find(name);
    let title = work.map_or(name, |work| work.title);
    let lines = columns(|peer| peer.name != "ours-two")
        .into_iter()
        .map(|peer| Line {
            name: peer.title,
            values: [0, 1, 2]
                .map(|index| Some(samples.latency(work?, peer.name, index)?.median))
                .to_vec(),
        });
    Plot {
        title,
        y_label: "latency in ms, by percentile",
        places: &["50", "90", "99"],
        lines: lines.filter(has_values).collect(),
    }
    .svg()
}

fn has_values(line: &Line<'_>) -> bool {
    line.values.iter().any(Option::is_some)
}

#[cfg(test)]
mod tests {
    use super::{END, START, between_markers};

    #[test]
    fn only_the_part_between_the_markers_changes() {
        let old = format!("before\n{START}old\n{END}after\n");
        let new = between_markers(&old, "new").unwrap();
        assert_eq!(new, format!("before\n{START}\nnew\n{END}after\n"));
        assert_eq!(between_markers(&new, "new").unwrap(), new);
        assert_eq!(between_markers("no markers", "new"), None);
    }
}
