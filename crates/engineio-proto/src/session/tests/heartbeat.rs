//! Who pings, and when silence ends a session. Interval 300 ms, timeout 200 ms.

use super::{harness::Harness, ms};
use crate::{CloseReason, RequestError, Version};

// B1, B9
#[test]
fn server_pings_every_interval() {
    let mut t = Harness::polling(Version::V4);
    for _ in 0..3 {
        t.get();
        t.advance(ms(299));
        t.expect_parked();
        t.advance(ms(1));
        t.expect_poll("2");
        t.post("3");
    }
    t.expect_alive();
}

// B3
#[test]
fn server_pings_on_websocket() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    for _ in 0..3 {
        t.advance(ms(300));
        t.expect_frame(ws, "2");
        t.frame(ws, "3");
        t.expect_no_frame(ws);
    }
    t.expect_alive();
}

// B2, L14
#[test]
fn a_silent_client_is_gone_after_interval_and_timeout() {
    let mut t = Harness::polling(Version::V4);
    t.advance(ms(499));
    t.expect_alive();
    t.advance(ms(1));
    t.expect_closed(CloseReason::PingTimeout);
}

// A request finds the deadline even if the timer has not fired yet.
#[test]
fn a_request_at_the_deadline_finds_no_session() {
    let mut t = Harness::polling(Version::V4);
    t.advance(ms(499));
    t.stand_still(ms(1));
    assert_eq!(t.try_get(), Err(RequestError::SessionIdUnknown));
    t.expect_closed(CloseReason::PingTimeout);
}

// B4
#[test]
fn a_silent_websocket_is_closed() {
    for version in [Version::V3, Version::V4] {
        let (mut t, ws) = Harness::websocket(version);
        t.advance(ms(500));
        t.expect_websocket_closed(ws);
        t.expect_closed(CloseReason::PingTimeout);
    }
}

// B5
#[test]
fn the_poll_parked_at_the_deadline_gets_a_close_packet() {
    let mut t = Harness::polling(Version::V4);
    t.get();
    t.advance(ms(300));
    t.expect_poll("2");
    t.get();
    t.advance(ms(200));
    t.expect_poll("1");
    t.expect_closed(CloseReason::PingTimeout);
}

// B6
#[test]
fn the_interval_starts_with_the_pong() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.advance(ms(300));
    t.expect_frame(ws, "2");
    t.advance(ms(150));
    t.frame(ws, "3");
    t.advance(ms(299));
    t.expect_no_frame(ws);
    t.advance(ms(1));
    t.expect_frame(ws, "2");
}

// B7: asked at 300, extended by the first message, by no other.
#[test]
fn other_traffic_buys_one_more_timeout() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.advance(ms(450));
    for wait in [150, 49] {
        t.frame(ws, "4a");
        t.expect_message("a");
        t.advance(ms(wait));
    }
    t.expect_alive();
    t.advance(ms(1));
    t.expect_websocket_closed(ws);
    t.expect_closed(CloseReason::PingTimeout);
}

// B8, B20
#[test]
fn pongs_may_come_unasked_and_with_data() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.advance(ms(200));
    t.frame(ws, "3");
    t.frame(ws, "3x");
    t.advance(ms(299));
    t.expect_no_frame(ws);
    t.advance(ms(1));
    t.expect_frame(ws, "2");
    t.expect_alive();
}

// B10, B13
#[test]
fn revision_3_clients_ping() {
    let mut t = Harness::polling(Version::V3);
    t.get();
    t.post("1:2");
    t.expect_poll("1:3");
    t.get();
    t.post("6:2probe");
    t.expect_poll("1:3");
    t.advance(ms(499));
    t.expect_alive();
}

// B12
#[test]
fn revision_3_pongs_on_websocket() {
    let (mut t, ws) = Harness::websocket(Version::V3);
    t.frame(ws, "2");
    t.expect_frame(ws, "3");
}

// B11, B14, B15
#[test]
fn only_pings_keep_a_revision_3_client() {
    let mut t = Harness::polling(Version::V3);
    t.advance(ms(400));
    t.post("1:3");
    t.post("2:4a");
    t.expect_message("a");
    t.advance(ms(99));
    t.expect_alive();
    t.advance(ms(1));
    t.expect_closed(CloseReason::PingTimeout);
}

// The server alone asks in revision 4.
#[test]
fn a_revision_4_client_that_pings_is_closed() {
    for body in ["2", "2probe"] {
        let mut t = Harness::polling(Version::V4);
        t.get();
        t.post(body);
        t.expect_poll("1");
        t.expect_closed(CloseReason::TransportError);
    }
}

// B17
#[test]
fn the_heartbeat_survives_the_upgrade() {
    let (mut t, ws) = Harness::upgraded(Version::V4);
    t.advance(ms(300));
    t.expect_frame(ws, "2");
    t.frame(ws, "3");
    t.advance(ms(300));
    t.expect_frame(ws, "2");
    t.expect_alive();
}

// The reference loses revision 3's deadline here.
#[test]
fn a_silent_revision_3_client_is_gone_after_its_upgrade_too() {
    let mut t = Harness::polling(Version::V3);
    t.advance(ms(200));
    let ws = t.connect();
    t.frame(ws, "2probe");
    t.frame(ws, "5");
    t.expect_upgraded();
    t.advance(ms(299));
    t.expect_alive();
    t.advance(ms(1));
    t.expect_websocket_closed(ws);
    t.expect_closed(CloseReason::PingTimeout);
}

// A ping that nobody polled for goes out on the new transport, once.
#[test]
fn a_waiting_ping_moves_to_the_websocket() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    t.expect_frame(ws, "3probe");
    t.advance(ms(300));
    t.frame(ws, "5");
    t.expect_upgraded();
    t.expect_frame(ws, "2");
    t.expect_no_frame(ws);
}

// B18
#[test]
fn a_ping_overtakes_what_is_queued() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.block();
    t.server_sends("first");
    t.server_sends("second");
    t.unblock(3);
    t.advance(ms(300));
    t.unblock(usize::MAX);
    t.expect_frame(ws, "4first");
    t.expect_frame(ws, "2");
    t.expect_frame(ws, "4second");
}

// A process that stood still must not cut clients that had no chance to answer.
#[test]
fn after_standing_still_the_client_has_a_full_timeout() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.stand_still(ms(10_000));
    t.timer();
    t.expect_frame(ws, "2");
    t.expect_no_frame(ws);
    t.advance(ms(199));
    t.expect_alive();
    t.advance(ms(1));
    t.expect_websocket_closed(ws);
    t.expect_closed(CloseReason::PingTimeout);
}

#[test]
fn a_pong_that_waited_unread_counts() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.advance(ms(300));
    t.expect_frame(ws, "2");
    t.stand_still(ms(60_000));
    t.timer();
    t.expect_alive();
    t.frame(ws, "3");
    t.advance(ms(300));
    t.expect_frame(ws, "2");
}

#[test]
fn standing_still_saves_a_client_once_a_round() {
    for version in [Version::V3, Version::V4] {
        let (mut t, ws) = Harness::websocket(version);
        for _ in 0..3 {
            t.stand_still(ms(60_000));
            t.timer();
        }
        t.expect_websocket_closed(ws);
        t.expect_closed(CloseReason::PingTimeout);
    }
}

#[test]
fn a_revision_3_client_is_not_cut_for_our_pause() {
    let mut t = Harness::polling(Version::V3);
    t.stand_still(ms(60_000));
    t.timer();
    t.expect_alive();
    t.post("1:2");
    t.advance(ms(499));
    t.expect_alive();
}

// Unsolicited pongs: one deadline, whatever the peer sends.
#[test]
fn a_flood_of_pongs_leaves_nothing_behind() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    for _ in 0..100_000 {
        t.frame(ws, "3");
    }
    t.expect_no_frame(ws);
    t.expect_alive();
}

// Z5
#[test]
fn a_flood_of_pings_leaves_few_answers() {
    let (mut t, ws) = Harness::websocket(Version::V3);
    t.block();
    for _ in 0..1000 {
        t.frame(ws, "2");
    }
    t.unblock(usize::MAX);
    let mut answers = 0;
    while t.next_frame(ws).is_some() {
        answers += 1;
    }
    assert_eq!(answers, 16);

    let mut t = Harness::polling(Version::V3);
    t.post(&"1:2".repeat(1000));
    t.get();
    t.expect_poll(&"1:3".repeat(16));
}

// A client that we do not read from cannot answer.
#[test]
fn the_heartbeat_stands_still_while_nobody_reads() {
    for version in [Version::V3, Version::V4] {
        let (mut t, ws) = Harness::websocket(version);
        t.advance(ms(350));
        t.session.pause(t.now());
        t.advance(ms(10_000));
        t.expect_alive();
        t.session.resume(t.now());
        t.advance(ms(199));
        t.expect_alive();
        t.advance(ms(1));
        t.expect_websocket_closed(ws);
        t.expect_closed(CloseReason::PingTimeout);
    }
}

#[test]
fn the_heartbeat_does_not_stand_still_for_ever() {
    let (mut t, ws) = Harness::websocket(Version::V4);
    t.advance(ms(300));
    t.expect_frame(ws, "2");
    t.session.pause(t.now());
    t.advance(ms(20_000));
    t.session.pause(t.now());
    t.advance(ms(10_199));
    t.expect_alive();
    t.advance(ms(1));
    t.expect_closed(CloseReason::PingTimeout);
}
