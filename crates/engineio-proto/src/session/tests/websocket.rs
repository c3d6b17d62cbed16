//! WebSocket as the transport.

use super::{
    harness::{Harness, config},
    ms,
};
use crate::{BinaryFrames, CloseCode, CloseReason, RequestError, Transport, Version};

// W5, W26
#[test]
fn frames_are_packets() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    for number in 0..50 {
        t.frame(ws, &format!("4{number}"));
        t.expect_message(&number.to_string());
        t.server_sends(&number.to_string());
        t.expect_frame(ws, &format!("4{number}"));
    }
    // W16: a separator in a frame is data.
    t.frame(ws, "4a\u{1e}4b");
    t.expect_message("a\u{1e}4b");
}

// W6, W11, W13
#[test]
fn binary_in_revision_4_has_no_type() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.binary_frame(ws, &[1, 2]);
    t.expect_binary(&[1, 2]);
    t.binary_frame(ws, &[]);
    t.expect_binary(&[]);
    t.frame(ws, "bAQIDBA==");
    t.expect_binary(&[1, 2, 3, 4]);
    t.server_sends("x+y");
    t.expect_frame(ws, "4x");
    t.expect_frame(ws, "82 [79]");
}

#[test]
fn a_client_without_binary_frames_gets_base64_in_text() {
    for (version, frame) in [(Version::V4, "beQ=="), (Version::V3, "b4eQ==")] {
        let mut t = Harness::open(version, Transport::WebSocket, config(), None);
        let ws = t.try_connect_as(BinaryFrames::Base64).unwrap();
        assert!(t.next_frame(ws).is_some_and(|open| open.starts_with("0{")));
        t.server_sends("x+y");
        t.expect_frame(ws, "4x");
        t.expect_frame(ws, frame);
        t.frame(ws, frame);
        t.expect_binary(b"y");
    }
}

#[test]
fn what_was_queued_while_polling_is_base64_behind_such_an_upgrade() {
    let mut t = Harness::polling(Version::V3);
    let ws = t.try_connect_as(BinaryFrames::Base64).unwrap();
    t.frame(ws, "2probe");
    t.expect_frame(ws, "3probe");
    t.server_sends("x+y");
    t.frame(ws, "5");
    t.expect_upgraded();
    t.expect_frame(ws, "4x");
    t.expect_frame(ws, "b4eQ==");
    assert_eq!(t.session.queued_bytes(), 0);
}

// W14, W15, W11
#[test]
fn binary_in_revision_3_has_a_type() {
    let (mut t, ws) = Harness::websocket(Version::V3);
    t.binary_frame(ws, &[4, 1, 2]);
    t.expect_binary(&[1, 2]);
    t.frame(ws, "b4AQIDBA==");
    t.expect_binary(&[1, 2, 3, 4]);
    t.server_sends("x+y");
    t.expect_frame(ws, "4x");
    t.expect_frame(ws, "82 [04, 79]");
    t.binary_frame(ws, &[2]);
    t.expect_frame(ws, "3");
    t.binary_frame(ws, &[9]);
    t.binary_frame(ws, &[]);
    t.expect_alive();
}

// W7, W8
#[test]
fn garbage_ends_the_session() {
    for frame in ["abc", "", "7"] {
        let (mut t, ws) = Harness::websocket(Version::V4);
        t.frame(ws, frame);
        t.expect_websocket_closed(ws);
        t.expect_closed(CloseReason::ParseError);
    }
}

// W9
#[test]
fn types_without_meaning_are_ignored() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    for frame in ["0", "5", "6"] {
        t.frame(ws, frame);
    }
    t.expect_alive();
}

// W10
#[test]
fn a_close_packet_closes_at_once() {
    for version in [Version::V3, Version::V4] {
        let (mut t, ws) = Harness::websocket(version);
        t.frame(ws, "1");
        t.expect_websocket_closed(ws);
        t.expect_closed(CloseReason::TransportClose);
    }
}

// B19
#[test]
fn the_librarys_frames_go_between_entries() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.block();
    t.server_sends("a+attached");
    t.unblock(1);
    t.library_sends(ws, &[0x8a, 1, b'x']);
    t.library_sends(ws, &[0x8a, 1, b'y']);
    t.server_sends("b");
    t.unblock(usize::MAX);
    t.expect_frame(ws, "4a");
    t.expect_frame(ws, "82 [61, 74, 74, 61, 63, 68, 65, 64]");
    t.expect_frame(ws, "8a [79]");
    t.expect_frame(ws, "4b");
    t.expect_no_frame(ws);
}

// U14
#[test]
fn a_second_websocket_is_closed_at_once() {
    let (mut t, first) = Harness::websocket(Version::V4);
    let second = t.connect();
    t.expect_websocket_closed(second);
    t.frame(second, "2probe");
    t.expect_no_frame(second);
    t.drop_websocket(second);
    t.frame(first, "4a");
    t.expect_message("a");
    t.expect_alive();
}

// U5: nothing is consumed.
#[test]
fn polling_requests_do_not_fit() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.block();
    t.server_sends("a");
    assert_eq!(t.try_get(), Err(RequestError::BadRequest));
    assert_eq!(t.try_post("4a"), Err(RequestError::BadRequest));
    t.unblock(usize::MAX);
    t.expect_frame(ws, "4a");
    t.expect_alive();
}

// C8
#[test]
fn a_websocket_that_is_gone_ends_the_session() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.drop_websocket(ws);
    t.expect_websocket_open(ws);
    t.expect_closed(CloseReason::TransportClose);
}

#[test]
fn a_websocket_that_never_comes_ends_the_session() {
    let mut t = Harness::open(Version::V4, Transport::WebSocket, config(), None);
    t.advance(ms(500));
    t.expect_closed(CloseReason::PingTimeout);
}

// Every byte boundary is a legal end of a write.
#[test]
fn writes_may_be_cut_anywhere() {
    for step in 1..12 {
        let (mut t, ws) = Harness::websocket(Version::V4);
        t.block();
        t.server_sends("a+attached");
        t.server_sends("b");
        t.unblock(step);
        t.advance(ms(300));
        assert!(t.session.queued_bytes() > 0);
        while t.session.queued_bytes() > 0 {
            t.unblock(step);
        }
        t.unblock(usize::MAX);
        let frames: Vec<_> = std::iter::from_fn(|| t.next_frame(ws)).collect();
        let messages: Vec<_> = frames.iter().filter(|frame| *frame != "2").collect();
        assert_eq!(
            messages,
            ["4a", "82 [61, 74, 74, 61, 63, 68, 65, 64]", "4b"],
            "{step}"
        );
        assert_eq!(frames.len(), 4);
    }
}

#[test]
fn what_the_peer_is_told_decides_the_reason() {
    for (code, reason) in [
        (CloseCode::TooBig, CloseReason::MessageTooLarge),
        (CloseCode::ProtocolError, CloseReason::TransportError),
        (CloseCode::InvalidData, CloseReason::TransportError),
        (CloseCode::Policy, CloseReason::TransportError),
    ] {
        let (mut t, ws) = Harness::websocket(Version::V4);
        t.fail_websocket(ws, code);
        t.expect_closed(reason);
    }
}

#[test]
fn a_write_that_stays_blocked_ends_the_session() {
    let mut config = config();
    config.limits.blocked_write = ms(100);
    let (mut t, ws) = Harness::websocket_with(Version::V4, config);
    t.block();
    t.server_sends("abc");
    t.advance(ms(99));
    t.unblock(1);
    t.advance(ms(99));
    t.expect_alive();
    t.advance(ms(1));
    assert!(!t.session.between_frames());
    t.expect_websocket_closed(ws);
    t.expect_closed(CloseReason::WriteTimeout);
}

#[test]
fn a_write_that_could_not_be_tried_ends_nothing() {
    let mut config = config();
    config.limits.blocked_write = ms(100);
    let (mut t, ws) = Harness::websocket_with(Version::V4, config);
    t.block();
    t.server_sends("abc");
    t.stand_still(ms(10_000));
    t.timer();
    t.unblock(usize::MAX);
    t.expect_frame(ws, "2");
    t.expect_frame(ws, "4abc");
    t.expect_alive();
}
