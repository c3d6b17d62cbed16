//! The first packets of a session, and whether later requests fit it.

use super::harness::{Harness, config};
use crate::{BinaryFrames, ExistingKind, PostContent, RequestError, Transport, Version};

// H2
#[test]
fn open_packet_is_alone_in_the_first_poll() {
    let mut t = Harness::open(Version::V4, Transport::Polling, config(), None);
    t.get();
    let body = t.poll_payload().body;
    assert!(body.starts_with(b"0{"), "{body:?}");
    assert!(!body.contains(&0x1e), "{body:?}");
    t.get();
    t.expect_parked();
    t.expect_alive();
}

// H32
#[test]
fn initial_message_follows_the_open_packet() {
    let initial = Some(crate::Data::Text("hi".into()));
    let mut t = Harness::open(Version::V4, Transport::Polling, config(), initial.clone());
    t.get();
    let body = t.poll_payload().body;
    assert!(body.ends_with(b"\x1e4hi"), "{body:?}");

    let mut t = Harness::open(Version::V4, Transport::WebSocket, config(), initial);
    t.server_sends("later");
    let ws = t.connect();
    assert!(
        t.next_frame(ws)
            .is_some_and(|frame| frame.starts_with("0{"))
    );
    t.expect_frame(ws, "4hi");
    t.expect_frame(ws, "4later");
}

// W1
#[test]
fn websocket_starts_with_the_open_packet() {
    for version in [Version::V3, Version::V4] {
        let (mut t, ws) = Harness::websocket(version);
        t.expect_no_frame(ws);
        t.expect_alive();
    }
}

// H34, U19
#[test]
fn another_revision_does_not_fit() {
    for kind in [
        ExistingKind::Poll,
        ExistingKind::WebSocket(BinaryFrames::Bytes),
    ] {
        let t = Harness::polling(Version::V4);
        assert_eq!(t.session.check(Some(Version::V4), &kind), Ok(()));
        assert_eq!(
            t.session.check(Some(Version::V3), &kind),
            Err(RequestError::BadRequest)
        );
        assert_eq!(t.session.check(None, &kind), Err(RequestError::BadRequest));
    }
}

// H37
#[test]
fn clients_without_eio_stay_without_it() {
    let config = crate::Config {
        legacy_eio: true,
        ..config()
    };
    let t = Harness::polling_with(Version::V3, config);
    assert_eq!(t.session.check(None, &ExistingKind::Poll), Ok(()));
}

// H36, L8, U5
#[test]
fn requests_that_do_not_fit_the_transport() {
    let polling = Harness::polling(Version::V4);
    let (websocket, _) = Harness::websocket(Version::V4);
    let post = ExistingKind::Post(PostContent::Text);
    for (t, kind, answer) in [
        (
            &polling,
            &ExistingKind::Mismatch,
            Err(RequestError::BadRequest),
        ),
        (
            &polling,
            &ExistingKind::OtherMethod,
            Err(RequestError::MethodNotAllowed),
        ),
        (&polling, &post, Ok(())),
        (&websocket, &post, Err(RequestError::BadRequest)),
        (
            &websocket,
            &ExistingKind::Poll,
            Err(RequestError::BadRequest),
        ),
        (
            &websocket,
            &ExistingKind::WebSocket(BinaryFrames::Bytes),
            Ok(()),
        ),
    ] {
        assert_eq!(t.session.check(Some(Version::V4), kind), answer, "{kind:?}");
        t.expect_alive();
    }
}

// H31
#[test]
fn upgrades_that_are_switched_off_are_refused() {
    let config = crate::Config {
        upgrades: false,
        ..config()
    };
    let mut t = Harness::polling_with(Version::V4, config);
    let checked = t.session.check(
        Some(Version::V4),
        &ExistingKind::WebSocket(BinaryFrames::Bytes),
    );
    assert_eq!(checked, Err(RequestError::BadRequest));
    assert_eq!(t.try_connect(), Err(RequestError::BadRequest));
    t.expect_alive();
}
