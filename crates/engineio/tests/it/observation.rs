//! What a host can see: figures and events of the log.

use engineio::{
    Stats,
    proto::{Transport, Version},
};

use crate::{
    client::{HANDSHAKE, Server, config},
    log::Log,
};

fn open(stats: &Stats, version: Version, transport: Transport) -> usize {
    let mut kinds = stats.sessions.iter();
    let kind = kinds.find(|kind| (kind.version, kind.transport) == (version, transport));
    kind.unwrap().count
}

#[tokio::test]
async fn sessions_are_counted_by_revision_transport_and_end() {
    let mut server = Server::start(config()).await;
    let sid = server.handshake().await;
    let mut socket = server.websocket(&format!("&sid={sid}")).await;
    socket.send("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    let before = server.service.stats();
    assert_eq!(open(&before, Version::V4, Transport::Polling), 1);

    socket.send("5").await;
    socket.send("4echo").await;
    assert_eq!(socket.text().await, "4echo");
    server
        .request("GET", &HANDSHAKE.replace("EIO=4", "EIO=3&b64=1"), "")
        .await;
    let during = server.service.stats();
    assert_eq!(open(&during, Version::V4, Transport::Polling), 0);
    assert_eq!(open(&during, Version::V4, Transport::WebSocket), 1);
    assert_eq!(open(&during, Version::V3, Transport::Polling), 1);

    server.opened().await;
    server.opened().await;
    socket.send("1").await;
    server.closed().await;
    let after = server.service.stats();
    assert_eq!(open(&after, Version::V4, Transport::WebSocket), 0);
    assert_eq!(after.opened, 2);
    assert_eq!(after.closed, [("transport_close", 1)].into());
    assert!(after.refused.is_empty());
}

#[tokio::test]
async fn refusals_are_counted_by_what_was_wrong() {
    let server = Server::start(config()).await;
    let sid = server.handshake().await;
    for (method, target) in [
        ("GET", "/elsewhere".into()),
        ("GET", "/engine.io/?EIO=4&transport=none".into()),
        ("GET", "/engine.io/?EIO=7&transport=polling".into()),
        ("GET", format!("{HANDSHAKE}&sid=unknown")),
        ("GET", format!("{HANDSHAKE}&sid=other")),
        ("PUT", format!("{HANDSHAKE}&sid={sid}")),
    ] {
        server.request(method, &target, "").await;
    }
    server.post(&sid, "?").await;
    let expected = [
        ("bad_payload", 1),
        ("method_not_allowed", 1),
        ("path", 1),
        ("session_id_unknown", 2),
        ("transport_unknown", 1),
        ("unsupported_version", 1),
    ];
    assert_eq!(server.service.stats().refused, expected.into());
}

#[tokio::test]
async fn refusals_and_ends_are_logged_with_a_reason_and_never_with_a_whole_sid() {
    let (log, _logging) = Log::start();
    let mut server = Server::start(config()).await;
    let sid = server.handshake().await;
    server.opened().await;
    let _ = tokio::join!(server.poll(&sid), server.poll(&sid));
    server.closed().await;
    server.poll(&format!("{sid}a")).await;

    let log = log.text();
    let short = format!("sid=Sid({}…)", &sid[..4]);
    let line = |reason: &str| {
        let reason = format!("reason=\"{reason}\"");
        let mut lines = log.lines().filter(|line| line.contains(&short));
        lines
            .find(|line| line.contains(&reason))
            .unwrap_or_else(|| panic!("no {reason} in {log}"))
    };
    assert!(line("overlap").contains("does a proxy retry?"));
    line("transport_error");
    line("session_id_unknown");
    assert!(!log.contains(&sid), "{log}");
}
