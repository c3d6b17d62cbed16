//! Acknowledgements in both directions.

use crate::case::{Case, Group, Layer};

pub(crate) static GROUP: Group = Group {
    id: "sio5/acks",
    title: "Acknowledgements",
    layer: Layer::Socket,
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must(
        "A1",
        "SIO5 6.5",
        "an event with an id is answered with its id",
        |peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"2456["message-with-ack",1,"2",{"3":[false]}]"#)?;
            socket.expect(r#"3456[1,"2",{"3":[false]}]"#)
        },
    ),
    Case::must(
        "A2",
        "SIO5 6.5",
        "id 0 is an id; leading zeros do not matter",
        |peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"20["message-with-ack","x"]"#)?;
            socket.expect(r#"30["x"]"#)?;
            socket.send(r#"2007["message-with-ack","x"]"#)?;
            socket.expect(r#"37["x"]"#)
        },
    ),
];
