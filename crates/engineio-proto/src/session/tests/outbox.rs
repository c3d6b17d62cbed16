//! The bound on what waits, and the policies for a client that does not keep up.

use super::harness::{Harness, config};
use crate::{
    CloseReason, ConflationKey, SendError, SendOptions, SendOutcome, SlowConsumer, Version,
};

const QUEUED: Result<SendOutcome, SendError> = Ok(SendOutcome::Queued);
const DROPPED: Result<SendOutcome, SendError> = Ok(SendOutcome::Dropped);
const CONFLATED: Result<SendOutcome, SendError> = Ok(SendOutcome::Conflated);

/// A polling session whose queue takes three packets.
fn three_packets() -> Harness {
    let mut config = config();
    config.limits.max_queued_packets = 3;
    Harness::polling_with(Version::V4, config)
}

fn with(policy: SlowConsumer) -> SendOptions {
    SendOptions::with(policy)
}

fn key(key: u64) -> SendOptions {
    with(SlowConsumer::ConflateBy(ConflationKey::new(key)))
}

#[test]
fn a_full_queue_ends_the_session() {
    let mut t = three_packets();
    for text in ["a", "b", "c"] {
        t.server_sends(text);
    }
    assert_eq!(
        t.server_sends_with("d", SendOptions::default()),
        Err(SendError::QueueFull)
    );
    t.expect_closed(CloseReason::SlowConsumer);
    assert_eq!(
        t.server_sends_with("e", SendOptions::default()),
        Err(SendError::Closed)
    );
}

#[test]
fn bytes_are_bounded_too() {
    let mut config = config();
    config.limits.max_queued_bytes = 100;
    let mut t = Harness::polling_with(Version::V4, config);
    t.server_sends(&"x".repeat(60));
    let dropped = t.server_sends_with(&"y".repeat(60), with(SlowConsumer::DropNewest));
    assert_eq!(dropped, DROPPED);
    assert!(t.session.queued_bytes() >= 60 && t.session.queued_bytes() <= 100);
    assert!(t.session.above_high_water() && t.session.above_low_water());
    t.get();
    assert_eq!(t.session.queued_bytes(), 0);
    assert!(!t.session.above_low_water());
}

#[test]
fn an_empty_queue_takes_an_entry_of_any_size() {
    let mut config = config();
    config.limits.max_queued_bytes = 10;
    config.limits.max_queued_packets = 1;
    let mut t = Harness::polling_with(Version::V4, config);
    t.server_sends("a message that is far too long+and an attachment");
    assert_eq!(
        t.server_sends_with("b", with(SlowConsumer::DropNewest)),
        DROPPED
    );
    t.get();
    t.server_sends("c");
    t.expect_alive();
}

#[test]
fn the_newest_is_dropped() {
    let mut t = three_packets();
    let options = with(SlowConsumer::DropNewest);
    for (text, outcome) in [("a", QUEUED), ("b+c", QUEUED), ("d", DROPPED)] {
        assert_eq!(t.server_sends_with(text, options), outcome);
    }
    t.get();
    t.expect_poll("4a␞4b␞bYw==");
}

#[test]
fn the_oldest_give_way_whole() {
    let mut t = three_packets();
    let options = with(SlowConsumer::DropOldest);
    for text in ["a+b", "c", "d", "e"] {
        assert_eq!(t.server_sends_with(text, options), QUEUED);
    }
    t.get();
    t.expect_poll("4c␞4d␞4e");
}

#[test]
fn what_must_arrive_never_gives_way() {
    let mut t = three_packets();
    for text in ["a", "b"] {
        assert_eq!(
            t.server_sends_with(text, SendOptions::never_dropped()),
            QUEUED
        );
    }
    assert_eq!(
        t.server_sends_with("c", with(SlowConsumer::DropNewest)),
        QUEUED
    );
    assert_eq!(
        t.server_sends_with("d", with(SlowConsumer::DropOldest)),
        DROPPED
    );
    t.get();
    t.expect_poll("4a␞4b␞4c");
}

#[test]
fn the_latest_value_of_a_key_takes_the_place_of_the_older() {
    let mut t = three_packets();
    assert_eq!(t.server_sends_with("a1", key(1)), QUEUED);
    assert_eq!(t.server_sends_with("b1", key(2)), QUEUED);
    assert_eq!(t.server_sends_with("a2", key(1)), CONFLATED);
    assert_eq!(t.server_sends_with("a3", key(1)), CONFLATED);
    t.server_sends("c");
    assert_eq!(t.server_sends_with("b2", key(2)), CONFLATED);
    t.get();
    t.expect_poll("4a3␞4b2␞4c");
    // What is out is not replaced.
    assert_eq!(t.server_sends_with("a4", key(1)), QUEUED);
    t.get();
    t.expect_poll("4a4");
}

#[test]
fn more_keys_than_room_end_the_session() {
    let mut t = three_packets();
    for number in 0..3 {
        assert_eq!(t.server_sends_with("v", key(number)), QUEUED);
    }
    assert_eq!(t.server_sends_with("v", key(3)), Err(SendError::QueueFull));
    t.expect_closed(CloseReason::SlowConsumer);
}

#[test]
fn a_replacement_that_grows_beyond_the_bound_ends_the_session() {
    let mut t = three_packets();
    assert_eq!(t.server_sends_with("v", key(1)), QUEUED);
    assert_eq!(t.server_sends_with("v+x+y", key(1)), CONFLATED);
    assert_eq!(t.server_sends_with("v+x+y+z", key(1)), CONFLATED);
    assert_eq!(
        t.server_sends_with("w", with(SlowConsumer::DropNewest)),
        DROPPED
    );
    assert_eq!(t.server_sends_with("v", key(1)), CONFLATED);
    t.server_sends("w");
    assert_eq!(
        t.server_sends_with("v+x+y", key(1)),
        Err(SendError::QueueFull)
    );
    t.expect_closed(CloseReason::SlowConsumer);
}

// Removal in the middle must not confuse where a key's entry waits.
#[test]
fn keys_keep_their_places_while_others_give_way() {
    let mut t = three_packets();
    let options = with(SlowConsumer::DropOldest);
    assert_eq!(t.server_sends_with("old", options), QUEUED);
    assert_eq!(t.server_sends_with("k1", key(1)), QUEUED);
    assert_eq!(t.server_sends_with("new", options), QUEUED);
    assert_eq!(t.server_sends_with("newer", options), QUEUED);
    assert_eq!(t.server_sends_with("k2", key(1)), CONFLATED);
    t.get();
    t.expect_poll("4k2␞4new␞4newer");
}

// 6.6: of two volatile messages only the first arrives.
#[test]
fn volatile_messages_need_a_writable_transport() {
    let volatile = SendOptions::volatile();
    let mut t = Harness::polling(Version::V4);
    assert_eq!(t.server_sends_with("a", volatile), DROPPED);
    t.get();
    assert_eq!(t.server_sends_with("b", volatile), QUEUED);
    t.expect_poll("4b");

    let (mut t, ws) = Harness::websocket(Version::V4);
    assert_eq!(t.server_sends_with("a", volatile), QUEUED);
    t.expect_frame(ws, "4a");
    t.block();
    assert_eq!(t.server_sends_with("b+attached", volatile), QUEUED);
    assert_eq!(t.server_sends_with("c", volatile), DROPPED);
    t.unblock(usize::MAX);
    t.expect_frame(ws, "4b");
}

#[test]
fn an_entry_whose_first_byte_is_out_stays() {
    let mut config = config();
    config.limits.max_queued_packets = 2;
    let (mut t, ws) = Harness::websocket_with(Version::V4, config.clone());
    t.block();
    assert_eq!(t.server_sends_with("a1", key(1)), QUEUED);
    t.unblock(1);
    assert_eq!(t.server_sends_with("a2", key(1)), QUEUED);
    assert_eq!(t.server_sends_with("a3", key(1)), CONFLATED);
    t.unblock(usize::MAX);
    t.expect_frame(ws, "4a1");
    t.expect_frame(ws, "4a3");
    t.expect_no_frame(ws);

    let options = with(SlowConsumer::DropOldest);
    let (mut t, ws) = Harness::websocket_with(Version::V4, config);
    t.block();
    assert_eq!(t.server_sends_with("a", options), QUEUED);
    t.unblock(1);
    for text in ["b", "c"] {
        assert_eq!(t.server_sends_with(text, options), QUEUED);
    }
    t.unblock(usize::MAX);
    t.expect_frame(ws, "4a");
    t.expect_frame(ws, "4c");
    t.expect_no_frame(ws);
}

#[test]
fn the_sessions_policy_comes_before_the_servers() {
    let mut t = three_packets();
    t.session.set_slow_consumer(SlowConsumer::DropNewest);
    for text in ["a", "b", "c"] {
        t.server_sends(text);
    }
    let dropped = t.server_sends_with("d", SendOptions::default());
    assert_eq!(dropped, Ok(SendOutcome::Dropped));
    t.get();
    t.expect_poll("4a␞4b␞4c");
    t.expect_alive();
}

#[test]
fn the_servers_policy_holds_where_a_message_has_none() {
    let mut config = config();
    config.slow_consumer = SlowConsumer::DropOldest;
    config.limits.max_queued_packets = 1;
    let mut t = Harness::polling_with(Version::V4, config);
    t.server_sends("a");
    t.server_sends("b");
    t.get();
    t.expect_poll("4b");
}
