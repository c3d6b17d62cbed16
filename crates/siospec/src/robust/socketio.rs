//! Hostile Socket.IO clients.

use std::time::Duration;

use crate::case::{Case, Check, Failure, Group, Layer};
use crate::peer::Peer;
use crate::peer::frame::Frame;
use crate::peer::websocket::Received;

pub(crate) static GROUP: Group = Group {
    id: "robust/socketio",
    title: "Hostile Socket.IO clients",
    layer: Layer::Socket,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("Z9", "SIO5 5.1")
        .title("an attachment that never comes holds up nobody else")
        .run(|peer| {
            let mut waiting = peer.socket()?;
            waiting.send(r#"51-["message",{"_placeholder":true,"num":0}]"#)?;
            peer.socket()?.expect_alive()?;
            waiting.transport.abort();
            peer.wait(Duration::from_millis(60));
            peer.socket()?.expect_alive()
        }),
    Case::must("Z10", "SIO5 6.4")
        .title("a handler that panics harms its session at most")
        .run(|peer| {
            let mut bystander = peer.socket()?;
            let mut socket = peer.socket()?;
            socket.send(r#"2["panic"]"#)?;
            socket.send(r#"2["message","next"]"#)?;
            match socket.transport.receive()? {
                Received::Close(_) | Received::End => {}
                // The panicking socket may have left its namespace.
                Received::Text(text) if text.contains("next") || text == "41" => {}
                other => return Err(Failure::new("an echo or the end", other.to_string())),
            }
            bystander.expect_alive()?;
            peer.socket()?.expect_alive()
        }),
    Case::must("S21", "SIO5 6.5")
        .title("1,000 acks nobody waits for are ignored")
        .run(|peer| {
            let mut socket = peer.socket()?;
            let frames: Vec<Frame> = (0..1000)
                .map(|n| Frame::text(&format!("43{n}[1]")))
                .collect();
            socket.transport.send_frames(&frames)?;
            socket.expect_alive()
        }),
    Case::must("S22", "SIO5 6.4")
        .title("names of JavaScript's object are plain names")
        .run(|peer| {
            let mut socket = peer.socket()?;
            for name in ["__proto__", "constructor", "toString", "hasOwnProperty"] {
                socket.send(&format!(r#"2["{name}",1]"#))?;
                socket.expect_alive()?;
                socket.send(&format!("0/{name},"))?;
                socket.expect(&format!(r#"4/{name},{{"message":"Invalid namespace"}}"#))?;
            }
            socket.expect_alive()
        }),
    Case::should("S25", "SIO5 6.1")
        .title("1,000 unknown namespaces are refused, or end it")
        .run(|peer| {
            let mut socket = peer.socket()?;
            let frames: Vec<Frame> = (0..1000)
                .map(|n| Frame::text(&format!("40/x{n},")))
                .collect();
            socket.transport.send_frames(&frames)?;
            // Refusals may come in any order, and a server may end this at any time.
            for _ in 0..1000 {
                match socket.transport.receive()? {
                    Received::Close(_) | Received::End => break,
                    Received::Text(text) if text.starts_with("44/x") => {}
                    other => return Err(Failure::new("a refusal or the end", other.to_string())),
                }
            }
            peer.socket()?.expect_alive()
        }),
    Case::must("S26", "SIO5 6.1")
        .title("an error from a client ends its session")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"4{"message":"x"}"#)?;
            socket.expect_closed()?;
            alive(peer)
        }),
];

fn alive(peer: &Peer) -> Check {
    peer.socket()?.expect_alive()
}
