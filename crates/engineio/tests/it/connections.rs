//! Connections of the stand-alone server that carry several requests.

use std::time::Duration;

use engineio::proto::{CloseReason, Data, SendOptions, SendOutcome};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::client::{HANDSHAKE, Http, PATIENCE, Server, config, polling, sid_of};

#[tokio::test]
async fn requests_of_every_kind_share_a_connection() {
    let server = Server::start(config()).await;
    let mut http = Http::connect(server.address).await;
    let opened = http.request("GET", HANDSHAKE, "").await;
    assert!(opened.head.contains("\r\ndate: "), "{}", opened.head);
    let target = polling(&sid_of(&opened.body));
    for turn in 0..3 {
        let message = format!("4{turn}");
        assert_eq!(http.request("POST", &target, &message).await.body, "ok");
        assert_eq!(http.request("GET", &target, "").await.body, message);
    }
    assert_eq!(http.request("GET", "/elsewhere", "").await.status, 404);
    // These two are answered by hyper, which then keeps the connection.
    http.send_head("POST", &target, "Transfer-Encoding: chunked")
        .await;
    http.send_raw("2\r\n4a\r\n0\r\n\r\n").await;
    assert_eq!(http.answer().await.body, "ok");
    http.send("POST", &target, "Expect: 100-continue\r\n", "4b")
        .await;
    assert!(http.head().await.starts_with("http/1.1 100 "));
    assert_eq!(http.answer().await.body, "ok");
    assert_eq!(http.request("GET", &target, "").await.body, "4a\u{1e}4b");
    http.send("HEAD", "/elsewhere", "Connection: close\r\n", "")
        .await;
    assert!(http.head().await.starts_with("http/1.1 404 "));
    http.end().await;
}

#[tokio::test]
async fn requests_that_do_not_wait_for_answers_are_answered_in_order() {
    let mut server = Server::start(config()).await;
    let target = polling(&server.handshake().await);
    let session = server.opened().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let get = format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n");
    let post = format!("POST {target} HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n");
    // The first poll waits for the server, all others for those before them; the last comes in two.
    let requests = format!("{get}{post}\r\n4a{post}\r\n4b{get}{post}");
    stream.write_all(requests.as_bytes()).await.unwrap();
    let hello = Data::Text("hello".into());
    let sent = session.send(hello, SendOptions::default());
    assert_eq!(sent, Ok(SendOutcome::Queued));
    let rest = b"Connection: close\r\n\r\n4c";
    stream.write_all(rest).await.unwrap();
    let mut answers = String::new();
    let read = stream.read_to_string(&mut answers);
    timeout(PATIENCE, read).await.unwrap().unwrap();
    let bodies: Vec<_> = answers
        .split("\r\n\r\n")
        .skip(1)
        .map(|part| part.split("HTTP/1.1").next().unwrap())
        .collect();
    assert_eq!(bodies, ["4hello", "ok", "ok", "4a\u{1e}4b", "ok"]);
}

#[tokio::test]
async fn a_client_that_leaves_behind_a_parked_poll_is_noticed() {
    let mut server = Server::start(config()).await;
    let mut http = Http::connect(server.address).await;
    let opened = http.request("GET", HANDSHAKE, "").await;
    server.opened().await;
    http.send("GET", &polling(&sid_of(&opened.body)), "", "")
        .await;
    let never = timeout(Duration::from_millis(100), http.answer());
    never.await.expect_err("nothing to answer with");
    drop(http);
    assert_eq!(server.closed().await, CloseReason::TransportError);
}

#[tokio::test]
async fn a_client_may_end_the_connection_in_any_line() {
    let server = Server::start(config()).await;
    for connection in [
        "Connection: close\r\n",
        "Connection: keep-alive, Close\r\n",
        "Connection: keep-alive\r\nConnection: close\r\n",
        "Connection: close\r\nConnection: keep-alive\r\n",
    ] {
        let mut http = Http::connect(server.address).await;
        http.send("GET", "/elsewhere", connection, "").await;
        let answer = http.answer().await;
        assert_eq!(answer.status, 404);
        assert!(
            answer.head.contains("\r\nconnection: close"),
            "{connection}"
        );
        http.end().await;
    }
    // Proxies say this of every request.
    let mut http = Http::connect(server.address).await;
    for _ in 0..2 {
        http.send("GET", "/elsewhere", "Connection: upgrade\r\n", "")
            .await;
        assert_eq!(http.answer().await.status, 404);
    }
}

#[tokio::test]
async fn silence_between_requests_has_an_end() {
    let mut config = config();
    config.protocol.limits.header_timeout = Duration::from_millis(100);
    let server = Server::start(config).await;
    let silent = Http::connect(server.address).await;
    let mut http = Http::connect(server.address).await;
    assert_eq!(http.request("GET", "/elsewhere", "").await.status, 404);
    http.end().await;
    silent.end().await;
    let mut slow = Http::connect(server.address).await;
    slow.send_raw("GET /elsewhere HT").await;
    slow.end().await;
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_one_to_end() {
    let mut config = config();
    config.protocol.limits.max_connections = 1;
    let server = Server::start(config).await;
    let mut first = Http::connect(server.address).await;
    assert_eq!(first.request("GET", "/elsewhere", "").await.status, 404);
    let mut second = Http::connect(server.address).await;
    second.send("GET", "/elsewhere", "", "").await;
    assert_eq!(first.request("GET", "/elsewhere", "").await.status, 404);
    drop(first);
    assert_eq!(second.answer().await.status, 404);
}

#[tokio::test]
async fn the_end_of_the_server_ends_connections_between_requests() {
    let mut server = Server::start(config()).await;
    let mut idle = Http::connect(server.address).await;
    let opened = idle.request("GET", HANDSHAKE, "").await;
    let mut parked = Http::connect(server.address).await;
    parked
        .send("GET", &polling(&sid_of(&opened.body)), "", "")
        .await;
    server.opened().await;
    server.stop();
    let last = parked.answer().await;
    assert_eq!((last.status, last.body.as_str()), (200, "1"));
    parked.end().await;
    idle.end().await;
    server.stopped().await;
}
