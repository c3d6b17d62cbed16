//! The WebSocket transport of revision 4.

use serde_json::json;

use crate::case::{Case, Group, Layer, ensure};
use crate::peer::engineio::Dialect;

pub(crate) static GROUP: Group = Group {
    id: "eio4/websocket",
    title: "WebSocket",
    layer: Layer::Engine,
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must(
        "W1",
        "EIO4 2.9",
        "the first frame is the open packet, no upgrades",
        |peer| {
            let (handshake, _socket) = peer.open_websocket_with(Dialect::V4, "")?;
            let upgrades = handshake.field("upgrades");
            ensure(*upgrades == json!([]), "upgrades []", upgrades.to_string())
        },
    ),
    Case::must("W5", "EIO4 2.9", "text is echoed", |peer| {
        let mut socket = peer.open_websocket(Dialect::V4)?;
        socket.send("4hello")?;
        socket.expect("4hello")
    }),
    Case::must("W6", "EIO4 2.9", "binary is echoed as raw bytes", |peer| {
        let mut socket = peer.open_websocket(Dialect::V4)?;
        socket.send_binary(&[1, 2, 3, 4])?;
        socket.expect_binary(&[1, 2, 3, 4])
    }),
    Case::must("W7", "EIO4 2.9", "garbage closes the session", |peer| {
        let mut socket = peer.open_websocket(Dialect::V4)?;
        socket.send("abc")?;
        socket.expect_closed().map(drop)
    }),
];
