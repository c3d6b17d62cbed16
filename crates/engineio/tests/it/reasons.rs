//! Every refused request and every ended session is counted and logged, with a reason and a hint.

use std::time::Duration;

use bytes::Bytes;
use engineio::{
    Config, Hooks, PeerAddr, Refusal,
    proto::{CloseReason, Data, SendOptions, SendOutcome, Sid},
};
use http::Request;
use http_body_util::Full;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    client::{HANDSHAKE, Happened, Http, PATIENCE, Server, WEBSOCKET, config, polling},
    log::Log,
};

/// Bounds and hooks that a few requests reach.
fn strict() -> Config {
    let mut config = config();
    let limits = &mut config.protocol.limits;
    limits.max_payload = 1_000;
    limits.max_target = 1_000;
    limits.max_head = 8 * 1024;
    limits.body_timeout = Duration::from_millis(50);
    limits.allow_timeout = Duration::from_millis(50);
    limits.max_sessions_per_address = 0;
    let asked = |handshake: engineio::Handshake| async move {
        match handshake.query() {
            query if query.ends_with("refuse") => Err(Refusal::default()),
            query if query.ends_with("hang") => std::future::pending().await,
            _ => Ok(()),
        }
    };
    let numbers = std::sync::atomic::AtomicU32::new(0);
    let sid = move |handshake: &engineio::Handshake| {
        let number = numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let named = !handshake.query().ends_with("unnamed");
        named.then(|| Sid::parse(&format!("session{number}")).unwrap())
    };
    config.hooks = Hooks::default().allow(asked).sid(sid);
    config
}

/// Waits until the server has counted a refusal, which may be behind the end of a connection.
async fn counted(server: &Server, name: &str) {
    let count = async {
        while !server.service.stats().refused.contains_key(name) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, count).await;
    assert!(waited.is_ok(), "{name} in {:?}", server.service.stats());
}

async fn send_raw(server: &Server, bytes: &[u8]) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
}

#[tokio::test]
async fn every_refusal_is_counted_and_logged_with_a_hint() {
    let (log, _logging) = Log::start();
    let server = Server::start(strict()).await;
    let websocket = "/engine.io/?EIO=4&transport=websocket";
    let long = format!("{HANDSHAKE}&x={}", "y".repeat(1_000));
    let heads = [
        ("path", "GET", "/elsewhere", ""),
        (
            "transport_unknown",
            "GET",
            "/engine.io/?EIO=4&transport=x",
            "",
        ),
        (
            "unsupported_version",
            "GET",
            "/engine.io/?EIO=7&transport=polling",
            "",
        ),
        ("bad_handshake_method", "POST", HANDSHAKE, ""),
        ("session_id_unknown", "GET", &polling("nobody"), ""),
        ("bad_request", "GET", websocket, ""),
        ("forbidden", "GET", &format!("{HANDSHAKE}&refuse"), ""),
        ("allow_timeout", "GET", &format!("{HANDSHAKE}&hang"), ""),
        ("sid_hook", "GET", &format!("{HANDSHAKE}&unnamed"), ""),
        (
            "application_panic",
            "GET",
            &format!("{HANDSHAKE}&panic"),
            "",
        ),
        ("target_too_long", "GET", &long, ""),
        ("host", "GET", HANDSHAKE, "Host: other\r\n"),
        (
            "websocket_request",
            "GET",
            websocket,
            "Connection: Upgrade\r\nUpgrade: websocket\r\n",
        ),
        (
            "websocket_version",
            "GET",
            websocket,
            &WEBSOCKET.replace("13", "12"),
        ),
    ];
    for (name, method, target, headers) in heads {
        server.request_with(method, target, headers, "").await;
        counted(&server, name).await;
    }
    let sid = polling(&server.handshake().await);
    server.request("PUT", &sid, "").await;
    server.request("POST", &sid, &"4".repeat(1_001)).await;
    let octets = "Content-Type: application/octet-stream\r\n";
    server.request_with("POST", &sid, octets, "4").await;
    let sid = server.handshake().await;
    server.post(&sid, "?").await;
    let sid = server.handshake().await;
    let _ = tokio::join!(server.poll(&sid), server.poll(&sid));
    let sid = polling(&server.handshake().await);
    let mut unfinished = Http::connect(server.address).await;
    unfinished
        .send_head("POST", &sid, "Content-Length: 5")
        .await;
    unfinished.answer().await;
    let sid = polling(&server.handshake().await);
    let cut = format!("POST {sid} HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n4");
    send_raw(&server, cut.as_bytes()).await;
    counted(&server, "body_aborted").await;
    send_raw(&server, b"\x16\x03\x01 no HTTP\r\n\r\n").await;
    counted(&server, "http_syntax").await;
    let header = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(10_000));
    send_raw(&server, header.as_bytes()).await;
    counted(&server, "head_too_large").await;
    let from_afar = Request::get(HANDSHAKE)
        .header("host", "test")
        .extension(PeerAddr("192.0.2.1:4000".parse().unwrap()))
        .body(Full::<Bytes>::default());
    server.service.answer(from_afar.unwrap()).await;
    server.service.close().await;
    server.request("GET", HANDSHAKE, "").await;

    let refused = server.service.stats().refused;
    let mut names: Vec<_> = heads.iter().map(|(name, ..)| *name).collect();
    names.extend([
        "method_not_allowed",
        "too_large",
        "binary_not_allowed",
        "bad_payload",
        "overlap",
        "body_timeout",
        "body_aborted",
        "http_syntax",
        "head_too_large",
        "too_many_sessions_of_address",
        "server_shutting_down",
    ]);
    names.sort_unstable();
    assert_eq!(refused.keys().copied().collect::<Vec<_>>(), names);
    assert!(refused.values().all(|count| *count == 1), "{refused:?}");
    for name in names {
        let hint = log.hint("request refused", name);
        assert!(hint.is_some_and(|hint| hint.len() > 10), "{name}");
    }
}

#[tokio::test]
async fn a_full_server_says_so() {
    let (log, _logging) = Log::start();
    let mut config = config();
    config.protocol.limits.max_sessions = 0;
    let server = Server::start(config).await;
    server.request("GET", HANDSHAKE, "").await;
    let refused = server.service.stats().refused;
    assert_eq!(refused, [("too_many_sessions", 1)].into());
    let hint = log.hint("request refused", "too_many_sessions");
    assert_eq!(hint.as_deref(), Some("raise max_sessions, or add servers"));
}

/// Waits for the end of a session, whatever else is told before.
async fn ended(server: &mut Server) -> CloseReason {
    loop {
        if let Happened::Closed(reason) = server.event().await {
            return reason;
        }
    }
}

#[tokio::test]
async fn every_end_is_counted_and_logged_with_a_hint() {
    let (log, _logging) = Log::start();
    let mut config = config();
    config.protocol.ping_interval = Duration::from_millis(50);
    config.protocol.ping_timeout = Duration::from_millis(2_000);
    config.protocol.limits.max_payload = 100_000;
    config.protocol.limits.max_queued_bytes = 1_000;
    config.protocol.limits.blocked_write = Duration::from_millis(50);
    let mut server = Server::start(config).await;
    let mut reasons = Vec::new();
    let large = |size| Data::Binary(vec![0; size].into());
    let options = SendOptions::default();

    for body in ["1", "?", "4panic", "2"] {
        let sid = server.handshake().await;
        server.opened().await;
        server.post(&sid, body).await;
        reasons.push(ended(&mut server).await);
    }
    for reason in [CloseReason::ForcedClose, CloseReason::ForcedServerClose] {
        let mut socket = server.websocket("").await;
        server.opened().await.close(reason);
        while !socket.next().await.is_close() {}
        reasons.push(ended(&mut server).await);
    }
    let mut socket = server.websocket("").await;
    server.opened().await;
    socket.send(&"4".repeat(100_001)).await;
    reasons.push(ended(&mut server).await);
    server.handshake().await;
    let session = server.opened().await;
    assert_eq!(session.send(large(900), options), Ok(SendOutcome::Queued));
    session.send(large(900), options).unwrap_err();
    reasons.push(ended(&mut server).await);
    // More than the buffers of both ends take.
    let _silent = server.websocket("").await;
    let session = server.opened().await;
    let sent = session.send(large(32 * 1024 * 1024), options);
    assert_eq!(sent, Ok(SendOutcome::Queued));
    reasons.push(ended(&mut server).await);
    server.handshake().await;
    reasons.push(ended(&mut server).await);
    let mut socket = server.websocket("").await;
    let service = server.service.clone();
    let closing = tokio::spawn(async move { service.close().await });
    while !socket.next().await.is_close() {}
    reasons.push(ended(&mut server).await);
    closing.await.unwrap();

    let expected = [
        CloseReason::TransportClose,
        CloseReason::ParseError,
        CloseReason::ApplicationPanic,
        CloseReason::TransportError,
        CloseReason::ForcedClose,
        CloseReason::ForcedServerClose,
        CloseReason::MessageTooLarge,
        CloseReason::SlowConsumer,
        CloseReason::WriteTimeout,
        CloseReason::PingTimeout,
        CloseReason::ServerShuttingDown,
    ];
    assert_eq!(reasons, expected);
    let closed = server.service.stats().closed;
    assert_eq!(closed, expected.map(|reason| (reason.name(), 1)).into());
    for reason in expected {
        let hint = log.hint("session closed", reason.name());
        assert_eq!(hint.as_deref(), Some(reason.hint()), "{reason}");
    }
}
