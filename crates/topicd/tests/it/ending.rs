//! The end of a server, step by step.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::{
    client::{call, raw},
    server::Running,
    socket::Socket,
};

#[tokio::test]
async fn readiness_goes_sessions_end_in_slices_and_listeners_close_last() {
    let server = Running::configured(|config| {
        config.shutdown.drain_seconds = 2;
        config.shutdown.deadline_seconds = 10;
    })
    .await;
    let guest = server.guest().await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let mut socket = Socket::open(server.address).await;
        socket.log_in(&guest.session).await;
        sockets.push(socket);
    }
    let begun = Instant::now();
    let stopping = server.begin_to_stop();
    let mut ending = JoinSet::new();
    for mut socket in sockets {
        ending.spawn(async move {
            while socket.next_or_end().await.is_some() {}
            begun.elapsed()
        });
    }
    // The first one has ended: from here on the server drains.
    let first = ending.join_next().await.unwrap().unwrap();
    let ready = call(stopping.admin, "GET", "/readyz", "", "").await;
    ready.is(503, r#"{"status":"draining"}"#);
    let alive = call(stopping.admin, "GET", "/healthz", "", "").await;
    alive.is(200, r#"{"status":"alive"}"#);
    let open = "/socket.io/?EIO=4&transport=polling";
    let refused = call(stopping.address, "GET", open, "", "").await;
    assert_eq!(refused.status, 503);
    assert!(
        refused.head.contains("\r\nretry-after: "),
        "{}",
        refused.head
    );
    // Who asks for no session is served until the end.
    let rest = call(stopping.address, "GET", "/v2/me/things", &guest.session, "").await;
    assert_eq!(rest.status, 200);
    let ends = ending.join_all().await;
    // All at once would be one slice.
    let spread = *ends.iter().max().unwrap() - first;
    assert!(spread > Duration::from_millis(500), "{ends:?}");
    let (address, admin) = (stopping.address, stopping.admin);
    stopping.ended().await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    for address in [address, admin] {
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}

#[tokio::test]
async fn the_connection_after_the_last_one_is_told_so() {
    use tokio::{io::AsyncWriteExt as _, net::TcpStream};

    let server = Running::configured(|config| config.realtime.max_connections = 2).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET /v2 HTTP/1.1\r\n").await.unwrap();
        held.push(stream);
    }
    let request = "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n";
    let refused = raw(server.address, request).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.head.contains("\r\nretry-after: 1"), "{refused:?}");
    assert!(
        refused.head.contains("\r\nconnection: close"),
        "{refused:?}"
    );
    // The operator still comes in.
    call(server.admin, "GET", "/readyz", "", "")
        .await
        .is(200, r#"{"status":"ready"}"#);
    drop(held);
    // The server notices the end of those connections in its own time.
    let mut status = 503;
    while status == 503 {
        status = call(server.address, "GET", "/v2", "", "").await.status;
    }
    assert_eq!(status, 401);
}

#[tokio::test]
async fn a_head_has_64_fields_at_most() {
    let server = Running::start().await;
    let request = |fields: usize| {
        let fields: String = (0..fields)
            .map(|number| format!("X-{number}: y\r\n"))
            .collect();
        format!("GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n")
    };
    assert_eq!(raw(server.address, &request(62)).await.status, 401);
    assert_eq!(raw(server.address, &request(63)).await.status, 431);
}
