//! Sessions in virtual time. The ids in the comments are those of docs/conformance.

mod close;
mod handshake;
mod harness;
mod heartbeat;
mod ops;
mod outbox;
mod polling;
mod upgrade;
mod websocket;

use std::time::Duration;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// An idle session is most of what a connected client costs the core: 100,000 of them should stay
/// near 34 MB.
#[test]
fn an_idle_session_is_small() {
    let size = size_of::<super::Session>();
    assert!(size <= 336, "{size} bytes");
}
