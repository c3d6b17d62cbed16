//! Both transports and the way from one to the other.

use engineio::proto::CloseReason;
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{CloseCode, Data, OpCode},
    },
};

use crate::{
    client::{HANDSHAKE, Server, config},
    log::Log,
};

#[tokio::test]
async fn polling_carries_messages_both_ways() {
    let server = Server::start(config()).await;
    let sid = server.handshake().await;
    let posted = server.post(&sid, "4hello\u{1e}4€\u{1e}bAQID").await;
    assert_eq!((posted.status, posted.body.as_str()), (200, "ok"));
    let polled = server.poll(&sid).await;
    assert_eq!(polled.body, "4hello\u{1e}4€\u{1e}bAQID");
    assert!(
        polled
            .head
            .contains("content-type: text/plain; charset=utf-8")
    );
    assert!(polled.head.contains("cache-control: no-store"));
}

#[tokio::test]
async fn a_parked_poll_is_answered_by_what_is_posted_meanwhile() {
    let server = Server::start(config()).await;
    let sid = server.handshake().await;
    let (polled, posted) = tokio::join!(server.poll(&sid), server.post(&sid, "4late"));
    assert_eq!(
        (polled.body.as_str(), posted.body.as_str()),
        ("4late", "ok")
    );
}

#[tokio::test]
async fn websocket_carries_text_and_binary() {
    let server = Server::start(config()).await;
    let mut socket = server.websocket("").await;
    assert!(socket.text().await.starts_with("0{"));
    socket.send("4hello").await;
    assert_eq!(socket.text().await, "4hello");
    let bytes = vec![1, 2, 3];
    socket.0.send(bytes.clone().into()).await.unwrap();
    assert_eq!(socket.next().await.into_data(), bytes);
}

#[tokio::test]
async fn binary_is_base64_on_a_websocket_whose_request_says_so() {
    let server = Server::start(config()).await;
    for (query, echo) in [("&EIO=4&b64=1", "bAQID"), ("&EIO=3&b64=1", "b4AQID")] {
        let mut socket = server.websocket(query).await;
        socket.text().await;
        socket.send(echo).await;
        assert_eq!(socket.text().await, echo);
    }
    // What the polling requests said does not count: Node builds say it there, and take bytes here.
    let target = HANDSHAKE.replace("EIO=4", "EIO=3&b64=1");
    let opened = server.request("GET", &target, "").await;
    let sid = crate::client::sid_of(&opened.body);
    let mut socket = server.websocket(&format!("&EIO=3&sid={sid}")).await;
    socket.send("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    socket.send("5").await;
    socket.send("b4AQID").await;
    assert_eq!(socket.next().await.into_data(), [4, 1, 2, 3].as_slice());
}

#[tokio::test]
async fn an_upgrade_keeps_what_was_queued_and_refuses_polls_afterwards() {
    let mut server = Server::start(config()).await;
    let sid = server.handshake().await;
    let session = server.opened().await;
    let mut socket = server.websocket(&format!("&sid={sid}")).await;
    socket.send("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    server.post(&sid, "4queued").await;
    socket.send("5").await;
    assert_eq!(socket.text().await, "4queued");
    socket.send("4direct").await;
    assert_eq!(socket.text().await, "4direct");
    assert_eq!(
        server.poll(&sid).await.body,
        r#"{"code":3,"message":"Bad request"}"#
    );
    assert!(!session.is_closed());
}

#[tokio::test]
async fn a_failed_probe_leaves_polling_alive() {
    let server = Server::start(config()).await;
    let sid = server.handshake().await;
    let mut socket = server.websocket(&format!("&sid={sid}")).await;
    socket.send("4too early").await;
    assert!(socket.next().await.is_close());
    assert_eq!(server.post(&sid, "4alive").await.status, 200);
    assert_eq!(server.poll(&sid).await.body, "4alive");
}

#[tokio::test]
async fn a_large_message_arrives_whole() {
    let server = Server::start(config()).await;
    let mut socket = server.websocket("").await;
    socket.text().await;
    let message = format!("4{}", "x".repeat(900_000));
    socket.send(&message).await;
    assert_eq!(socket.text().await, message);
}

/// A message as the client sends it: whole, or in frames that are small enough each.
fn frames(data: Data, bytes: Vec<u8>, shape: &str) -> Vec<Message> {
    let frame = |bytes: &[u8], opcode, last| {
        Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(opcode), last))
    };
    match shape {
        "whole" => vec![frame(&bytes, data, true)],
        _ => {
            let (first, second) = bytes.split_at(bytes.len() / 2);
            vec![
                frame(first, data, false),
                frame(second, Data::Continue, true),
            ]
        }
    }
}

#[tokio::test]
async fn a_message_over_the_limit_closes_with_1009() {
    let (log, _logging) = Log::start();
    let mut config = config();
    config.protocol.limits.max_payload = 1_000;
    let mut server = Server::start(config).await;
    let mut ends = 0;
    for revision in ["&EIO=3", "&EIO=4"] {
        for data in [Data::Text, Data::Binary] {
            for shape in ["whole", "fragmented"] {
                let case = format!("{revision} {data} {shape}");
                let mut socket = server.websocket(revision).await;
                server.opened().await;
                socket.text().await;
                // The type of a packet in revision 3, and as good as any other byte otherwise.
                let first = if data == Data::Text { b'4' } else { 4 };
                let message = |length| {
                    let mut bytes = vec![b'x'; length];
                    bytes[0] = first;
                    frames(data, bytes, shape)
                };
                for frame in message(1_000) {
                    socket.0.send(frame).await.unwrap();
                }
                assert!(socket.next().await.len() >= 999, "{case}");
                for frame in message(1_001) {
                    socket.0.send(frame).await.unwrap();
                }
                let Message::Close(Some(close)) = socket.next().await else {
                    panic!("{case}: a close frame")
                };
                assert_eq!(close.code, CloseCode::Size, "{case}");
                assert_eq!(
                    server.closed().await,
                    CloseReason::MessageTooLarge,
                    "{case}"
                );
                ends += 1;
            }
        }
    }
    let closed = server.service.stats().closed;
    assert_eq!(closed, [("message_too_large", ends)].into());
    let hint = log.hint("session closed", "message_too_large").unwrap();
    assert!(hint.contains("max_payload"), "{hint}");
}

#[tokio::test]
async fn a_probe_over_the_limit_leaves_polling_alive() {
    let mut config = config();
    config.protocol.limits.max_payload = 1_000;
    let server = Server::start(config).await;
    let sid = server.handshake().await;
    let mut socket = server.websocket(&format!("&sid={sid}")).await;
    socket.send(&"2".repeat(1_001)).await;
    assert!(socket.next().await.is_close());
    assert_eq!(server.post(&sid, "4alive").await.status, 200);
    assert_eq!(server.poll(&sid).await.body, "4alive");
}

#[tokio::test]
async fn revision_three_is_served_by_the_same_server() {
    let server = Server::start(config()).await;
    let opened = server
        .request("GET", &HANDSHAKE.replace("EIO=4", "EIO=3&b64=1"), "")
        .await;
    assert!(opened.body.contains(":0{"));
    let sid = crate::client::sid_of(&opened.body);
    let target = format!("/engine.io/?EIO=3&transport=polling&sid={sid}");
    assert_eq!(server.request("POST", &target, "2:4€").await.body, "ok");
    assert_eq!(server.request("GET", &target, "").await.body, "2:4€");
}

#[tokio::test]
async fn json_is_ascii_for_old_clients_while_they_poll() {
    let mut server = Server::start(config()).await;
    for (query, needs) in [("EIO=4", false), ("EIO=3", false), ("EIO=3&b64=1", true)] {
        let target = HANDSHAKE.replace("EIO=4", query);
        let opened = server.request("GET", &target, "").await;
        let session = server.opened().await;
        assert_eq!(session.needs_ascii_json(), needs, "{query}");
        if needs {
            let sid = crate::client::sid_of(&opened.body);
            let mut socket = server.websocket(&format!("&EIO=3&sid={sid}")).await;
            socket.send("2probe").await;
            assert_eq!(socket.text().await, "3probe");
            socket.send("5").await;
            socket.send("4upgraded").await;
            assert_eq!(socket.text().await, "4upgraded");
            assert!(!session.needs_ascii_json());
        }
    }
}

#[tokio::test]
async fn a_poll_that_vanishes_ends_the_session() {
    let mut server = Server::start(config()).await;
    let sid = server.handshake().await;
    server.opened().await;
    let poll = tokio::time::timeout(std::time::Duration::from_millis(100), server.poll(&sid));
    poll.await.expect_err("nothing to answer with");
    assert_eq!(server.closed().await, CloseReason::TransportError);
    assert_eq!(
        server.poll(&sid).await.body,
        r#"{"code":1,"message":"Session ID unknown"}"#
    );
}
