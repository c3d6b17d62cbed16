//! Joining namespaces in protocol 4: the root is joined by the server.

use std::time::{Duration, Instant};

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, shown};
use crate::peer::socketio::Socket;
use crate::peer::websocket::Received;

pub(crate) static GROUP: Group = Group {
    id: "sio4/connect",
    title: "Connection, protocol 4",
    layer: Layer::Socket,
    needs: &[ServerOption::Eio3],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("V1", "SIO5 6.1")
        .title("WebSocket: the root is joined unasked, without payload")
        .run(|peer| peer.socket_v4().map(drop)),
    Case::tolerant("V2", "EIO4 2.3")
        .title("polling: the root comes with the open packet or next")
        .run(|peer| {
            let session = peer.open(Dialect::V3Base64)?;
            let mut packets = session.first.clone();
            if packets.is_empty() {
                packets = session.receive()?;
            }
            ensure(
                packets.first().is_some_and(|first| first == "40"),
                "2:40",
                shown(&packets),
            )
        }),
    Case::must("V3", "SIO5 6.1")
        .title("a namespace is joined, with or without its comma")
        .run(|peer| {
            for connect in ["0/custom,", "0/custom"] {
                let mut socket = peer.socket_v4()?;
                socket.send(connect)?;
                socket.transport.expect("40/custom,")?;
                socket.expect_event("auth")?;
            }
            Ok(())
        }),
    Case::must("V4", "SIO5 6.2")
        .title("the query of a namespace reaches the application")
        .run(|peer| {
            let mut socket = peer.socket_v4()?;
            socket.send("0/custom?a=b&c=%C3%A9%20x,")?;
            socket.transport.expect("40/custom,")?;
            socket.expect(r#"2/custom,["auth",{"a":"b","c":"é x"}]"#)
        }),
    Case::should("V5", "SIO5 6.1")
        .title("a payload of CONNECT is ignored")
        .run(|peer| {
            let mut socket = peer.socket_v4()?;
            socket.send(r#"0/custom,{"t":1}"#)?;
            socket.transport.expect("40/custom,")?;
            socket.expect(r#"2/custom,["auth",{}]"#)
        }),
    Case::must("V6", "SIO5 6.1")
        .title("an unknown namespace is refused by a string")
        .run(|peer| {
            let mut socket = peer.socket_v4()?;
            socket.send("0/random,")?;
            socket.expect(r#"4/random,"Invalid namespace""#)?;
            socket.expect_alive()
        }),
    Case::tolerant("V8", "SIO5 6.1")
        .title("a CONNECT for the root never makes a second socket")
        .run(|peer| {
            let mut socket = peer.socket_v4()?;
            socket.send("0")?;
            socket.send(r#"2["message"]"#)?;
            let mut echoes = 0;
            loop {
                let until = Instant::now() + Duration::from_millis(100);
                match socket.transport.receive_until(until)? {
                    Received::Close(_) | Received::End => return Ok(()),
                    Received::Text(text) if text == r#"42["message-back"]"# => echoes += 1,
                    Received::Text(text) if text == "40" => {}
                    Received::Silence => {
                        return ensure(echoes == 1, "one echo", echoes.to_string());
                    }
                    other => return Err(Failure::new("one echo or the end", other.to_string())),
                }
            }
        }),
    Case::should("V13", "SIO5 6.1")
        .title("socket ids are made of the session id")
        .run(|peer| {
            let mut socket = peer.socket_v4()?;
            let sid = socket.session.clone();
            socket.send(r#"2["id"]"#)?;
            socket.expect(&format!(r#"2["id","{sid}"]"#))?;
            socket.send("0/custom,")?;
            socket.transport.expect("40/custom,")?;
            socket.expect_event("auth")?;
            socket.send(r#"2/custom,["id"]"#)?;
            socket.expect(&format!(r#"2/custom,["id","/custom#{sid}"]"#))
        }),
    Case::must("V16", "SIO5 6.3")
        .title("either side may leave a namespace")
        .run(leaving),
    Case::should("V19", "SIO5 6.1")
        .title("the connect timeout does not apply")
        .run(|peer| {
            let mut socket = peer.socket_v4()?;
            let opened = Instant::now();
            while opened.elapsed() < peer.target.timings.connect_timeout * 3 / 2 {
                socket.transport.send("2")?;
                socket.transport.expect("3")?;
                peer.wait(peer.target.timings.ping_interval / 2);
            }
            socket.expect_alive()
        }),
];

fn leaving(peer: &Peer) -> Check {
    let mut socket = peer.socket_v4()?;
    let join = |socket: &mut Socket| {
        socket.send("0/custom,")?;
        socket.transport.expect("40/custom,")?;
        socket.expect_event("auth").map(drop)
    };
    join(&mut socket)?;
    socket.send("1/custom,")?;
    socket.expect_alive()?;
    join(&mut socket)?;
    socket.send(r#"2/custom,["leave-namespace"]"#)?;
    socket.expect("1/custom,")?;
    socket.expect_alive()
}
