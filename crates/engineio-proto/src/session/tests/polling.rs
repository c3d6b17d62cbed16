//! One parked GET, one POST at a time, payloads.

use bytes::Bytes;

use super::{harness::Harness, ms};
use crate::{
    CloseReason, Compressible, Entry, PayloadError, PostBody, PostContent, RequestError,
    SendOptions, SendOutcome, Text, Version,
};

// L1, P1, L7
#[test]
fn a_poll_waits_for_data() {
    let mut t = Harness::polling(Version::V4);
    t.get();
    t.expect_parked();
    t.post("4hello");
    t.expect_message("hello");
    t.expect_parked();
    t.server_sends("hello");
    t.expect_poll("4hello");
    t.expect_alive();
}

// Q1
#[test]
fn revision_3_counts_lengths() {
    let mut t = Harness::polling(Version::V3);
    t.post("6:4hello2:4€");
    t.expect_message("hello");
    t.expect_message("€");
    t.server_sends("hello");
    t.get();
    t.expect_poll("6:4hello");
}

#[test]
fn one_message_that_must_not_be_compressed_speaks_for_its_payload() {
    let mut t = Harness::polling(Version::V4);
    let secret = Entry::from(Text::from("secret")).with_compressible(Compressible::No);
    t.server_sends("open");
    let queued = t.server_sends_entry(secret, SendOptions::default());
    assert_eq!(queued, Ok(SendOutcome::Queued));
    t.server_sends("open");
    t.get();
    assert_eq!(t.poll_payload().compressible, Compressible::No);
    t.server_sends("open");
    t.get();
    assert_eq!(t.poll_payload().compressible, Compressible::Yes);
}

// P2, P29, P30
#[test]
fn what_waits_goes_in_one_payload() {
    let mut t = Harness::polling(Version::V4);
    t.post("4a␞4b␞4c");
    for text in ["a", "b", "c"] {
        t.expect_message(text);
        t.server_sends(text);
    }
    t.get();
    t.expect_poll("4a␞4b␞4c");
}

// P3, P31
#[test]
fn binary_is_base64() {
    let mut t = Harness::polling(Version::V4);
    t.post("4x␞bAQIDBA==");
    t.expect_message("x");
    t.expect_binary(&[1, 2, 3, 4]);
    t.server_sends("x+\u{1}\u{2}\u{3}\u{4}");
    t.get();
    t.expect_poll("4x␞bAQIDBA==");
}

// Several sends before one drain make one payload.
#[test]
fn sends_of_one_burst_answer_the_poll_together() {
    let mut t = Harness::polling(Version::V4);
    t.get();
    let options = SendOptions::default();
    let now = t.now();
    for text in ["a", "b"] {
        let sent = t.session.send(now, super::harness::entry(text), options);
        assert_eq!(sent, Ok(SendOutcome::Queued));
    }
    t.server_sends("c");
    t.expect_poll("4a␞4b␞4c");
}

// L2, L3
#[test]
fn a_second_poll_ends_the_session() {
    for (version, close) in [(Version::V4, "1"), (Version::V3, "1:1")] {
        let mut t = Harness::polling(version);
        let first = t.get();
        assert_eq!(t.try_get(), Err(RequestError::Overlap));
        t.expect_poll_of(first, close);
        t.expect_closed(CloseReason::TransportError);
    }
}

// L4
#[test]
fn a_client_that_drops_its_poll_is_gone() {
    let mut t = Harness::polling(Version::V4);
    let get = t.get();
    t.abandon_get(get);
    t.expect_closed(CloseReason::TransportError);
}

#[test]
fn an_answered_poll_may_vanish() {
    let mut t = Harness::polling(Version::V4);
    let first = t.get();
    t.server_sends("a");
    t.expect_poll("4a");
    t.get();
    t.abandon_get(first);
    t.expect_parked();
    t.expect_alive();
}

// L5
#[test]
fn a_post_that_breaks_off_delivers_nothing() {
    let mut t = Harness::polling(Version::V4);
    let post = t.post_start();
    t.abandon_post(post);
    t.expect_closed(CloseReason::TransportError);
}

// L6
#[test]
fn a_second_post_ends_the_session() {
    let mut t = Harness::polling(Version::V4);
    t.get();
    let first = t.post_start();
    assert_eq!(t.try_post_start(), Err(RequestError::Overlap));
    assert_eq!(
        t.post_end(first, "4late"),
        Err(RequestError::SessionIdUnknown)
    );
    t.expect_poll("1");
    t.expect_closed(CloseReason::TransportError);
}

#[test]
fn posts_follow_each_other() {
    let mut t = Harness::polling(Version::V4);
    for text in ["a", "b"] {
        let post = t.post_start();
        t.advance(ms(10));
        assert_eq!(t.post_end(post, &format!("4{text}")), Ok(()));
        t.expect_message(text);
    }
    t.expect_alive();
}

// P9, P10, P14, Q5, Q10
#[test]
fn garbage_ends_the_session() {
    for (version, body) in [
        (Version::V4, "abc"),
        (Version::V4, ""),
        (Version::V4, "7"),
        (Version::V4, "␞4a"),
        (Version::V3, "abc"),
        (Version::V3, "99:4a"),
        (Version::V3, ""),
    ] {
        let mut t = Harness::polling(version);
        let answer = t.try_post(body);
        assert!(
            matches!(answer, Err(RequestError::Payload(_))),
            "{body:?}: {answer:?}"
        );
        t.expect_closed(CloseReason::ParseError);
    }
}

// P11, P13
#[test]
fn packets_before_the_bad_one_are_delivered() {
    for body in ["4a␞", "4a␞␞4b", "4a␞Z␞4b"] {
        let mut t = Harness::polling(Version::V4);
        t.get();
        assert!(t.try_post(body).is_err());
        t.expect_message("a");
        t.expect_poll("1");
        t.expect_closed(CloseReason::ParseError);
    }
}

// P15
#[test]
fn types_without_meaning_are_ignored() {
    for (version, body) in [(Version::V4, "0␞5␞6␞4a"), (Version::V3, "1:01:51:61:32:4a")] {
        let mut t = Harness::polling(version);
        t.post(body);
        t.expect_message("a");
        t.expect_alive();
    }
}

// P17
#[test]
fn nothing_behind_a_close_packet_counts() {
    for body in ["4a␞1␞4b", "4a␞1␞garbage"] {
        let mut t = Harness::polling(Version::V4);
        t.post(body);
        t.expect_message("a");
        t.expect_closed(CloseReason::TransportClose);
    }
}

// P21
#[test]
fn octet_streams_are_for_revision_3() {
    let body = |bytes: &'static [u8]| PostBody {
        content: PostContent::OctetStream,
        bytes: Bytes::from_static(bytes),
    };
    let mut t = Harness::polling(Version::V4);
    t.get();
    assert_eq!(
        t.try_post_body(body(b"4a")),
        Err(RequestError::BinaryNotAllowed)
    );
    t.expect_poll("1");
    t.expect_closed(CloseReason::TransportError);

    // Q14
    let mut t = Harness::polling(Version::V3);
    assert_eq!(
        t.try_post_body(body(
            b"\x00\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04"
        )),
        Ok(())
    );
    t.expect_message("€");
    t.expect_binary(&[1, 2, 3, 4]);
}

// P26, P27, P28
#[test]
fn a_body_beyond_the_limit_costs_the_client_its_message_only() {
    let mut config = super::harness::config();
    config.limits.max_payload = 5;
    let mut t = Harness::polling_with(Version::V4, config);
    t.post("4aaaa");
    t.expect_message("aaaa");
    assert_eq!(t.try_post("4aa€"), Err(RequestError::TooLarge));
    assert_eq!(t.try_post("4aaaaa"), Err(RequestError::TooLarge));
    let post = t.post_start();
    t.session.handle_post_too_large(t.now(), post);
    t.post("4b");
    t.expect_message("b");
    t.expect_alive();
}

#[test]
fn too_many_packets_end_the_session() {
    let mut config = super::harness::config();
    config.limits.max_payload_packets = 2;
    let mut t = Harness::polling_with(Version::V4, config);
    assert_eq!(
        t.try_post("4a␞4b␞4c"),
        Err(PayloadError::TooManyPackets.into())
    );
    t.expect_message("a");
    t.expect_message("b");
    t.expect_closed(CloseReason::ParseError);
}

// L12
#[test]
fn a_long_queue_is_cut_between_messages() {
    let mut config = super::harness::config();
    config.limits.max_poll_payload = 10;
    let mut t = Harness::polling_with(Version::V4, config);
    t.server_sends("a message longer than the limit");
    t.server_sends("a");
    t.server_sends("b");
    t.server_sends("c+attached");
    t.get();
    t.expect_poll("4a message longer than the limit");
    t.get();
    t.expect_poll("4a␞4b");
    t.get();
    t.expect_poll("4c␞bYXR0YWNoZWQ=");
    t.get();
    t.expect_parked();
}

// L11
#[test]
fn requests_after_the_end_find_no_session() {
    let mut t = Harness::polling(Version::V4);
    t.post("1");
    t.expect_closed(CloseReason::TransportClose);
    assert_eq!(t.try_post("4a"), Err(RequestError::SessionIdUnknown));
    assert_eq!(t.try_connect(), Err(RequestError::SessionIdUnknown));
}

// J1, J4, J8, J11
#[test]
fn scripts_carry_the_same_payloads() {
    let mut config = super::harness::config();
    config.jsonp = true;
    let mut t = Harness::polling_with(Version::V3, config);
    t.post("d=6%3A4hello");
    t.expect_message("hello");
    t.post("x=6%3A4hello");
    t.expect_alive();
    t.server_sends("\"hi\"");
    t.get();
    t.expect_poll(r#"___eio[12]("5:4\"hi\"");"#);
    t.get();
    t.server_closes();
    t.expect_poll(r#"___eio[12]("1:1");"#);
    t.expect_closed(CloseReason::ForcedClose);
}

// A raw separator would tear the message in two.
#[test]
fn revision_4_cannot_poll_a_separator() {
    let mut t = Harness::polling(Version::V4);
    let refused = t.server_sends_with("a\u{1e}4b", SendOptions::default());
    assert_eq!(refused, Err(crate::SendError::Separator));
    t.expect_alive();
    let mut t = Harness::polling(Version::V3);
    t.server_sends("a\u{1e}4b");
    t.get();
    t.expect_poll("5:4a␞4b");
}
