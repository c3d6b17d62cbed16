//! Leaving namespaces, and what the others notice of it.

use std::time::Duration;

use crate::case::{Case, Check, Failure, Group, Layer, ensure};
use crate::peer::Peer;
use crate::peer::frame::Frame;
use crate::peer::websocket::Received;

pub(crate) static GROUP: Group = Group {
    id: "sio5/namespaces",
    title: "Leaving namespaces",
    layer: Layer::Socket,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("N27", "SIO5 6.3")
        .title("DISCONNECT has no answer, the session stays")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send("1")?;
            socket.expect_silence(peer.target.timings.silence())?;
            socket.join("0", "{}").map(drop)
        }),
    Case::must("N28", "SIO5 6.3")
        .title("leaving one namespace leaves the others alone")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.join("0/custom,", "{}")?;
            socket.send("1/custom,")?;
            socket.expect_alive()
        }),
    Case::must("N29", "SIO5 6.3")
        .title("joining again gives a new id")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send("1")?;
            peer.wait(PAUSE);
            let id = socket.join("0", "{}")?;
            ensure(id != socket.id, "a new socket id", id)
        }),
    Case::should("N30", "SIO5 6.3")
        .title("an event after leaving closes")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send("1")?;
            peer.wait(PAUSE);
            socket.send(r#"2["message"]"#)?;
            socket.expect_closed()
        }),
    Case::tolerant("N31", "SIO5 6.3")
        .title("an event in the burst of the leave is not handled")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket
                .transport
                .send_frames(&["41", r#"42["message"]"#].map(Frame::text))?;
            let received = socket
                .transport
                .receive_until(std::time::Instant::now() + PAUSE * 3)?;
            let quiet = matches!(
                received,
                Received::Silence | Received::Close(_) | Received::End
            );
            ensure(quiet, "nothing or the end", received.to_string())
        }),
    Case::should("N32", "SIO5 5")
        .title("a bad DISCONNECT closes")
        .run(|peer| {
            for packet in ["1{}", "1/custom,"] {
                let mut socket = peer.socket()?;
                socket.send(packet)?;
                socket.expect_closed()?;
            }
            Ok(())
        }),
    Case::must("N34", "SIO5 6.3")
        .title("the server may end one namespace")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.join("0/custom,", "{}")?;
            socket.send(r#"2/custom,["leave-namespace"]"#)?;
            socket.expect("1/custom,")?;
            socket.expect_alive()?;
            socket.send(r#"2["leave-namespace"]"#)?;
            socket.expect("1")?;
            socket.join("0", "{}").map(drop)
        }),
    Case::must("N35", "SIO5 6.3")
        .title("the server may end all namespaces and the session")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.join("0/custom,", "{}")?;
            socket.send(r#"2["close-session"]"#)?;
            let mut left = [socket.receive()?, socket.receive()?].map(|p| (p.kind, p.namespace));
            left.sort();
            let expected = [('1', "/".to_owned()), ('1', "/custom".to_owned())];
            ensure(
                left == expected,
                format!("{expected:?}"),
                format!("{left:?}"),
            )?;
            socket.expect_closed()
        }),
    Case::must("N36", "SIO5 6.3")
        .title("a lost transport disconnects every namespace")
        .run(|peer| {
            let mut socket = peer.unjoined()?;
            let tag = socket.session.clone();
            let auth = format!(r#"{{"tag":"{tag}"}}"#);
            socket.join(&format!("0{auth}"), &auth)?;
            socket.join(&format!("0/custom,{auth}"), &auth)?;
            socket.transport.abort();
            expect_journal(
                peer,
                &tag,
                &[
                    ["/", "connect"],
                    ["/", "transport close"],
                    ["/custom", "connect"],
                    ["/custom", "transport close"],
                ],
            )
        }),
];

/// Time in which a server has certainly handled what came before.
const PAUSE: Duration = Duration::from_millis(60);

/// The application's journal for `tag`, in any order of namespaces; waited for, since the server
/// has to notice the lost connection first.
fn expect_journal(peer: &Peer, tag: &str, entries: &[[&str; 2]]) -> Check {
    let mut socket = peer.socket()?;
    let expected = serde_json::json!(entries);
    let mut received = Vec::new();
    for _ in 0..10 {
        socket.send(&format!(r#"2["journal","{tag}"]"#))?;
        let data = socket.expect_event("journal")?.data.unwrap_or_default();
        received = data
            .get(1)
            .and_then(|list| list.as_array())
            .cloned()
            .unwrap_or_default();
        received.sort_by_key(|entry| entry.to_string());
        if serde_json::Value::from(received.clone()) == expected {
            return Ok(());
        }
        peer.wait(Duration::from_millis(20));
    }
    Err(Failure::new(
        expected.to_string(),
        serde_json::Value::from(received).to_string(),
    ))
}
