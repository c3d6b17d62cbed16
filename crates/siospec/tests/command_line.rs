//! The binary as a user runs it, against servers of one canned answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};
use std::{env, fs, process, thread};

/// A server that answers every request alike.
fn canned(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // One read takes any of the small requests these tests cause.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

fn siospec(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_siospec"))
        .args(arguments)
        .output()
        .expect("the binary of this crate")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const UNKNOWN_TRANSPORT: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\
    Content-Length: 40\r\n\r\n{\"code\":0,\"message\":\"Transport unknown\"}";

#[test]
fn passing_cases_exit_with_0() {
    let url = format!("http://{}/engine.io/", canned(UNKNOWN_TRANSPORT));
    let output = siospec(&[&url, "--engine", "--case", "H10,H11,H12,H33"]);
    assert!(
        stdout(&output).contains("4 cases: 4 passed, 0 failed"),
        "{}",
        stdout(&output)
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_failing_case_exits_with_1_and_shows_the_wire() {
    let url = format!("http://{}/engine.io/", canned(UNKNOWN_TRANSPORT));
    let output = siospec(&[&url, "--engine", "--case", "H13"]);
    let text = stdout(&output);
    assert!(text.contains("✘ H13"), "{text}");
    assert!(text.contains("expected: status 400, code 3"), "{text}");
    assert!(
        text.contains("> GET /engine.io/?EIO=4&transport=websocket HTTP/1.1"),
        "{text}"
    );
    assert!(
        text.contains("< 400 | Content-Type: application/json"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn deviations_fail_only_a_strict_run() {
    let url = format!("http://{}/engine.io/", canned(UNKNOWN_TRANSPORT));
    let usual = siospec(&[&url, "--engine", "--case", "H3"]);
    assert!(stdout(&usual).contains("! H3"), "{}", stdout(&usual));
    assert_eq!(usual.status.code(), Some(0));
    let strict = siospec(&[&url, "--engine", "--case", "H3", "--strict"]);
    assert_eq!(strict.status.code(), Some(1));
}

#[test]
fn reports_are_written_to_files() {
    let url = format!("http://{}/engine.io/", canned(UNKNOWN_TRANSPORT));
    let path = |name: &str| env::temp_dir().join(format!("siospec-{}-{name}", process::id()));
    let (json, junit) = (path("report.json"), path("report.xml"));
    let files = [
        "--json",
        json.to_str().unwrap(),
        "--junit",
        junit.to_str().unwrap(),
    ];
    siospec(&[&[url.as_str(), "--engine", "--case", "H10"], &files[..]].concat());
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(report["summary"]["passed"], 1);
    assert_eq!(report["server"], url);
    assert!(
        fs::read_to_string(&junit)
            .unwrap()
            .contains("<testsuite name=\"eio4/requests\"")
    );
    fs::remove_file(json).unwrap();
    fs::remove_file(junit).unwrap();
}

#[test]
fn nothing_listening_exits_with_69() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let output = siospec(&[&format!("http://{address}/engine.io/"), "--engine"]);
    assert_eq!(output.status.code(), Some(69));
}

#[test]
fn nonsense_exits_with_2() {
    assert_eq!(siospec(&[]).status.code(), Some(2));
    assert_eq!(siospec(&["ftp://host/"]).status.code(), Some(2));
    assert_eq!(
        siospec(&["http://127.0.0.1:1/", "--case", "H0"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn cases_of_the_other_fixture_exit_with_2() {
    let url = format!("http://{}/socket.io/", canned(UNKNOWN_TRANSPORT));
    assert_eq!(siospec(&[&url, "--case", "H1"]).status.code(), Some(2));
}

#[test]
fn the_list_names_every_layer() {
    let text = stdout(&siospec(&["--list"]));
    for id in ["H1 ", "Q4 ", "U15 ", "N1 ", "V6 ", "Z4 "] {
        assert!(text.lines().any(|line| line.starts_with(id)), "{id}");
    }
}
