//! The application's say, and the headers around an answer.

use engineio::{
    Cookie, Cors, Hooks, Refusal,
    proto::{Data, Sid},
};
use http::{HeaderValue, StatusCode};

use crate::client::{HANDSHAKE, Server, config};

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
async fn ids_headers_and_the_initial_message_are_the_applications() {
    let mut config = config();
    config.hooks = Hooks::default()
        .sid(|_| Sid::parse("chosen-by-the-host").ok())
        .headers(|_, headers| {
            headers.insert("x-node", HeaderValue::from_static("7"));
        })
        .initial(Data::Text("first".into()));
    config.cookie = Some(Cookie::default());
    let server = Server::start(config).await;
    let opened = server.request("GET", HANDSHAKE, "").await;
    assert!(opened.body.ends_with("\u{1e}4first"), "{opened:?}");
    assert!(opened.head.contains("x-node: 7"));
    assert!(
        opened
            .head
            .contains("set-cookie: io=chosen-by-the-host; path=/; httponly")
    );
    // The id is taken now.
    assert_eq!(server.request("GET", HANDSHAKE, "").await.status, 400);
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
