//! From polling to WebSocket.

use super::{harness::Harness, ms};
use crate::{CloseReason, RequestError, Version};

// U1
#[test]
fn probe_then_upgrade() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    t.expect_frame(ws, "3probe");
    t.get();
    t.advance(ms(5));
    t.expect_poll("6");
    t.frame(ws, "5");
    t.expect_upgraded();
    t.frame(ws, "4hello");
    t.expect_message("hello");
    t.server_sends("hello");
    t.expect_frame(ws, "4hello");
    t.expect_alive();
}

// U2: at once, but not before `3probe` is out.
#[test]
fn the_parked_poll_ends_behind_the_probe_answer() {
    for (version, noop) in [(Version::V4, "6"), (Version::V3, "1:6")] {
        let mut t = Harness::polling(version);
        t.get();
        let ws = t.connect();
        t.block();
        t.frame(ws, "2probe");
        t.expect_parked();
        t.unblock(4);
        t.expect_parked();
        t.unblock(usize::MAX);
        t.expect_frame(ws, "3probe");
        t.expect_poll(noop);
    }
}

// U3
#[test]
fn later_polls_end_after_growing_pauses() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    for pause in [5, 10, 20, 40, 80, 100] {
        t.get();
        t.advance(ms(pause - 1));
        t.expect_parked();
        t.advance(ms(1));
        t.expect_poll("6");
    }
    t.expect_alive();
}

#[test]
fn a_poll_during_the_probe_gets_data_rather_than_a_noop() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    t.get();
    t.server_sends("a");
    t.expect_poll("4a");
    t.advance(ms(50));
    t.expect_frame(ws, "3probe");
    t.expect_no_frame(ws);
}

// U4
#[test]
fn probe_and_upgrade_may_be_pipelined() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.block();
    t.server_sends("queued");
    t.frame(ws, "2probe");
    t.frame(ws, "5");
    t.frame(ws, "4a");
    t.unblock(usize::MAX);
    t.expect_upgraded();
    t.expect_message("a");
    t.expect_frame(ws, "3probe");
    t.expect_frame(ws, "4queued");
    assert_eq!(t.try_get(), Err(RequestError::BadRequest));
}

// U5
#[test]
fn polling_requests_after_the_upgrade_do_not_fit() {
    let (mut t, ws) = Harness::upgraded(Version::V4);
    t.block();
    t.server_sends("a");
    assert_eq!(t.try_get(), Err(RequestError::BadRequest));
    assert_eq!(t.try_post("4a"), Err(RequestError::BadRequest));
    t.unblock(usize::MAX);
    t.expect_frame(ws, "4a");
    t.expect_alive();
}

// U6, U9: only the WebSocket pays.
#[test]
fn anything_but_a_probe_drops_the_websocket() {
    for frame in ["5", "4a", "2", "1", "garbage", "", "6", "2other", "3probe"] {
        let mut t = Harness::polling(Version::V4);
        t.get();
        let ws = t.connect();
        t.frame(ws, frame);
        t.expect_websocket_closed(ws);
        t.expect_parked();
        t.server_sends("a");
        t.expect_poll("4a");
        t.expect_alive();
    }
}

// U9
#[test]
fn anything_but_an_upgrade_behind_the_probe_drops_the_websocket() {
    for frame in ["4a", "2", "1", "garbage", "6"] {
        let mut t = Harness::polling(Version::V4);
        let ws = t.connect();
        t.frame(ws, "2probe");
        t.frame(ws, frame);
        t.expect_websocket_closed(ws);
        t.frame(ws, "5");
        t.get();
        t.advance(ms(100));
        t.expect_parked();
        t.server_sends("a");
        t.expect_poll("4a");
        t.expect_alive();
    }
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.binary_frame(ws, b"2probe");
    t.expect_websocket_closed(ws);
    t.expect_alive();
}

// U7
#[test]
fn the_upgrade_packet_may_carry_data() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    t.frame(ws, "52");
    t.expect_upgraded();
}

// U8
#[test]
fn every_probe_is_answered() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    t.frame(ws, "2probe");
    t.expect_frame(ws, "3probe");
    t.expect_frame(ws, "3probe");
    t.frame(ws, "5");
    t.expect_upgraded();
}

// U11
#[test]
fn an_upgrade_that_does_not_come_leaves_polling() {
    for probes in [&[][..], &["2probe"]] {
        let mut config = super::harness::config();
        config.limits.upgrade_timeout = ms(200);
        let mut t = Harness::polling_with(Version::V4, config);
        let ws = t.connect();
        for probe in probes {
            t.frame(ws, probe);
        }
        t.advance(ms(199));
        t.expect_websocket_open(ws);
        t.advance(ms(1));
        t.expect_websocket_closed(ws);
        t.get();
        t.advance(ms(100));
        t.expect_poll("2");
        t.expect_alive();
    }
}

// A dropped attempt makes room for the next, and its late frames are nobody's.
#[test]
fn a_failed_attempt_may_be_repeated() {
    let mut t = Harness::polling(Version::V4);
    let first = t.connect();
    t.frame(first, "2probe");
    t.drop_websocket(first);
    let second = t.connect();
    t.frame(first, "5");
    t.frame(first, "2probe");
    t.frame(second, "2probe");
    t.expect_frame(second, "3probe");
    t.drop_websocket(first);
    t.frame(second, "5");
    t.expect_upgraded();
    t.expect_alive();
}

// U12
#[test]
fn a_second_websocket_during_the_upgrade_is_closed() {
    let mut t = Harness::polling(Version::V4);
    let first = t.connect();
    t.frame(first, "2probe");
    let second = t.connect();
    t.expect_websocket_closed(second);
    t.drop_websocket(second);
    t.frame(first, "5");
    t.expect_upgraded();
    t.expect_alive();
}

// U13
#[test]
fn a_second_websocket_after_the_upgrade_is_closed() {
    let (mut t, first) = Harness::upgraded(Version::V4);
    let second = t.connect();
    t.expect_websocket_closed(second);
    t.server_sends("a");
    t.expect_frame(first, "4a");
    t.expect_alive();
}

// U15
#[test]
fn nothing_is_lost_or_doubled_on_the_way() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    let mut seen = Vec::new();
    for number in 0..50 {
        if number == 20 {
            t.frame(ws, "2probe");
            t.expect_frame(ws, "3probe");
        }
        if number % 7 == 3 && number < 30 {
            t.get();
            t.server_sends(&format!("{number}"));
            seen.push(String::from_utf8_lossy(&t.poll_payload().body).into_owned());
        } else {
            t.server_sends(&format!("{number}"));
        }
        if number < 30 {
            t.post(&format!("4{number}"));
        } else {
            t.frame(ws, &format!("4{number}"));
        }
        t.expect_message(&number.to_string());
        if number == 29 {
            t.frame(ws, "5");
            t.expect_upgraded();
        }
    }
    seen.extend(std::iter::from_fn(|| t.next_frame(ws)));
    let expected: Vec<_> = (0..50).map(|number| format!("4{number}")).collect();
    assert_eq!(
        seen.join("\u{1e}").split('\u{1e}').collect::<Vec<_>>(),
        expected
    );
}

// U16
#[test]
fn what_is_queued_goes_out_on_the_websocket_first() {
    let mut t = Harness::polling(Version::V3);
    let ws = t.connect();
    t.frame(ws, "2probe");
    t.expect_frame(ws, "3probe");
    t.server_sends("a+b");
    t.server_sends("c");
    t.frame(ws, "5");
    t.expect_upgraded();
    t.server_sends("d");
    t.expect_frame(ws, "4a");
    t.expect_frame(ws, "82 [04, 62]");
    t.expect_frame(ws, "4c");
    t.expect_frame(ws, "4d");
}

// U17
#[test]
fn a_close_packet_by_polling_closes_both() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    t.post("1");
    t.expect_websocket_closed(ws);
    t.expect_closed(CloseReason::TransportClose);
}

// U20: the poll that is still parked at `5` gets the noop, not the WebSocket.
#[test]
fn noops_never_go_over_the_websocket() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    t.expect_frame(ws, "3probe");
    t.get();
    t.frame(ws, "5");
    t.expect_poll("6");
    t.expect_upgraded();
    t.advance(ms(200));
    t.expect_no_frame(ws);
}

// U21
#[test]
fn a_websocket_that_is_gone_after_the_upgrade_ends_the_session() {
    let (mut t, ws) = Harness::upgraded(Version::V4);
    t.drop_websocket(ws);
    t.expect_closed(CloseReason::TransportClose);
}

// U23
#[test]
fn an_upload_may_end_after_the_upgrade() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    let post = t.post_start();
    t.frame(ws, "5");
    t.expect_upgraded();
    assert_eq!(t.post_end(post, "4late"), Ok(()));
    t.expect_message("late");
    assert_eq!(t.try_post_start(), Err(RequestError::BadRequest));
    t.expect_alive();
}

#[test]
fn an_upload_that_breaks_off_after_the_upgrade_ends_the_session() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.frame(ws, "2probe");
    let post = t.post_start();
    t.frame(ws, "5");
    t.expect_upgraded();
    t.abandon_post(post);
    t.expect_websocket_closed(ws);
    t.expect_closed(CloseReason::TransportError);
}

// A peer that probes without reading gets fewer answers, and no memory.
#[test]
fn a_flood_of_probes_leaves_few_answers() {
    let mut t = Harness::polling(Version::V4);
    let ws = t.connect();
    t.block();
    for _ in 0..1000 {
        t.frame(ws, "2probe");
    }
    t.unblock(usize::MAX);
    assert_eq!(std::iter::from_fn(|| t.next_frame(ws)).count(), 16);
}
