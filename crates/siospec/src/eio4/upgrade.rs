//! The upgrade from polling to WebSocket.

use crate::case::{Case, Group, Layer};
use crate::peer::engineio::Dialect;

pub(crate) static GROUP: Group = Group {
    id: "eio4/upgrade",
    title: "Upgrade",
    layer: Layer::Engine,
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("U1", "EIO4 2.10", "probe, noop, upgrade, message", |peer| {
        let session = peer.open(Dialect::V4)?;
        let mut socket = session.websocket()?;
        socket.send("2probe")?;
        socket.expect("3probe")?;
        session.poll()?.expect_status(200)?.expect_body("6")?;
        socket.send("5")?;
        socket.send("4hello")?;
        socket.expect("4hello")
    }),
    Case::must(
        "U5",
        "EIO4 2.10",
        "polling after the upgrade is code 3, session unharmed",
        |peer| {
            let session = peer.open(Dialect::V4)?;
            let mut socket = session.upgrade()?;
            socket.send("4a")?;
            socket.expect("4a")?;
            session.poll()?.expect_code(3)?;
            session.post("4hello")?.expect_code(3)?;
            socket.send("4b")?;
            socket.expect("4b")
        },
    ),
];
