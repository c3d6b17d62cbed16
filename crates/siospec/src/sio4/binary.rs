//! Binary events in protocol 4: frames carry the type byte of revision 3.

use crate::case::{Case, Check, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, shown};

pub(crate) static GROUP: Group = Group {
    id: "sio4/binary",
    title: "Binary, protocol 4",
    layer: Layer::Socket,
    needs: &[ServerOption::Eio3],
    cases: CASES,
};

const EVENT: &str = r#"451-["message",{"_placeholder":true,"num":0}]"#;
const ECHO: &str = r#"451-["message-back",{"_placeholder":true,"num":0}]"#;

const CASES: &[Case] = &[
    Case::must("V14", "EIO3 3.5")
        .title("WebSocket: attachments carry the type byte both ways")
        .run(|peer| {
            let mut socket = peer.socket_v4()?;
            socket.transport.send(EVENT)?;
            socket.send_binary(&[4, 1, 2, 3])?;
            socket.transport.expect(ECHO)?;
            socket.expect_binary(&[4, 1, 2, 3])
        }),
    Case::must("V15", "EIO3 3.3")
        .title("polling: attachments in base64 and in binary framing")
        .run(|peer| {
            echoed_by_polling(peer, Dialect::V3Base64, "b4AQID")?;
            echoed_by_polling(peer, Dialect::V3, "b04010203")
        }),
];

fn echoed_by_polling(peer: &Peer, dialect: Dialect, attachment: &str) -> Check {
    let session = peer.open(dialect)?;
    session.send(&[EVENT, "b4AQID"])?;
    let mut packets = session.first.clone();
    // `40`, `auth`, the echo and its attachment, in as many payloads as the server likes.
    while packets.len() < 4 {
        packets.extend(session.receive()?);
    }
    let expected = ["40", r#"42["auth",{}]"#, ECHO, attachment];
    ensure(packets == expected, shown(&expected), shown(&packets))
}
