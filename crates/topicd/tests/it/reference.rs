//! The tables of docs/topicd.md against the code.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::{server::Running, socket::Socket};

/// The lines of a marked part of the documentation.
fn documented(part: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/topicd.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, text) = text.split_once(&format!("<!-- {part} -->\n")).unwrap();
    let (table, _) = text.split_once("<!-- end -->").unwrap();
    table.lines().skip(2).map(str::to_owned).collect()
}

#[test]
fn every_setting_is_documented_as_it_is() {
    let rows = topicd::config::table_rows();
    assert_eq!(documented("settings"), rows, "\n{}\n", rows.join("\n"));
}

#[tokio::test]
async fn every_metric_is_documented_as_it_is() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let metrics = server.admin("GET", "/metrics", "").await;
    let help = metrics.body.lines();
    let help = help.filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '));
    let rows: BTreeSet<_> = help
        .map(|(name, about)| format!("| `{name}` | {} |", about.trim_end_matches('.')))
        .collect();
    let documented: BTreeSet<_> = documented("metrics").into_iter().collect();
    let wanted: Vec<_> = rows.iter().cloned().collect();
    assert_eq!(documented, rows, "\n{}\n", wanted.join("\n"));
}

#[test]
fn every_status_code_is_explained() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/topicd.openapi.json");
    let description: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let calls = description["paths"].as_object().unwrap().values();
    let calls = calls.flat_map(|path| path.as_object().unwrap().values());
    let answers = calls.filter_map(|call| call["responses"].as_object());
    let mut codes: BTreeSet<u16> = answers
        .flat_map(|answers| answers.keys().map(|code| code.parse().unwrap()))
        .filter(|code| *code >= 400)
        .collect();
    // Of paths and methods that are not in it, and of heads that are refused whatever they ask for.
    codes.extend([405, 410, 431]);
    let cell = |row: &String| row.split(' ').nth(1).unwrap().parse().unwrap();
    let explained: Vec<u16> = documented("codes").iter().map(cell).collect();
    assert!(explained.iter().eq(&codes), "{explained:?} {codes:?}");
}

#[test]
fn every_reason_of_a_session_is_explained() {
    use socketio::engineio::proto::CloseReason::{self, *};

    let reasons = [
        TransportClose,
        TransportError,
        PingTimeout,
        MessageTooLarge,
        ParseError,
        ForcedClose,
        ForcedServerClose,
        ServerShuttingDown,
        SlowConsumer,
        WriteTimeout,
        ApplicationPanic,
    ];
    let cell = |row: &String| row.split('`').nth(1).unwrap().to_owned();
    let explained: Vec<_> = documented("reasons").iter().map(cell).collect();
    assert!(
        explained.iter().eq(&reasons.map(CloseReason::name)),
        "{explained:?}"
    );
}
