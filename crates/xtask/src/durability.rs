//! No write is acknowledged before it is on disk: topicd under strace, which sees both, topicd killed a
//! hundred times while eight writers write, and topicd on a disk that is full.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::json;

use crate::{
    checks, http, install,
    job::{Error, Job},
    server::Server,
    workspace::cargo,
};

const WRITES: usize = 20;
/// The activation is acknowledged, too.
const ACKNOWLEDGED: usize = WRITES + 1;

const KILLS: &str = "100";
/// A kill and a start take about a second.
const LIMIT: Duration = Duration::from_secs(20 * 60);

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    kill(job)?;
    full(job)?;
    trace(job)
}

/// The test that `cargo test` runs with fewer kills.
fn kill(job: &mut Job<'_>) -> Result<(), Error> {
    let mut command = cargo();
    command
        .args(["test", "-p", "topicd", "--test", "it", "crash::"])
        .env("CRASH_KILLS", KILLS);
    let output = job.run(command, LIMIT)?;
    checks::count(job, &output)
}

/// Again, as only here it counts that a test was not allowed to mount the disk that it fills.
fn full(job: &mut Job<'_>) -> Result<(), Error> {
    let mut command = cargo();
    command.args(["test", "-p", "topicd", "--test", "it", "full::"]);
    let output = job.run(command, LIMIT)?;
    checks::count(job, &output)?;
    for reason in skipped(&output) {
        job.missing("full-disk", reason);
    }
    Ok(())
}

/// Why a test has not filled a disk. The line may stand behind the test's name.
fn skipped(output: &str) -> impl Iterator<Item = &str> {
    let lines = output.lines();
    lines.filter_map(|line| Some(line.split_once("SKIPPED full-disk: ")?.1))
}

fn trace(job: &mut Job<'_>) -> Result<(), Error> {
    let strace = match install::program(job, "strace") {
        Ok(path) => path,
        Err(error) => {
            job.missing("strace", &error.to_string());
            return Ok(());
        }
    };
    let trace = job.workspace.artifact("durability.strace");
    let data = job.workspace.empty_folder("topicd-durability")?;
    let code = activation_code(job, &data)?;
    let mut command = Command::new(strace);
    let calls = "--trace=fdatasync,pwrite64,write,writev,sendto,sendmsg";
    // With -I2 strace heeds SIGTERM although it writes to a file, and takes topicd with it.
    command
        .args(["-f", "-I2", "-s", "32", calls, "-o"])
        .arg(&trace);
    // Not `dev`, whose sensor writes on its own.
    command
        .arg(job.workspace.built("topicd"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data);
    let server = Server::start(job, command)?;
    write_values(&server, &code)?;
    server.stop();
    let trace = fs::read_to_string(trace)?;
    judge(job, &acknowledgements(&trace));
    Ok(())
}

fn activation_code(job: &Job<'_>, data: &Path) -> Result<String, Error> {
    let output = Command::new(job.workspace.built("topicd"))
        .args(["code", "create", "--data-dir"])
        .arg(data)
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

/// Activates a thing and writes to it, one request after the other.
fn write_values(server: &Server, code: &str) -> Result<(), Error> {
    let body = json!({ "activationCode": code }).to_string();
    let (_, activated) = http::request(server.address(), "POST", "/v2/things", &body)?;
    let thing = activated["thingToken"]
        .as_str()
        .ok_or_else(|| format!("no thingToken in {activated}"))?;
    for number in 0..WRITES {
        let body = json!({ "values": [{ "key": "durability", "value": number }] }).to_string();
        let path = format!("/v2/things/{thing}");
        let (status, _) = http::request(server.address(), "POST", &path, &body)?;
        if status != 201 {
            return Err(format!("write {number} was answered with {status}").into());
        }
    }
    Ok(())
}

fn judge(job: &mut Job<'_>, acknowledgements: &[Acknowledgement]) {
    if acknowledgements.len() != ACKNOWLEDGED {
        let found = acknowledgements.len();
        return job.fail(
            "trace",
            &format!("{found} acknowledgements for {ACKNOWLEDGED} changes"),
        );
    }
    for (number, acknowledgement) in acknowledgements.iter().enumerate() {
        let name = format!("change {number}");
        match acknowledgement {
            Acknowledgement::Synced => job.pass(&name),
            Acknowledgement::Unsynced => job.fail(&name, "acknowledged before any sync"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Acknowledgement {
    Synced,
    Unsynced,
}

/// One per answer 201, in the order of the trace. The writes come one after the other, so what the
/// store writes between two answers belongs to the second, and a sync has to end behind it.
fn acknowledgements(trace: &str) -> Vec<Acknowledgement> {
    let mut found = Vec::new();
    let mut state = Acknowledgement::Unsynced;
    for line in trace.lines() {
        if line.contains("HTTP/1.1 201") {
            found.push(std::mem::replace(&mut state, Acknowledgement::Unsynced));
        } else if line.contains("pwrite64") {
            state = Acknowledgement::Unsynced;
        } else if line.contains("fdatasync") && line.ends_with("= 0") {
            state = Acknowledgement::Synced;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Acknowledgement::*, acknowledgements, skipped};

    #[test]
    fn what_was_skipped_is_found() {
        let output = "test a ... SKIPPED full-disk: mount: not allowed\nok\ntest b ... ok\n";
        assert!(skipped(output).eq(["mount: not allowed"]));
    }

    #[test]
    fn a_sync_counts_for_the_next_answer_alone() {
        let trace = r#"
7 pwrite64(9, "..."..., 4096, 0) = 4096
7 fdatasync(9) = 0
8 writev(12, [{iov_base="HTTP/1.1 201 Created\r\n", iov_len=80}], 1) = 120
8 sendto(12, "HTTP/1.1 201 Created\r\n"..., 80, 0, NULL, 0) = 80
7 fdatasync(9 <unfinished ...>
8 sendto(12, "HTTP/1.1 201 Created\r\n"..., 80, 0, NULL, 0) = 80
7 <... fdatasync resumed>) = 0
8 sendto(12, "HTTP/1.1 201 Created\r\n"..., 80, 0, NULL, 0) = 80
7 fdatasync(9) = 0
7 pwrite64(9, "..."..., 4096, 4096) = 4096
8 sendto(12, "HTTP/1.1 201 Created\r\n"..., 80, 0, NULL, 0) = 80
"#;
        assert_eq!(
            acknowledgements(trace),
            [Synced, Unsynced, Unsynced, Synced, Unsynced]
        );
    }
}
