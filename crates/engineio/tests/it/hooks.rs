//! The application's say, and the headers around an answer.

use std::time::Duration;

use bytes::Bytes;
use engineio::{
    Answer, Cookie, Cors, Encrypted, ForwardedHeader, Hooks, PeerAddr, Refusal, TrustedProxies,
    proto::{Data, Sid, Transports},
};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;

use crate::client::{HANDSHAKE, Http, Server, WEBSOCKET, config};

#[tokio::test]
async fn a_refused_handshake_makes_no_session() {
    let mut config = config();
    config.hooks = Hooks::default().allow(|handshake| async move {
        if handshake.query().contains("token=good") {
            return Ok(());
        }
        Err(Refusal {
            status: StatusCode::UNAUTHORIZED,
            message: "no \"token\"".into(),
        })
    });
    let server = Server::start(config).await;
    let refused = server.request("GET", HANDSHAKE, "").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.body, r#"{"code":4,"message":"no \"token\""}"#);
    assert_eq!(server.service.sessions(), 0);
    let target = format!("{HANDSHAKE}&token=good");
    assert_eq!(server.request("GET", &target, "").await.status, 200);
}

#[tokio::test]
async fn an_application_that_does_not_say_anything_refuses() {
    let mut config = config();
    config.protocol.limits.allow_timeout = Duration::from_millis(50);
    config.hooks = Hooks::default().allow(|_| std::future::pending());
    let server = Server::start(config).await;
    let refused = server.request("GET", HANDSHAKE, "").await;
    assert_eq!(refused.status, 503);
    assert!(refused.head.contains("retry-after: "));
    assert_eq!(server.service.sessions(), 0);
    let refused = server.service.stats().refused;
    assert_eq!(refused, [("allow_timeout", 1)].into());
}

#[tokio::test]
async fn a_websocket_is_refused_by_the_application_before_its_101() {
    let mut config = config();
    config.hooks = Hooks::default().allow(async |_| Err(Refusal::default()));
    let server = Server::start(config).await;
    let target = WEBSOCKET_HANDSHAKE;
    let refused = server.request_with("GET", target, WEBSOCKET, "").await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.body, r#"{"code":4,"message":"Forbidden"}"#);
}

#[tokio::test]
async fn a_transport_that_is_switched_off_is_unknown() {
    let unknown = r#"{"code":0,"message":"Transport unknown"}"#;
    let mut polling_only = config();
    polling_only.protocol.transports = Transports::Polling;
    let server = Server::start(polling_only).await;
    let opened = server.request("GET", HANDSHAKE, "").await;
    assert!(opened.body.contains(r#""upgrades":[]"#), "{opened:?}");
    let sid = crate::client::sid_of(&opened.body);
    for target in [
        WEBSOCKET_HANDSHAKE.into(),
        format!("{WEBSOCKET_HANDSHAKE}&sid={sid}"),
    ] {
        let refused = server.request_with("GET", &target, WEBSOCKET, "").await;
        assert_eq!(
            (refused.status, refused.body.as_str()),
            (400, unknown),
            "{target}"
        );
    }
    let mut websocket_only = config();
    websocket_only.protocol.transports = Transports::WebSocket;
    let server = Server::start(websocket_only).await;
    let refused = server.request("GET", HANDSHAKE, "").await;
    assert_eq!((refused.status, refused.body.as_str()), (400, unknown));
    assert!(server.websocket("").await.text().await.starts_with("0{"));
}

#[tokio::test]
async fn the_client_behind_a_proxy_is_known_only_if_the_proxy_is() {
    let handshake = || {
        let peer = PeerAddr("10.0.0.7:4000".parse().unwrap());
        let request = Request::get(format!("{HANDSHAKE}&room=7"))
            .header("host", "test")
            .header("x-forwarded-for", "198.51.100.1, 192.0.2.60")
            .extension(peer);
        request.body(Full::<Bytes>::default()).unwrap()
    };
    let network = "10.0.0.0/8".parse().unwrap();
    let trusted = TrustedProxies::new(ForwardedHeader::XForwardedFor, [network]);
    for (proxies, expected) in [(None, "10.0.0.7:4000"), (Some(trusted), "192.0.2.60:0")] {
        let mut config = config();
        config.proxies = proxies;
        let mut server = Server::start(config).await;
        assert_eq!(server.service.answer(handshake()).await.status(), 200);
        let session = server.opened().await;
        let seen = session.handshake();
        assert_eq!(seen.peer().unwrap().to_string(), expected);
        assert_eq!(seen.query(), "EIO=4&transport=polling&room=7");
        assert_eq!(seen.headers()["host"], "test");
    }
}

#[tokio::test]
async fn a_connection_is_secure_if_its_host_says_so() {
    let mut server = Server::start(config()).await;
    for secure in [false, true] {
        let mut request = Request::get(HANDSHAKE)
            .header("host", "test")
            .header("x-forwarded-proto", "https");
        if secure {
            request = request.extension(Encrypted);
        }
        let request = request.body(Full::<Bytes>::default()).unwrap();
        assert_eq!(server.service.answer(request).await.status(), 200);
        assert_eq!(server.opened().await.handshake().is_secure(), secure);
    }
}

#[tokio::test]
async fn the_peer_of_a_connection_is_the_client_without_proxies() {
    let mut server = Server::start(config()).await;
    let forwarded = "X-Forwarded-For: 192.0.2.60\r\nForwarded: for=192.0.2.60\r\n";
    server.request_with("GET", HANDSHAKE, forwarded, "").await;
    let peer = server.opened().await.handshake().peer().unwrap();
    assert!(peer.ip().is_loopback());
}

#[tokio::test]
async fn ids_headers_and_the_initial_message_are_the_applications() {
    let mut config = config();
    config.hooks = Hooks::default()
        .sid(|_| Sid::parse("chosen-by-the-host").ok())
        .headers(|answer, headers| {
            headers.insert("x-node", HeaderValue::from_static("7"));
            if answer == Answer::Initial {
                headers.insert("x-initial", HeaderValue::from_static("1"));
            }
        })
        .initial(Data::Text("first".into()));
    config.cookie = Some(Cookie::default());
    let server = Server::start(config).await;
    let opened = server.request("GET", HANDSHAKE, "").await;
    assert!(opened.body.ends_with("\u{1e}4first"), "{opened:?}");
    assert!(opened.head.contains("x-node: 7") && opened.head.contains("x-initial: 1"));
    assert!(
        opened
            .head
            .contains("set-cookie: io=chosen-by-the-host; path=/; httponly")
    );
    // The id is taken now.
    let refused = server.request("GET", HANDSHAKE, "").await;
    assert_eq!(refused.status, 400);
    assert!(refused.head.contains("x-node: 7") && !refused.head.contains("x-initial"));
    assert!(!refused.head.contains("set-cookie"));
}

async fn websocket_head(server: &Server, headers: &str) -> String {
    let mut connection = Http::connect(server.address).await;
    let headers = format!("{WEBSOCKET}{headers}");
    connection
        .send("GET", WEBSOCKET_HANDSHAKE, &headers, "")
        .await;
    connection.head().await
}

#[tokio::test]
async fn a_101_has_the_headers_of_an_answer() {
    let mut config = config();
    config.cors = Cors::Mirror;
    config.cookie = Some(Cookie::default());
    config.hooks = Hooks::default().headers(|answer, headers| {
        assert_eq!(answer, Answer::Initial);
        headers.insert("x-node", HeaderValue::from_static("7"));
    });
    let server = Server::start(config).await;
    let head = websocket_head(&server, "Origin: https://app.example\r\n").await;
    for line in [
        "http/1.1 101",
        "access-control-allow-origin: https://app.example",
        "access-control-allow-credentials: true",
        "vary: origin",
        "set-cookie: io=",
        "x-node: 7",
    ] {
        assert!(head.contains(line), "no {line} in {head}");
    }
}

#[tokio::test]
async fn cors_headers_stand_on_answers_errors_and_preflights() {
    let mut config = config();
    config.cors = Cors::List(vec![HeaderValue::from_static("https://app.example")]);
    let server = Server::start(config).await;
    let origin = "Origin: https://app.example\r\n";
    for target in [HANDSHAKE, "/engine.io/?EIO=4&transport=none"] {
        let answer = server.request_with("GET", target, origin, "").await;
        assert!(
            answer
                .head
                .contains("access-control-allow-origin: https://app.example")
        );
        assert!(
            answer
                .head
                .contains("access-control-allow-credentials: true")
        );
    }
    let preflight = format!("{origin}Access-Control-Request-Method: POST\r\n");
    let answer = server
        .request_with("OPTIONS", HANDSHAKE, &preflight, "")
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert!(
        answer
            .head
            .contains("access-control-allow-origin: https://app.example")
    );
}

#[cfg(feature = "compression")]
#[tokio::test]
async fn long_poll_answers_are_compressed_where_that_is_on() {
    let gzip = "Accept-Encoding: gzip\r\n";
    for compression in [None, Some(engineio::Compression::default())] {
        let mut config = config();
        config.compression = compression;
        let server = Server::start(config).await;
        let sid = server.handshake().await;
        server.post(&sid, &format!("4{}", "x".repeat(2_000))).await;
        let mut connection = Http::connect(server.address).await;
        let target = crate::client::polling(&sid);
        connection.send("GET", &target, gzip, "").await;
        let head = connection.head().await;
        let compressed = head.contains("content-encoding: gzip");
        assert_eq!(compressed, compression.is_some(), "{head}");
    }
}

#[tokio::test]
async fn improper_requests_never_reach_the_protocol() {
    let server = Server::start(config()).await;
    let long = format!("{HANDSHAKE}&x={}", "y".repeat(9_000));
    assert_eq!(server.request("GET", &long, "").await.status, 414);
    let doubled = server
        .request_with("GET", HANDSHAKE, "Host: other\r\n", "")
        .await;
    assert_eq!(doubled.status, 400);
    assert_eq!(server.request("GET", "/elsewhere", "").await.status, 404);
    assert_eq!(
        server
            .request("GET", "/engine.io?EIO=4&transport=polling", "")
            .await
            .status,
        404
    );
}

const WEBSOCKET_HANDSHAKE: &str = "/engine.io/?EIO=4&transport=websocket";
