//! Joining and leaving namespaces.

use crate::case::{Case, Group, Layer};

pub(crate) static GROUP: Group = Group {
    id: "sio5/connect",
    title: "Connection and namespaces",
    layer: Layer::Socket,
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must(
        "N2",
        "SIO5 6.1",
        "the auth object reaches the application",
        |peer| {
            let mut socket = peer.unjoined()?;
            socket
                .join(r#"0{"token":"1"}"#, r#"{"token":"1"}"#)
                .map(drop)
        },
    ),
    Case::must("N3", "SIO5 6.1", "a namespace is joined", |peer| {
        let mut socket = peer.unjoined()?;
        socket.send("0/custom,")?;
        socket.expect_connect()?;
        socket.expect(r#"2/custom,["auth",{}]"#)
    }),
    Case::must(
        "N6",
        "SIO5 6.1",
        "an unknown namespace is refused, the session stays",
        |peer| {
            let mut socket = peer.socket()?;
            socket.send("0/random,")?;
            socket.expect(r#"4/random,{"message":"Invalid namespace"}"#)?;
            socket.expect_alive()
        },
    ),
    Case::must(
        "N10",
        "SIO5 6.1",
        "joining twice closes the session",
        |peer| {
            let mut socket = peer.socket()?;
            socket.send("0")?;
            socket.expect_closed()
        },
    ),
];
