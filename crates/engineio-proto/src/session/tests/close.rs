//! The end: one reason, told once, and what the client gets to see of it.

use super::{harness::Harness, ms};
use crate::{CloseReason, RequestError, SendError, SendOptions, Version};

// C1
#[test]
fn a_client_that_closes_gets_a_noop_on_its_poll() {
    for (version, body, noop) in [(Version::V4, "1", "6"), (Version::V3, "1:1", "1:6")] {
        let mut t = Harness::polling(version);
        t.get();
        t.post(body);
        t.expect_poll(noop);
        t.expect_closed(CloseReason::TransportClose);
    }
}

// C2
#[test]
fn a_client_may_close_without_a_poll() {
    let mut t = Harness::polling(Version::V4);
    t.post("1");
    t.expect_closed(CloseReason::TransportClose);
}

#[test]
fn a_parked_poll_gets_the_close_packet() {
    for (version, close) in [(Version::V4, "1"), (Version::V3, "1:1")] {
        let mut t = Harness::polling(version);
        t.get();
        t.server_closes();
        t.expect_poll(close);
        t.expect_closed(CloseReason::ForcedClose);
    }
}

// C4, C6
#[test]
fn the_next_poll_gets_noop_and_close() {
    for (version, end) in [(Version::V4, "6␞1"), (Version::V3, "1:61:1")] {
        let mut t = Harness::polling(version);
        t.server_closes();
        t.expect_alive();
        t.post("4ignored");
        t.expect_alive();
        t.get();
        t.expect_poll(end);
        t.expect_closed(CloseReason::ForcedClose);
    }
}

// C5
#[test]
fn data_goes_before_the_close_packet() {
    let mut t = Harness::polling(Version::V4);
    t.server_sends("a");
    t.server_sends("b");
    t.server_closes();
    assert_eq!(
        t.server_sends_with("c", SendOptions::default()),
        Err(SendError::Closed)
    );
    t.get();
    t.expect_poll("4a␞4b");
    t.expect_alive();
    t.get();
    t.expect_poll("6␞1");
    t.expect_closed(CloseReason::ForcedClose);
}

#[test]
fn data_of_the_same_burst_takes_the_parked_poll() {
    let mut t = Harness::polling(Version::V4);
    t.get();
    let now = t.now();
    let sent = t
        .session
        .send(now, super::harness::entry("a"), SendOptions::default());
    assert!(sent.is_ok());
    t.server_closes();
    t.expect_poll("4a");
    t.get();
    t.expect_poll("6␞1");
    t.expect_closed(CloseReason::ForcedClose);
}

// C7
#[test]
fn a_closing_session_that_nobody_polls_ends() {
    let mut t = Harness::polling(Version::V4);
    t.server_sends("a");
    t.server_closes();
    t.advance(ms(29_999));
    t.expect_alive();
    t.advance(ms(1));
    t.expect_closed(CloseReason::ForcedClose);
}

#[test]
fn a_closing_session_ends_when_the_client_says_so_too() {
    for (version, ignored, close) in [(Version::V4, "3␞4x", "4x␞1"), (Version::V3, "2:4x", "1:1")]
    {
        let mut t = Harness::polling(version);
        t.server_sends("a");
        t.server_closes();
        t.post(ignored);
        t.expect_alive();
        t.post(close);
        t.expect_closed(CloseReason::ForcedClose);

        let (mut t, ws) = Harness::websocket(version);
        t.block();
        t.server_sends("a");
        t.server_closes();
        t.frame(ws, "4x");
        t.expect_alive();
        t.frame(ws, "1");
        t.expect_websocket_closed(ws);
        t.expect_closed(CloseReason::ForcedClose);
    }
}

// C5 on WebSocket
#[test]
fn a_websocket_gets_its_data_before_the_close_frame() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.block();
    t.server_sends("a");
    t.server_closes();
    t.unblock(2);
    t.expect_websocket_open(ws);
    t.frame(ws, "4ignored");
    t.expect_alive();
    t.unblock(usize::MAX);
    t.expect_frame(ws, "4a");
    t.expect_websocket_closed(ws);
    assert!(t.session.between_frames());
    t.expect_closed(CloseReason::ForcedClose);
}

#[test]
fn a_websocket_with_nothing_queued_closes_at_once() {
    let (mut t, ws) = Harness::websocket(Version::V3);
    t.server_closes();
    t.expect_websocket_closed(ws);
    t.expect_closed(CloseReason::ForcedClose);
}

#[test]
fn the_first_reason_stands() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.block();
    t.server_sends("a");
    t.server_closes();
    t.drop_websocket(ws);
    t.expect_closed(CloseReason::ForcedClose);
}

#[test]
fn the_close_timeout_cuts_a_websocket_that_does_not_read() {
    let mut config = super::harness::config();
    config.limits.close_timeout = ms(100);
    let (mut t, ws) = Harness::websocket_with(Version::V4, config);
    t.block();
    t.server_sends("a");
    t.unblock(1);
    t.server_closes();
    t.advance(ms(100));
    t.expect_websocket_closed(ws);
    assert!(!t.session.between_frames());
    t.expect_closed(CloseReason::ForcedClose);
}

// C9
#[test]
fn shutdown_drops_what_is_queued() {
    let mut t = Harness::polling(Version::V4);
    t.server_sends("a");
    t.session.abort(t.now(), CloseReason::ServerShuttingDown);
    t.timer();
    assert_eq!(t.try_get(), Err(RequestError::SessionIdUnknown));
    t.expect_closed(CloseReason::ServerShuttingDown);

    let (mut t, ws) = Harness::websocket(Version::V4);
    t.block();
    t.server_sends("a");
    t.session.abort(t.now(), CloseReason::ServerShuttingDown);
    t.unblock(usize::MAX);
    t.expect_no_frame(ws);
    t.expect_websocket_closed(ws);
    t.expect_closed(CloseReason::ServerShuttingDown);
}

#[test]
fn closing_before_the_probe_is_over_waits_for_the_client() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    t.expect_frame(ws, "3probe");
    t.server_sends("a");
    t.server_closes();
    // The client has paused polling: its next word is `5`.
    t.frame(ws, "5");
    t.expect_upgraded();
    t.expect_frame(ws, "4a");
    t.expect_websocket_closed(ws);
    t.expect_closed(CloseReason::ForcedClose);
}

#[test]
fn closing_while_the_client_still_polls_closes_both() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    t.get();
    t.server_closes();
    t.expect_poll("1");
    t.expect_websocket_closed(ws);
    t.expect_closed(CloseReason::ForcedClose);
}

#[test]
fn a_closing_session_takes_no_new_websocket() {
    let mut t = Harness::polling(Version::V4);
    t.server_closes();
    let ws = t.connect();
    t.expect_websocket_closed(ws);
    t.get();
    t.expect_poll("6␞1");
    t.expect_closed(CloseReason::ForcedClose);
}

#[test]
fn reasons_read_as_applications_know_them() {
    for (reason, text, name) in [
        (
            CloseReason::TransportClose,
            "transport close",
            "transport_close",
        ),
        (
            CloseReason::TransportError,
            "transport error",
            "transport_error",
        ),
        (CloseReason::PingTimeout, "ping timeout", "ping_timeout"),
        (
            CloseReason::MessageTooLarge,
            "message too large",
            "message_too_large",
        ),
        (CloseReason::ParseError, "parse error", "parse_error"),
        (CloseReason::ForcedClose, "forced close", "forced_close"),
        (
            CloseReason::ForcedServerClose,
            "forced server close",
            "forced_server_close",
        ),
        (
            CloseReason::ServerShuttingDown,
            "server shutting down",
            "server_shutting_down",
        ),
        (CloseReason::SlowConsumer, "slow consumer", "slow_consumer"),
        (CloseReason::WriteTimeout, "write timeout", "write_timeout"),
        (
            CloseReason::ApplicationPanic,
            "application panic",
            "application_panic",
        ),
    ] {
        assert_eq!(reason.to_string(), text);
        assert_eq!(reason.name(), name);
        assert!(!reason.hint().is_empty());
    }
}
