//! What a user does with the things that are linked.

use serde_json::Value;

use crate::{client::raw, server::Running, socket::Socket};

// Contract 59, 60, 61, 62, 63, 64, 65
#[tokio::test]
async fn the_user_reads_and_writes_linked_things() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let (token, id, thing) = (&guest.session, &guest.thing_id, &guest.thing);
    let body = format!(r#"{{"thingToken":"{thing}"}}"#);
    let linked = format!(r#"{{"status":"success","message":"linked","thingId":"{id}"}}"#);
    server
        .call("POST", "/v2/me/things", token, &body)
        .await
        .is(200, &linked);
    let things = format!(r#"[{{"_id":"{id}"}}]"#);
    server
        .call("GET", "/v2/me/things", token, "")
        .await
        .is(200, &things);

    let body = r#"{"values":[{"value":"ON","datetime":"20200101000000"}]}"#;
    for name in [id, thing] {
        let path = format!("/v2/me/resources/turn/{name}");
        assert_eq!(server.call("POST", &path, token, body).await.status, 201);
    }
    let element = r#"{"key":"turn","value":"ON","datetime":"2020-01-01T00:00:00.000Z"}"#;
    let path = format!("/v2/me/resources/turn/{id}?limit=2");
    let list = format!("[{element},{element}]");
    server.call("GET", &path, token, "").await.is(200, &list);
    let map = format!(r#"{{"{id}":[{element}]}}"#);
    server
        .call("GET", "/v2/me/resources/turn", token, "")
        .await
        .is(200, &map);
    let resources = format!(r#"[{{"name":"turn","things":["{id}"]}}]"#);
    server
        .call("GET", "/v2/me/resources", token, "")
        .await
        .is(200, &resources);

    let stranger = server.user("ben@example.com").await;
    assert_eq!(
        server
            .call("GET", "/v2/me/resources/turn", &stranger, "")
            .await
            .status,
        404
    );
    let path = format!("/v2/me/resources/turn/{id}");
    assert_eq!(server.call("GET", &path, &stranger, "").await.status, 404);
    assert_eq!(
        server.call("POST", &path, &stranger, body).await.status,
        404
    );
    let path = format!("/v2/me/resources/turn/{thing}");
    assert_eq!(
        server.call("POST", &path, &stranger, body).await.status,
        404
    );

    let path = format!("/v2/me/things/{id}");
    let unlinked = r#"{"status":"success","message":"unlinked"}"#;
    server
        .call("DELETE", &path, token, "")
        .await
        .is(200, unlinked);
    assert_eq!(server.call("DELETE", &path, token, "").await.status, 404);
    server
        .call("GET", "/v2/me/things", token, "")
        .await
        .is(200, "[]");
    server.stop().await;
}

// Contract 59
#[tokio::test]
async fn a_thing_may_have_several_owners() {
    let server = Running::start().await;
    let anna = server.guest().await;
    let ben = server.user("ben@example.com").await;
    server.link(&ben, &anna.thing).await;
    let mut sockets = Vec::new();
    for session in [&anna.session, &ben] {
        let things = server.call("GET", "/v2/me/things", session, "").await;
        things.is(200, &format!(r#"[{{"_id":"{}"}}]"#, anna.thing_id));
        let mut socket = Socket::open(server.address).await;
        socket.log_in(session).await;
        socket.subscribe("/me/resources/a").await;
        sockets.push(socket);
    }
    server.write(&anna.thing, "a", "1").await;
    for socket in &mut sockets {
        assert_eq!(socket.values("/me/resources/a").await[0]["value"], 1);
    }
    // One of them leaves.
    let path = format!("/v2/me/things/{}", anna.thing_id);
    let unlinked = server.call("DELETE", &path, &anna.session, "").await;
    assert_eq!(unlinked.status, 200);
    server.write(&anna.thing, "a", "2").await;
    assert_eq!(sockets[1].values("/me/resources/a").await[0]["value"], 2);
    sockets[0].subscribe("/me/resources/b").await;
    server.stop().await;
}

// Contract 65
#[tokio::test]
async fn what_a_user_writes_is_pushed_on_both_topics() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let thing = format!("/things/{}", guest.thing);
    socket.subscribe(&thing).await;
    socket.subscribe("/me/resources/turn").await;
    for name in [&guest.thing_id, &guest.thing] {
        let path = format!("/v2/me/resources/turn/{name}");
        let body = r#"{"values":[{"value":"ON"},{"value":"OFF"}]}"#;
        let written = server.call("POST", &path, &guest.session, body).await;
        written.is(201, r#"{"status":"success","message":"created"}"#);
        for topic in [thing.as_str(), "/me/resources/turn"] {
            let values = socket.values(topic).await;
            let values: Vec<_> = values.iter().map(|value| &value["value"]).collect();
            assert_eq!(values, ["ON", "OFF"]);
        }
    }
    server.stop().await;
}

// Contract 69
#[tokio::test]
async fn a_user_may_repeat_a_write_with_a_key() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let body = r#"{"values":[{"value":"ON"}]}"#;
    let request = format!(
        "POST /v2/me/resources/turn/{} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
         Authorization: {}\r\nIdempotency-Key: once\r\nContent-Length: {}\r\n\r\n{body}",
        guest.thing_id,
        guest.session,
        body.len()
    );
    for _ in 0..2 {
        let answer = raw(server.address, &request).await;
        answer.is(201, r#"{"status":"success","message":"created"}"#);
    }
    let path = format!("/v2/me/resources/turn/{}?limit=9", guest.thing_id);
    let values = server.call("GET", &path, &guest.session, "").await.body;
    let values: Vec<Value> = serde_json::from_str(&values).unwrap();
    assert_eq!(values.len(), 1);
    server.stop().await;
}
