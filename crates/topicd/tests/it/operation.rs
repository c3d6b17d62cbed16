//! Proxies, reloads, certificates: what the operator sets and changes.

use std::path::Path;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use crate::{
    authority::Authority,
    client::{Answer, raw},
    server::Running,
    stream::Stream,
};

/// A server with TLS whose certificate is of `authority`.
async fn with_tls(authority: &Authority, folder: &Path) -> Running {
    authority.issue(folder);
    Running::configured(|config| {
        config.tls.certificate = Some(folder.join("cert.pem"));
        config.tls.key = Some(folder.join("key.pem"));
    })
    .await
}

async fn https(stream: &mut TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

const PING: &str = "GET /v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn rest_and_socket_io_are_served_with_tls_and_without() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;

    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let server = with_tls(&authority, folder.path()).await;
    let guest = server.guest().await;
    let mut stream = authority.connect(&server).await.unwrap();
    let answer = https(&mut stream, PING).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");

    let stream = authority.connect(&server).await.unwrap();
    let url = "wss://localhost/socket.io/?EIO=4&transport=websocket";
    let (mut websocket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let send = |packet: String| Message::text(packet);
    let topic = "/me/resources/a";
    for packet in [
        "40/v2,".to_owned(),
        format!(
            r#"42/v2,["authenticate",{}]"#,
            json!({ "sessionToken": guest.session })
        ),
        format!(r#"42/v2,["subscribe",{}]"#, json!({ "resource": topic })),
    ] {
        websocket.send(send(packet)).await.unwrap();
    }
    let mut next = async || {
        let message = websocket.next().await.unwrap().unwrap();
        message.into_text().unwrap().to_string()
    };
    for start in [
        "0{",
        "40/v2,",
        r#"42/v2,["authenticate""#,
        r#"42/v2,["subscribe""#,
    ] {
        let packet = next().await;
        assert!(packet.starts_with(start), "{packet}");
    }
    server.write(&guest.thing, "a", "1").await;
    let packet = next().await;
    assert!(
        packet.starts_with(r#"42/v2,["/me/resources/a",[{"key":"a""#),
        "{packet}"
    );
}

#[tokio::test]
async fn a_reload_takes_the_new_certificate_and_keeps_the_old_one_if_it_is_bad() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Authority::new(), Authority::new());
    let server = with_tls(&old, folder.path()).await;
    assert!(old.connect(&server).await.is_ok());
    assert!(new.connect(&server).await.is_err());

    std::fs::write(folder.path().join("cert.pem"), "no certificate").unwrap();
    let error = server.reloader.reload(&server.config).unwrap_err();
    assert!(error.to_string().starts_with("tls."), "{error}");
    assert!(old.connect(&server).await.is_ok());

    new.issue(folder.path());
    server.reloader.reload(&server.config).unwrap();
    assert!(new.connect(&server).await.is_ok());
    assert!(old.connect(&server).await.is_err());
}

#[tokio::test]
async fn plain_bytes_on_the_tls_port_harm_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let server = with_tls(&authority, folder.path()).await;
    let mut stream = TcpStream::connect(server.tls.unwrap()).await.unwrap();
    stream.write_all(PING.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
    let mut stream = authority.connect(&server).await.unwrap();
    let answer = https(&mut stream, PING).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

/// A login with a wrong password, each to an account of its own: accounts have a bound, too.
async fn wrong_login(server: &Running, attempt: usize, forwarded_for: &str) -> Answer {
    let body = format!(r#"{{"email":"nobody{attempt}@example.com","password":"wrong"}}"#);
    let (length, address) = (body.len(), server.address);
    let request = format!(
        "POST /v2/login HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         X-Forwarded-For: {forwarded_for}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    raw(address, &request).await
}

/// Guesses until it is refused. On a slow machine some tries come back meanwhile: ten a minute.
async fn guess(server: &Running, address: impl Fn(usize) -> String) -> Answer {
    for attempt in 0..100 {
        let answer = wrong_login(server, attempt, &address(attempt)).await;
        match answer.status {
            401 => {}
            _ => {
                assert!(attempt >= 10, "{attempt}");
                return answer;
            }
        }
    }
    panic!("never refused");
}

#[tokio::test]
async fn behind_a_named_proxy_one_guesser_locks_out_nobody_else() {
    let loopback = vec!["127.0.0.1".to_owned()];
    let server = Running::configured(|config| config.proxy.trusted = loopback).await;
    let locked = guess(&server, |_| "203.0.113.9".into()).await;
    assert_eq!(locked.status, 429);
    assert!(locked.head.contains("\r\nretry-after: "), "{}", locked.head);
    let other = wrong_login(&server, 0, "203.0.113.8").await;
    assert_eq!(other.status, 401);
}

#[tokio::test]
async fn who_is_no_named_proxy_cannot_choose_an_address() {
    let server = Running::start().await;
    let locked = guess(&server, |attempt| format!("203.0.113.{attempt}")).await;
    assert_eq!(locked.status, 429);
}

#[tokio::test]
async fn streams_are_bounded_for_each_client_of_a_proxy() {
    let server = Running::configured(|config| {
        config.proxy.trusted = vec!["127.0.0.1".to_owned()];
        config.limits.connections_per_address = 2;
    })
    .await;
    let (thing, _) = server.thing().await;
    let path = format!("/v2/things/{thing}");
    let from = |address: &str| format!("none\r\nX-Forwarded-For: {address}");
    let open = async |address: &str| Stream::open(&server, &path, &from(address)).await;
    let streams = [open("203.0.113.9").await, open("203.0.113.9").await];
    for stream in &streams {
        assert!(stream.head.starts_with("HTTP/1.1 200 "), "{}", stream.head);
    }
    let refused = open("203.0.113.9").await.head;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    let other = open("203.0.113.8").await.head;
    assert!(other.starts_with("HTTP/1.1 200 "), "{other}");
    drop(streams);
    // The server learns of that in a while.
    let mut again = open("203.0.113.9").await;
    for _ in 0..1000 {
        if again.head.starts_with("HTTP/1.1 200 ") {
            return;
        }
        again = open("203.0.113.9").await;
    }
    panic!("{}", again.head);
}

#[tokio::test]
async fn origins_and_limits_change_while_the_server_runs() {
    let server = Running::start().await;
    let page = "https://app.example";
    let handshake = format!(
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nOrigin: {page}\r\n\
         Connection: close\r\n\r\n"
    );
    assert_eq!(raw(server.address, &handshake).await.status, 403);
    let mut config = server.config.clone();
    config.cors.origins = vec![page.into()];
    config.realtime.max_connections = 1;
    config.accounts.registration = false;
    config.data_dir = "/elsewhere".into();
    let reloaded = server.reloader.reload(&config).unwrap();
    assert_eq!(
        reloaded.changed,
        [
            "accounts.registration",
            "realtime.max_connections",
            "cors.origins"
        ]
    );
    assert_eq!(reloaded.needs_restart, ["data_dir"]);
    let allowed = raw(server.address, &handshake).await;
    assert_eq!(allowed.status, 200);
    let header = "\r\naccess-control-allow-origin: https://app.example\r\n";
    assert!(allowed.head.contains(header), "{}", allowed.head);
    // That session is the only one that there may be now.
    let full = raw(server.address, &handshake).await;
    assert_eq!(full.status, 503);
    let body = r#"{"email":"a@b.example","password":"x"}"#;
    assert_eq!(
        server.call("POST", "/v2/register", "", body).await.status,
        403
    );
    config.cors.origins = vec!["nowhere".into()];
    assert!(server.reloader.reload(&config).is_err());
    let preflight = handshake.replace("GET", "OPTIONS").replace(
        "Connection: close",
        "Access-Control-Request-Method: GET\r\nConnection: close",
    );
    let permitted = raw(server.address, &preflight).await;
    assert_eq!(permitted.status, 204);
    assert!(permitted.head.contains(header), "{}", permitted.head);
    // Scripts see few headers of an answer unless they are named.
    let date = concat!(
        "GET /v2/utils/date HTTP/1.1\r\nHost: h\r\n",
        "Origin: https://app.example\r\nConnection: close\r\n\r\n"
    );
    let readable = raw(server.address, date).await;
    let exposed = "\r\naccess-control-expose-headers: retry-after\r\n";
    assert!(readable.head.contains(exposed), "{}", readable.head);
}
