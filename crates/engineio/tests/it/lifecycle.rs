//! How sessions end, and the server with them.

use std::time::Duration;

use bytes::Bytes;
use engineio::{PeerAddr, proto::CloseReason};
use http::Request;
use http_body_util::Full;

use crate::client::{HANDSHAKE, Server, WEBSOCKET, config};

#[tokio::test]
async fn a_silent_client_is_timed_out() {
    let mut config = config();
    config.protocol.ping_interval = Duration::from_millis(200);
    config.protocol.ping_timeout = Duration::from_millis(100);
    let mut server = Server::start(config).await;
    let mut socket = server.websocket("").await;
    server.opened().await;
    assert!(socket.text().await.starts_with("0{"));
    assert_eq!(socket.text().await, "2");
    assert!(socket.next().await.is_close());
    assert_eq!(server.closed().await, CloseReason::PingTimeout);
    assert_eq!(server.service.sessions(), 0);
}

#[tokio::test]
async fn shutdown_delivers_what_is_queued_and_then_closes() {
    let mut server = Server::start(config()).await;
    let mut socket = server.websocket("").await;
    socket.text().await;
    socket.send("4last words").await;
    assert_eq!(socket.text().await, "4last words");
    server.opened().await;
    server.stop();
    assert!(socket.next().await.is_close());
    assert_eq!(server.closed().await, CloseReason::ServerShuttingDown);
    server.stopped().await;
}

#[tokio::test]
async fn a_closing_server_answers_the_last_poll_and_then_stops() {
    let mut server = Server::start(config()).await;
    let sid = server.handshake().await;
    server.opened().await;
    server.stop();
    assert_eq!(server.poll(&sid).await.body, "1");
    assert_eq!(server.closed().await, CloseReason::ServerShuttingDown);
    server.stopped().await;
}

#[tokio::test]
async fn who_does_not_take_its_last_bytes_is_cut_off() {
    let mut config = config();
    config.protocol.limits.close_deadline = Duration::from_millis(100);
    let mut server = Server::start(config).await;
    server.handshake().await;
    server.opened().await;
    server.service.close().await;
    assert_eq!(server.service.sessions(), 0);
    assert_eq!(server.closed().await, CloseReason::ServerShuttingDown);
}

#[tokio::test]
async fn a_draining_server_refuses_handshakes_and_ends_sessions_in_slices() {
    let mut server = Server::start(config()).await;
    let mut sockets = Vec::new();
    for _ in 0..4 {
        let mut socket = server.websocket("").await;
        socket.text().await;
        server.opened().await;
        sockets.push(socket);
    }
    let service = server.service.clone();
    let draining = tokio::spawn(async move { service.drain(Duration::from_millis(800)).await });
    server.closed().await;
    assert!(server.service.sessions() > 0, "not all at once");
    let refused = server.request("GET", HANDSHAKE, "").await;
    assert_eq!(refused.status, 503);
    assert!(refused.head.contains("retry-after: "));
    draining.await.unwrap();
    assert_eq!(server.service.sessions(), 0);
    let stats = server.service.stats();
    assert_eq!(stats.refused, [("server_shutting_down", 1)].into());
    assert_eq!(stats.closed, [("server_shutting_down", 4)].into());
    assert!(stats.sessions.iter().all(|kind| kind.count == 0));
}

#[tokio::test]
async fn a_panic_of_the_application_ends_only_its_session() {
    let mut server = Server::start(config()).await;
    let mut bystander = server.websocket("").await;
    let mut socket = server.websocket("").await;
    bystander.text().await;
    socket.text().await;
    server.opened().await;
    server.opened().await;
    socket.send("4panic").await;
    assert_eq!(server.closed().await, CloseReason::ApplicationPanic);
    bystander.send("4fine").await;
    assert_eq!(bystander.text().await, "4fine");
}

#[tokio::test]
async fn a_panic_before_a_close_packet_does_not_hide_the_end() {
    let mut server = Server::start(config()).await;
    let sid = server.handshake().await;
    server.opened().await;
    server.post(&sid, "4panic\u{1e}1").await;
    assert_eq!(server.closed().await, CloseReason::TransportClose);
    assert_eq!(server.service.sessions(), 0);
}

#[tokio::test]
async fn a_panic_while_a_session_opens_leaves_no_session() {
    let server = Server::start(config()).await;
    for query in ["polling&panic", "websocket&panic"] {
        let target = format!("/engine.io/?EIO=4&transport={query}");
        let headers = match query.starts_with("websocket") {
            true => WEBSOCKET,
            false => "",
        };
        let answer = server.request_with("GET", &target, headers, "").await;
        assert_eq!(answer.status, 500, "{query}");
        assert_eq!(server.service.sessions(), 0, "{query}");
    }
}

#[tokio::test]
async fn sessions_over_the_limit_are_told_to_come_back() {
    let mut config = config();
    config.protocol.limits.max_sessions = 1;
    let mut server = Server::start(config).await;
    let sid = server.handshake().await;
    let refused = server.request("GET", HANDSHAKE, "").await;
    assert_eq!(refused.status, 503);
    assert!(refused.head.contains("retry-after: "));
    server.opened().await;
    server.post(&sid, "1").await;
    server.closed().await;
    server.handshake().await;
}

#[tokio::test]
async fn one_address_does_not_take_all_places() {
    let mut config = config();
    config.protocol.limits.max_sessions_per_address = 1;
    let server = Server::start(config).await;
    let handshake_from = async |address: &str| {
        let request = Request::get(HANDSHAKE)
            .header("host", "test")
            .extension(PeerAddr(address.parse().unwrap()))
            .body(Full::<Bytes>::default());
        server.service.answer(request.unwrap()).await.status()
    };
    assert_eq!(handshake_from("192.0.2.1:4000").await, 200);
    assert_eq!(handshake_from("192.0.2.1:4001").await, 503);
    assert_eq!(handshake_from("192.0.2.2:4000").await, 200);
}
