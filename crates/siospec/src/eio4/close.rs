//! The end of a session, from either side.

use std::time::Duration;

use crate::case::{Case, Check, Group, Layer, ensure};
use crate::peer::engineio::{Dialect, Polling};
use crate::peer::frame::Frame;

pub(crate) static GROUP: Group = Group {
    id: "eio4/close",
    title: "Close",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("C1", "EIO4 2.5")
        .title("a close packet releases the hanging GET with a noop")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut hanging = session.start_poll()?;
            hanging.expect_pending(NOTICED)?;
            session.post("1")?.expect_ok()?;
            hanging.response()?.expect_status(200)?.expect_body("6")?;
            peer.expect_unknown(Dialect::V4, session.sid())
        }),
    Case::must("C2", "EIO4 2.5")
        .title("a close packet ends the session")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            session.post("1")?.expect_ok()?;
            peer.expect_unknown(Dialect::V4, session.sid())
        }),
    Case::should("C4", "EIO4 2.7")
        .title("the server's close waits for the next GET")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            session.send(&["4!close"])?;
            let response = session.poll()?.expect_status(200)?;
            let body = response.text();
            ensure(
                body == "6\u{1e}1" || body == "1",
                "6␞1 or 1",
                response.to_string(),
            )?;
            peer.expect_unknown(Dialect::V4, session.sid())
        }),
    Case::must("C5", "EIO4 2.7")
        .title("what was sent before the close arrives before it")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            session.send(&["4!bye"])?;
            let received = session.poll()?.expect_status(200)?;
            ensure(
                received.text().starts_with("4bye"),
                "4bye first",
                received.to_string(),
            )?;
            session.expect_gone()?;
            let mut socket = peer.open_websocket(Dialect::V4)?;
            socket.send("4!bye")?;
            socket.expect("4bye")?;
            socket.expect_closed().map(drop)
        }),
    Case::tolerant("C6", "EIO4 2.7")
        .title("a POST to a closing session is ignored or refused")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            session.send(&["4!close"])?;
            session
                .post(format!("4!note {} late", session.sid()))?
                .expect_status_among(&[200, 400])?;
            session.expect_gone()?;
            peer.expect_notes(session.sid(), "")
        }),
    Case::must("C8", "EIO4 2.9")
        .title("a close frame and a lost connection end the session")
        .run(|peer| {
            let (handshake, mut socket) = peer.open_websocket_with(Dialect::V4, "")?;
            socket.send_frame(&Frame::close(1001))?;
            socket.expect_closed()?;
            drop(socket);
            peer.wait(NOTICED);
            peer.expect_unknown(Dialect::V4, &handshake.sid)?;
            let (handshake, socket) = peer.open_websocket_with(Dialect::V4, "")?;
            socket.abort();
            peer.wait(NOTICED);
            peer.expect_unknown(Dialect::V4, &handshake.sid)
        }),
    Case::should("C10", "EIO4 2.7")
        .title("nothing behind the application's close is delivered")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            send_close_then_note(&session)?;
            session.expect_gone()?;
            peer.expect_notes(session.sid(), "")
        }),
];

/// Time a server gets to notice what happened on one connection before another is used.
const NOTICED: Duration = Duration::from_millis(60);

fn send_close_then_note(session: &Polling<'_>) -> Check {
    let note = format!("4!note {} late", session.sid());
    session
        .post(session.dialect.encode(&["4!close", &note]))?
        .expect_status_among(&[200, 400])
        .map(drop)
}
