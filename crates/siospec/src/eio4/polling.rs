//! Polling payloads of revision 4.

use crate::case::{Case, Check, Group, Layer};
use crate::peer::Peer;
use crate::peer::engineio::Dialect;

pub(crate) static GROUP: Group = Group {
    id: "eio4/polling",
    title: "Polling payloads",
    layer: Layer::Engine,
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must(
        "P1",
        "EIO4 2.7",
        "a posted message is taken and echoed",
        |peer| {
            let session = peer.open(Dialect::V4)?;
            session.post("4hello")?.expect_ok()?;
            session.expect(&["4hello"])
        },
    ),
    Case::must(
        "P2",
        "EIO4 2.8",
        "packets of one payload are echoed in order",
        |peer| echoed(peer, &["4a", "4b", "4c"]),
    ),
    Case::must(
        "P3",
        "EIO4 2.8",
        "text and base64 keep their kinds",
        |peer| echoed(peer, &["4hello", "bAQIDBA=="]),
    ),
    Case::must(
        "P4",
        "EIO4 2.7",
        "a POST is answered by exactly ok",
        |peer| {
            let response = peer.open(Dialect::V4)?.post("4hello")?.expect_ok()?;
            response.expect_header("Content-Length", "2").map(drop)
        },
    ),
    Case::must(
        "P9",
        "EIO4 2.7",
        "a body that is no payload closes the session",
        |peer| closes(peer, "abc"),
    ),
];

fn echoed(peer: &Peer, packets: &[&str]) -> Check {
    let session = peer.open(Dialect::V4)?;
    session.send(packets)?;
    session.expect(packets)
}

/// The POST is answered 200 or 400, and the session is gone.
fn closes(peer: &Peer, body: &str) -> Check {
    let session = peer.open(Dialect::V4)?;
    session.post(body)?.expect_status_among(&[200, 400])?;
    session.expect_gone()
}
