//! The tables of docs/topicd.md against the code.

use std::{collections::BTreeSet, path::Path};

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
