//! The end of a login that a socket is open with.

use serde_json::json;

use crate::{
    server::{Guest, Running},
    socket::Socket,
};

const INVALID_TOKEN: &str =
    r#"2/v2,["authenticate",{"status":"error","code":401,"message":"Invalid session token"}]"#;

async fn server_and_guest() -> (Running, Guest) {
    let server = Running::configured(|config| config.realtime.auth_timeout = 1).await;
    let guest = server.guest().await;
    (server, guest)
}

/// Whether it is told that its token holds no more, and then closed.
async fn is_logged_out_and_closed(mut socket: Socket) -> bool {
    socket.expect(INVALID_TOKEN).await;
    socket.expect("1/v2,").await;
    socket.next_or_end().await.is_none()
}

#[tokio::test]
async fn a_socket_is_closed_that_does_not_log_in_again_after_a_logout() {
    let (server, guest) = server_and_guest().await;
    let mut gone = Socket::open(server.address).await;
    gone.log_in(&guest.session).await;
    gone.subscribe("/me/resources/a").await;
    let mut back = Socket::open(server.address).await;
    back.log_in(&guest.session).await;
    server.call("POST", "/v2/logout", &guest.session, "").await;
    back.expect(INVALID_TOKEN).await;
    let body = r#"{"email":"anna@example.com","password":"secret","app":"a"}"#;
    let again = server.call("POST", "/v2/login", "", body).await;
    back.log_in(&again.field("token")).await;
    assert!(is_logged_out_and_closed(gone).await);
    back.subscribe("/me/resources/a").await;
}

#[tokio::test]
async fn a_socket_is_closed_that_does_not_log_in_again_after_its_session_expired() {
    let (server, guest) = server_and_guest().await;
    let wanted = json!({ "topics": ["/me/resources/a"], "expiresIn": 3 }).to_string();
    let narrow = server
        .call("POST", "/v2/me/tokens", &guest.session, &wanted)
        .await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&narrow.field("token")).await;
    socket.subscribe("/me/resources/a").await;
    assert!(is_logged_out_and_closed(socket).await);
}
