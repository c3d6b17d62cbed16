//! What one socket of `/v2` may do before it is refused or closed.

use crate::{server::Running, socket::Socket};

// Contract 16, 18
#[tokio::test]
async fn nothing_before_login_and_five_tries_close() {
    let server = Running::start().await;
    let mut socket = Socket::open(server.address).await;
    // Its token alone is not enough for a thing's topic.
    let (thing, _) = server.thing().await;
    let thing = format!("/things/{thing}");
    let resource = "/me/resources/a";
    for topic in [resource, &thing, resource, &thing, &thing] {
        let subscribe = format!(r#"{{"resource":"{topic}"}}"#);
        socket.emit("subscribe", &subscribe).await;
        let refused = r#"{"status":"error","code":401,"message":"not authenticated","resource":"#;
        let refused = format!(r#"2/v2,["subscribe",{refused}"{topic}"}}]"#);
        socket.expect(&refused).await;
    }
    socket.expect("1/v2,").await;
    assert_eq!(socket.next_or_end().await, None);
    server.stop().await;
}

// Contract 15
#[tokio::test]
async fn the_129th_subscription_is_refused() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    for number in 0..128 {
        socket.subscribe(&format!("/me/resources/k{number}")).await;
    }
    let refused = loop {
        socket
            .emit("subscribe", r#"{"resource":"/me/resources/more"}"#)
            .await;
        let packet = socket.next().await;
        // So many come one after the other that this bound may be met first.
        if !packet.contains("too many requests") {
            break packet;
        }
    };
    let start =
        r#"2/v2,["subscribe",{"status":"error","code":429,"message":"too many subscriptions""#;
    assert!(refused.starts_with(start), "{refused}");
    assert!(refused.contains(r#""retryAfter":"#), "{refused}");
    server.write(&guest.thing, "k0", "1").await;
    assert_eq!(socket.values("/me/resources/k0").await.len(), 1);
    server.stop().await;
}

// Contract 18
#[tokio::test]
async fn misses_of_thing_tokens_count_for_the_socket_and_its_address() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let open = async || {
        let mut socket = Socket::open(server.address).await;
        socket.log_in(&guest.session).await;
        socket
    };
    let miss = r#"{"resource":"/things/unknown"}"#;
    let missed = r#"2/v2,["subscribe",{"status":"error","code":404,"message":"not found","resource":"/things/unknown"}]"#;
    for _ in 0..2 {
        let mut socket = open().await;
        for _ in 0..5 {
            socket.emit("subscribe", miss).await;
            socket.expect(missed).await;
        }
        socket.expect("1/v2,").await;
        assert_eq!(socket.next_or_end().await, None);
    }
    // Ten a minute: the next one of this address has no five tries.
    let mut socket = open().await;
    let mut misses = 0;
    loop {
        socket.emit("subscribe", miss).await;
        let packet = socket.next().await;
        if packet == "1/v2," {
            break;
        }
        assert_eq!(packet, missed);
        misses += 1;
    }
    assert!((1..5).contains(&misses), "{misses}");
    server.stop().await;
}

// Contract 15
#[tokio::test]
async fn malformed_topics_count_and_are_echoed_up_to_a_bound() {
    const SUBSCRIBES: usize = 1000;
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let long = format!(r#"{{"resource":"/{}"}}"#, "x".repeat(1000));
    // All are there before the first answer is read: more than the rate gives back meanwhile.
    socket.emit_often(SUBSCRIBES, "subscribe", &long).await;
    let mut too_fast = 0;
    for _ in 0..SUBSCRIBES {
        let packet = socket.next().await;
        assert!(packet.len() < 400, "{} bytes", packet.len());
        let is_too_fast = packet.contains(r#""code":429"#);
        assert_eq!(packet.contains(r#""retryAfter":"#), is_too_fast, "{packet}");
        too_fast += usize::from(is_too_fast);
    }
    assert!((1..SUBSCRIBES).contains(&too_fast), "{too_fast}");
    server.stop().await;
}

#[tokio::test]
async fn before_login_16_kib_and_no_attachments() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    let large = format!(r#""{}""#, "x".repeat(9_000));
    socket.emit("whatever", &large).await;
    socket.emit("whatever", &large).await;
    socket.expect("1/v2,").await;
    assert_eq!(socket.next_or_end().await, None);
    let mut socket = Socket::open(server.address).await;
    socket
        .send(r#"51-/v2,["whatever",{"_placeholder":true,"num":0}]"#)
        .await;
    socket.send_binary(b"1").await;
    socket.expect("1/v2,").await;
    assert_eq!(socket.next_or_end().await, None);
    // Afterwards both are nobody's business.
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.emit("whatever", &large).await;
    socket.emit("whatever", &large).await;
    socket
        .send(r#"51-/v2,["whatever",{"_placeholder":true,"num":0}]"#)
        .await;
    socket.send_binary(b"1").await;
    socket.subscribe("/me/resources/a").await;
    server.stop().await;
}
