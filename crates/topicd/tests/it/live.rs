//! Namespace `/v2`: transcripts of the wire.

use serde_json::json;

use crate::{
    server::Running,
    socket::{Socket, answer},
};

const INVALID_TOKEN: &str =
    r#"2/v2,["authenticate",{"status":"error","code":401,"message":"Invalid session token"}]"#;

// Contract 7, 8, 12, 14, 21, 22, 28
#[tokio::test]
async fn the_golden_transcript() {
    let server = Running::start().await;
    let guest = server.guest().await;
    for revision in [3, 4] {
        let mut socket = Socket::session(server.address, revision).await;
        if revision == 3 {
            socket.expect("0").await;
        }
        socket.send("0/v2,").await;
        let connected = socket.next().await;
        match revision {
            3 => assert_eq!(connected, "0/v2,"),
            _ => assert!(connected.starts_with(r#"0/v2,{"sid":""#)),
        }
        socket.log_in(&guest.session).await;
        socket.subscribe("/me/resources/temperature").await;
        server.write(&guest.thing, "temperature", r#""21.5""#).await;
        let packet = socket.next().await;
        let start = r#"2/v2,["/me/resources/temperature",[{"key":"temperature","value":"21.5","datetime":""#;
        assert!(packet.starts_with(start), "{packet}");
        assert!(
            packet.ends_with(&format!(r#"Z","thingId":"{}"}}]]"#, guest.thing_id)),
            "{packet}"
        );
        socket.unsubscribe("/me/resources/temperature").await;
        socket.unsubscribe("/me/resources/temperature").await;
        server.write(&guest.thing, "temperature", "22").await;
        socket.subscribe("/me/resources/other").await;
        socket.send("1/v2,").await;
    }
    server.stop().await;
}

// Contract 26, 27, 28, 29, 30
#[tokio::test]
async fn one_write_is_one_event_for_each_topic() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let thing = format!("/things/{}", guest.thing);
    socket.subscribe(&thing).await;
    socket.subscribe("/me/resources/a").await;
    let body = r#"{"values":[{"key":"b","value":1.50},{"key":"a","value":[1, 2]}]}"#;
    let path = format!("/v2/things/{}", guest.thing);
    assert_eq!(server.call("POST", &path, "", body).await.status, 201);
    let packet = socket.next().await;
    assert!(
        packet.contains(r#"[{"key":"b","value":1.50,"datetime":""#),
        "{packet}"
    );
    assert!(
        packet.contains(r#"},{"key":"a","value":[1, 2],"datetime":""#),
        "{packet}"
    );
    assert!(!packet.contains("thingId"));
    let values = socket.values("/me/resources/a").await;
    assert_eq!(values.len(), 1);
    assert_eq!(values[0]["thingId"], json!(guest.thing_id));
    server.stop().await;
}

// Contract 23
#[tokio::test]
async fn acks_get_the_same_object() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    let token = &guest.session;
    socket
        .send(&format!(
            r#"2/v2,1["authenticate",{{"sessionToken":"{token}"}}]"#
        ))
        .await;
    socket
        .expect(r#"2/v2,["authenticate",{"status":"success"}]"#)
        .await;
    socket.expect(r#"3/v2,1[{"status":"success"}]"#).await;
    socket
        .send(r#"2/v2,2["subscribe",{"resource":"/me/resources/a"}]"#)
        .await;
    socket
        .expect(&answer("subscribe", "subscribed", "/me/resources/a"))
        .await;
    let object = r#"{"status":"success","message":"subscribed","resource":"/me/resources/a"}"#;
    socket.expect(&format!("3/v2,2[{object}]")).await;
    let malformed = r#"{"status":"error","code":400,"message":"malformed topic","resource":"a"}"#;
    let unsubscribed =
        r#"{"status":"success","message":"unsubscribed","resource":"/me/resources/a"}"#;
    let invalid = r#"{"status":"error","code":401,"message":"Invalid session token"}"#;
    for (event, argument, object) in [
        ("subscribe", r#"{"resource":"a"}"#, malformed),
        ("unsubscribe", r#"{"resource":"a"}"#, malformed),
        (
            "unsubscribe",
            r#"{"resource":"/me/resources/a"}"#,
            unsubscribed,
        ),
        ("authenticate", "{}", invalid),
    ] {
        socket
            .send(&format!(r#"2/v2,3["{event}",{argument}]"#))
            .await;
        socket
            .expect(&format!(r#"2/v2,["{event}",{object}]"#))
            .await;
        socket.expect(&format!("3/v2,3[{object}]")).await;
    }
    server.stop().await;
}

// Contract 9
#[tokio::test]
async fn bad_tokens_are_answered_alike_and_the_fifth_closes() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    let arguments = [
        "{}",
        r#"{"sessionToken":null}"#,
        r#"{"sessionToken":"x"}"#,
        &format!(r#"{{"sessionToken":"{}"}}"#, guest.thing),
    ];
    for argument in arguments {
        socket.emit("authenticate", argument).await;
        socket.expect(INVALID_TOKEN).await;
    }
    socket.log_in(&guest.session).await;
    socket.emit("authenticate", "7").await;
    socket.expect(INVALID_TOKEN).await;
    socket.expect("1/v2,").await;
    assert_eq!(socket.next_or_end().await, None);
    server.stop().await;
}

// Contract 9
#[tokio::test]
async fn expired_and_revoked_tokens_are_answered_as_unknown_ones() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let body = r#"{"topics":["/me/resources/a"],"expiresIn":1}"#;
    let expired = server
        .call("POST", "/v2/me/tokens", &guest.session, body)
        .await
        .field("token");
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&expired).await;
    // Its end is told.
    socket.expect(INVALID_TOKEN).await;
    let revoked = &guest.session;
    let logout = server.call("POST", "/v2/logout", revoked, "").await;
    assert_eq!(logout.status, 200);
    for token in [&expired, revoked] {
        let credentials = format!(r#"{{"sessionToken":"{token}"}}"#);
        socket.emit("authenticate", &credentials).await;
        socket.expect(INVALID_TOKEN).await;
    }
    server.stop().await;
}

// Contract 15, 18, 22, 24
#[tokio::test]
async fn what_is_refused_on_subscribe() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let malformed = r#"{"status":"error","code":400,"message":"malformed topic""#;
    for event in ["subscribe", "unsubscribe"] {
        socket
            .emit(event, r#"{"resource":"/me/resources/*"}"#)
            .await;
        let expected = format!(r#"2/v2,["{event}",{malformed},"resource":"/me/resources/*"}}]"#);
        socket.expect(&expected).await;
        for argument in ["{}", "null", r#"{"resource":7}"#] {
            socket.emit(event, argument).await;
            socket
                .expect(&format!(r#"2/v2,["{event}",{malformed}}}]"#))
                .await;
        }
    }
    // The name of a thing is no token.
    let topic = format!("/things/{}", guest.thing_id);
    socket
        .emit("subscribe", &format!(r#"{{"resource":"{topic}"}}"#))
        .await;
    let expected = format!(
        r#"2/v2,["subscribe",{{"status":"error","code":404,"message":"not found","resource":"{topic}"}}]"#
    );
    socket.expect(&expected).await;
    // Events of other names are nobody's business.
    socket
        .emit("publish", r#"{"resource":"/me/resources/a"}"#)
        .await;
    socket.subscribe("/me/resources/a").await;
    server.stop().await;
}

// Contract 15
#[tokio::test]
async fn a_form_of_topics_may_be_switched_off() {
    let server = Running::configured(|config| config.topics.things = false).await;
    let guest = server.guest().await;
    let things = format!("/things/{}", guest.thing);
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let subscribe = format!(r#"{{"resource":"{things}"}}"#);
    let off =
        r#"{"status":"error","code":403,"message":"such topics are switched off","resource":"#;
    socket.emit("subscribe", &subscribe).await;
    let refused = format!(r#"2/v2,["subscribe",{off}"{things}"}}]"#);
    socket.expect(&refused).await;
    // Malformed ones are that, whatever is switched off.
    socket
        .emit("subscribe", r#"{"resource":"/things/a b"}"#)
        .await;
    assert!(socket.next().await.contains(r#""code":400"#));
    socket.subscribe("/me/resources/a").await;

    let mut config = server.config.clone();
    (config.topics.things, config.topics.resources) = (true, false);
    server.reloader.reload(&config).unwrap();
    socket.subscribe(&things).await;
    socket
        .emit("subscribe", r#"{"resource":"/me/resources/b"}"#)
        .await;
    let refused = format!(r#"2/v2,["subscribe",{off}"/me/resources/b"}}]"#);
    socket.expect(&refused).await;
    // What was subscribed to before goes on, and can be left.
    server.write(&guest.thing, "a", "1").await;
    socket.values(&things).await;
    socket.values("/me/resources/a").await;
    socket.unsubscribe("/me/resources/a").await;
    server.stop().await;
}

// Contract 19, 20
#[tokio::test]
async fn each_spelling_is_a_subscription_and_twice_is_once() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe("/me/resources/a").await;
    socket.subscribe("/me/resources/a").await;
    socket.subscribe("/me/resources/a/").await;
    server.write(&guest.thing, "a", "1").await;
    socket.values("/me/resources/a").await;
    socket.values("/me/resources/a/").await;
    socket.unsubscribe("/me/resources/a").await;
    server.write(&guest.thing, "a", "2").await;
    socket.values("/me/resources/a/").await;
    socket.subscribe("/me/resources/a").await;
    server.stop().await;
}

// Contract 17, 61
#[tokio::test]
async fn a_topic_lives_with_its_links() {
    let server = Running::start().await;
    let session = server.user("anna@example.com").await;
    let (thing, id) = server.thing().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&session).await;
    socket.subscribe("/me/resources/a").await;
    server.write(&thing, "a", "1").await;
    server.link(&session, &thing).await;
    server.write(&thing, "a", "2").await;
    assert_eq!(socket.values("/me/resources/a").await[0]["value"], json!(2));
    server
        .call("DELETE", &format!("/v2/me/things/{id}"), &session, "")
        .await;
    server.write(&thing, "a", "3").await;
    server.link(&session, &thing).await;
    server.write(&thing, "a", "4").await;
    assert_eq!(socket.values("/me/resources/a").await[0]["value"], json!(4));
    server.stop().await;
}

// Contract 11, 42
#[tokio::test]
async fn a_logout_ends_subscriptions_before_it_is_answered() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe("/me/resources/a").await;
    assert_eq!(
        server
            .call("POST", "/v2/logout", &guest.session, "")
            .await
            .status,
        200
    );
    server.write(&guest.thing, "a", "1").await;
    socket.expect(INVALID_TOKEN).await;
    socket
        .emit("subscribe", r#"{"resource":"/me/resources/a"}"#)
        .await;
    assert!(socket.next().await.contains(r#""code":401"#));
    server.stop().await;
}

// Contract 11
#[tokio::test]
async fn an_expired_session_is_told_within_five_seconds() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let body = r#"{"topics":["/me/resources/a"],"expiresIn":1}"#;
    let narrow = server
        .call("POST", "/v2/me/tokens", &guest.session, body)
        .await
        .field("token");
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&narrow).await;
    let told = tokio::time::timeout(std::time::Duration::from_secs(5), socket.next()).await;
    assert_eq!(told.unwrap(), INVALID_TOKEN);
    server.stop().await;
}

// Contract 10
#[tokio::test]
async fn another_user_on_the_socket_ends_what_was_the_first_ones() {
    let server = Running::start().await;
    let anna = server.guest().await;
    let ben = server.user("ben@example.com").await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&anna.session).await;
    let thing = format!("/things/{}", anna.thing);
    socket.subscribe("/me/resources/a").await;
    socket.subscribe(&thing).await;
    socket
        .emit("authenticate", &format!(r#"{{"sessionToken":"{ben}"}}"#))
        .await;
    socket
        .expect(&answer("unsubscribe", "unsubscribed", "/me/resources/a"))
        .await;
    socket
        .expect(r#"2/v2,["authenticate",{"status":"success"}]"#)
        .await;
    server.write(&anna.thing, "a", "1").await;
    socket.values(&thing).await;
    socket.subscribe("/me/resources/a").await;
    server.write(&anna.thing, "a", "2").await;
    socket.values(&thing).await;
    socket.unsubscribe(&thing).await;
    server.stop().await;
}

// Contract 68
#[tokio::test]
async fn a_narrow_token_subscribes_to_its_topics_alone() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let body = r#"{"topics":["/me/resources/a"],"expiresIn":60}"#;
    let narrow = server
        .call("POST", "/v2/me/tokens", &guest.session, body)
        .await
        .field("token");
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&narrow).await;
    socket.subscribe("/me/resources/a/").await;
    for topic in [
        "/me/resources/b".to_owned(),
        format!("/things/{}", guest.thing),
    ] {
        socket
            .emit("subscribe", &format!(r#"{{"resource":"{topic}"}}"#))
            .await;
        assert!(socket.next().await.contains(r#""code":404"#));
    }
    server.stop().await;
}

// Contract 5
#[tokio::test]
async fn connect_may_bring_the_token() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let success = r#"2/v2,["authenticate",{"status":"success"}]"#;
    for (token, answer) in [("wrong", INVALID_TOKEN), (&guest.session, success)] {
        let mut socket = Socket::session(server.address, 4).await;
        let connect = format!(r#"0/v2,{{"sessionToken":"{token}"}}"#);
        socket.send(&connect).await;
        assert!(socket.next().await.starts_with(r#"0/v2,{"sid":""#));
        socket.expect(answer).await;
        if answer == INVALID_TOKEN {
            // As without one: the socket is open.
            socket.log_in(&guest.session).await;
        }
        socket.subscribe("/me/resources/a").await;
    }
    server.stop().await;
}

// Contract 4
#[tokio::test]
async fn who_does_not_log_in_is_closed() {
    let server = Running::configured(|config| config.realtime.auth_timeout = 1).await;
    let guest = server.guest().await;
    let mut silent = Socket::open(server.address).await;
    let mut user = Socket::open(server.address).await;
    user.log_in(&guest.session).await;
    silent.expect("1/v2,").await;
    assert_eq!(silent.next_or_end().await, None);
    user.subscribe("/me/resources/a").await;
    server.stop().await;
}

// Contract 3, 4
#[tokio::test]
async fn who_is_in_the_root_alone_is_closed() {
    let server = Running::configured(|config| config.realtime.auth_timeout = 1).await;
    let guest = server.guest().await;
    for revision in [3, 4] {
        let mut idler = Socket::session(server.address, revision).await;
        let mut user = Socket::session(server.address, revision).await;
        for socket in [&mut idler, &mut user] {
            if revision == 4 {
                socket.send("0").await;
            }
            assert!(socket.next().await.starts_with('0'));
        }
        user.send("0/v2,").await;
        assert!(user.next().await.starts_with("0/v2,"));
        user.log_in(&guest.session).await;
        while idler.next_or_end().await.is_some() {}
        user.subscribe("/me/resources/a").await;
    }
    server.stop().await;
}

// Contract 11
#[tokio::test]
async fn who_is_logged_out_has_the_time_of_a_new_one() {
    let server = Running::configured(|config| config.realtime.auth_timeout = 1).await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let logout = server.call("POST", "/v2/logout", &guest.session, "").await;
    assert_eq!(logout.status, 200);
    socket.expect(INVALID_TOKEN).await;
    socket.expect("1/v2,").await;
    assert_eq!(socket.next_or_end().await, None);
    server.stop().await;
}

#[tokio::test]
async fn the_deepest_value_is_pushed() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe("/me/resources/a").await;
    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    server.write(&guest.thing, "a", &deep).await;
    assert!(socket.next().await.contains(&deep));
    server.stop().await;
}
