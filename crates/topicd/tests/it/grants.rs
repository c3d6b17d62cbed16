//! Tokens of things that only read or only write.

use serde_json::{Value, json};

use crate::{
    server::{Guest, Running},
    socket::{Socket, answer},
    stream::{GREETING, Stream},
};

const WRITE: &str = r#"{"values":[{"key":"a","value":1}]}"#;

impl Running {
    /// The number of a new grant, and its token.
    pub(crate) async fn grant(&self, thing_id: &str, scope: &str) -> (Value, String) {
        let path = format!("/admin/things/{thing_id}/grants");
        let body = json!({ "scope": scope }).to_string();
        let made = self.admin("POST", &path, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let number = serde_json::from_str::<Value>(&made.body).unwrap()["grant"].clone();
        (number, made.field("thingToken"))
    }

    /// The answers to all that can be done over REST with a thing's token.
    async fn use_all(&self, session: &str, token: &str) -> Vec<(&'static str, u16, String)> {
        let link = json!({ "thingToken": token }).to_string();
        let calls = [
            ("write", "POST", format!("/v2/things/{token}"), WRITE),
            ("link", "POST", "/v2/me/things".into(), link.as_str()),
            (
                "value",
                "GET",
                format!("/v2/things/{token}/resources/a"),
                "",
            ),
            ("names", "GET", format!("/v2/things/{token}/resources"), ""),
            (
                "all",
                "GET",
                format!("/v2/things/{token}/all_resources"),
                "",
            ),
        ];
        let mut answers = Vec::new();
        for (what, method, path, body) in calls {
            let answer = self.call(method, &path, session, body).await;
            answers.push((what, answer.status, answer.body));
        }
        answers
    }
}

/// Those of the calls that are answered as with a token that nobody has made.
async fn refused(server: &Running, guest: &Guest, token: &str) -> Vec<&'static str> {
    let unknown = server.use_all(&guest.session, "unknown").await;
    let answers = server.use_all(&guest.session, token).await;
    let mut refused = Vec::new();
    for (answer, unknown) in answers.into_iter().zip(unknown) {
        assert_eq!(unknown.1, 404);
        if answer == unknown {
            refused.push(answer.0);
        } else {
            assert!([200, 201].contains(&answer.1), "{answer:?}");
        }
    }
    refused
}

async fn subscribe(socket: &mut Socket, token: &str) -> String {
    let topic = json!({ "resource": format!("/things/{token}") });
    socket.emit("subscribe", &topic.to_string()).await;
    let packet = socket.next().await;
    packet.replace(token, "TOKEN")
}

#[tokio::test]
async fn a_grant_is_good_for_its_scope_alone() {
    let server = Running::start().await;
    let guest = server.guest().await;
    server.write(&guest.thing, "a", "0").await;
    let (_, read) = server.grant(&guest.thing_id, "read").await;
    let (_, write) = server.grant(&guest.thing_id, "write").await;
    let none: [&str; 0] = [];
    assert_eq!(refused(&server, &guest, &guest.thing).await, none);
    assert_eq!(refused(&server, &guest, &read).await, ["write", "link"]);
    let but_write = ["link", "value", "names", "all"];
    assert_eq!(refused(&server, &guest, &write).await, but_write);

    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let unknown = subscribe(&mut socket, "unknown").await;
    assert!(unknown.contains(r#""code":404"#), "{unknown}");
    assert_eq!(subscribe(&mut socket, &write).await, unknown);
    let subscribed = subscribe(&mut socket, &read).await;
    assert_eq!(
        subscribed,
        answer("subscribe", "subscribed", "/things/TOKEN")
    );
    server.write(&write, "a", "2").await;
    let values = socket.values(&format!("/things/{read}")).await;
    assert_eq!(values[0]["value"], 2);
    for (token, status) in [(&read, 200), (&write, 404), (&"unknown".into(), 404)] {
        let stream = Stream::open(&server, &format!("/v2/things/{token}"), "").await;
        let start = format!("HTTP/1.1 {status} ");
        assert!(stream.head.starts_with(&start), "{}", stream.head);
    }
}

#[tokio::test]
async fn a_user_writes_by_a_token_that_writes() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let body = r#"{"values":[{"value":1}]}"#;
    for (scope, status) in [("write", 201), ("read", 404)] {
        let (_, token) = server.grant(&guest.thing_id, scope).await;
        let path = format!("/v2/me/resources/a/{token}");
        let answer = server.call("POST", &path, &guest.session, body).await;
        assert_eq!(answer.status, status, "{scope}");
    }
}

#[tokio::test]
async fn a_grant_is_taken_back_alone_and_at_once() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let (number, first) = server.grant(&guest.thing_id, "read").await;
    let (_, second) = server.grant(&guest.thing_id, "read").await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    for token in [&guest.thing, &first, &second] {
        socket.subscribe(&format!("/things/{token}")).await;
    }
    let mut streams = Vec::new();
    for token in [&guest.thing, &first, &second] {
        let mut stream = Stream::open(&server, &format!("/v2/things/{token}"), "").await;
        stream.expect(GREETING).await;
        streams.push(stream);
    }

    let path = format!("/admin/things/{}/grants/{number}", guest.thing_id);
    server
        .admin("DELETE", &path, "")
        .await
        .is(200, r#"{"status":"success","message":"grant revoked"}"#);
    let gone = |token| answer("unsubscribe", "unsubscribed", &format!("/things/{token}"));
    socket.expect(&gone(&first)).await;
    let over = r#"{"status":"error","message":"thing not found"}"#;
    streams[1].expect(over).await;
    assert_eq!(server.admin("DELETE", &path, "").await.status, 404);

    let body = json!({ "token": second }).to_string();
    let revoked = server.admin("POST", "/admin/tokens/revoke", &body).await;
    revoked.is(
        200,
        r#"{"status":"success","message":"thing token revoked"}"#,
    );
    socket.expect(&gone(&second)).await;
    streams[2].expect(over).await;
    server.write(&guest.thing, "a", "1").await;
    let own = format!("/things/{}", guest.thing);
    assert_eq!(socket.values(&own).await[0]["value"], 1);
    assert_eq!(streams[0].values().await[0]["value"], 1);
}

#[tokio::test]
async fn another_token_of_the_thing_leaves_its_grants() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let (_, write) = server.grant(&guest.thing_id, "write").await;
    let path = format!("/admin/things/{}/revoke", guest.thing_id);
    assert_eq!(server.admin("POST", &path, "").await.status, 200);
    let own = format!("/v2/things/{}", guest.thing);
    assert_eq!(server.call("POST", &own, "", WRITE).await.status, 404);
    server.write(&write, "a", "1").await;
}

#[tokio::test]
async fn grants_are_listed_without_tokens_and_bounded() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let path = format!("/admin/things/{}/grants", guest.thing_id);
    let mut tokens = Vec::new();
    for index in 0..64 {
        let scope = if index % 2 == 0 { "read" } else { "write" };
        tokens.push(server.grant(&guest.thing_id, scope).await.1);
    }
    let one_more = server.admin("POST", &path, r#"{"scope":"read"}"#).await;
    assert_eq!(one_more.status, 409, "{one_more:?}");
    let listed = server.admin("GET", &path, "").await;
    assert!(tokens.iter().all(|token| !listed.body.contains(token)));
    let listed: Value = serde_json::from_str(&listed.body).unwrap();
    let scopes: Vec<_> = listed["grants"].as_array().unwrap().iter().collect();
    assert_eq!(scopes.len(), 64);
    assert_eq!(scopes[0]["scope"], "read");
    assert_eq!(scopes[1]["scope"], "write");

    for (path, body, status) in [
        (path.as_str(), r#"{"scope":"all"}"#, 400),
        ("/admin/things/unknown/grants", r#"{"scope":"read"}"#, 404),
    ] {
        assert_eq!(server.admin("POST", path, body).await.status, status);
    }
    let unknown = server.admin("GET", "/admin/things/unknown/grants", "");
    assert_eq!(unknown.await.status, 404);
}
