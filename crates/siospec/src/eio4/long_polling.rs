//! Long-polling mechanics: hanging GETs, overlaps, aborted requests, abandoned sessions.

use std::time::Duration;

use crate::case::{Case, Check, Failure, Group, Layer, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Polling};
use crate::peer::http::Exchange;

pub(crate) static GROUP: Group = Group {
    id: "eio4/long-polling",
    title: "Long-polling mechanics",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("L1", "EIO4 2.7")
        .title("a GET without data hangs until there is some")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut hanging = session.start_poll()?;
            hanging.expect_pending(REGISTERED)?;
            session.send(&["4hello"])?;
            hanging
                .response()?
                .expect_status(200)?
                .expect_body("4hello")
                .map(drop)
        }),
    Case::must("L2", "EIO4 2.7")
        .title("a second GET is refused and ends the session")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut first = session.start_poll()?;
            first.expect_pending(REGISTERED)?;
            session.poll()?.expect_status_among(&[400, 500])?;
            first.response()?.expect_status(200)?.expect_body("1")?;
            peer.expect_unknown(Dialect::V4, session.sid())
        }),
    Case::must("L4", "EIO4 2.7")
        .title("dropping a hanging GET ends the session")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut hanging = session.start_poll()?;
            hanging.expect_pending(REGISTERED)?;
            hanging.abort();
            peer.wait(REGISTERED);
            session.poll()?.expect_status(400).map(drop)
        }),
    Case::must("L5", "EIO4 2.7")
        .title("dropping a POST ends the session, nothing is delivered")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            start_upload(&session)?.abort();
            peer.wait(REGISTERED);
            session.expect_gone()?;
            peer.expect_notes(session.sid(), "")
        }),
    Case::must("L6", "EIO4 2.7")
        .title("a POST during an upload is refused and ends the session")
        .run(second_post),
    Case::must("L7", "EIO4 2.7")
        .title("a POST during a GET is fine, its echo answers the GET")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut hanging = session.start_poll()?;
            hanging.expect_pending(REGISTERED)?;
            session.send(&["4a"])?;
            hanging.response()?.expect_body("4a")?;
            session.expect_alive()
        }),
    Case::tolerant("L8", "EIO4 2.2")
        .title("other methods with a sid are errors, session unharmed")
        .run(other_methods),
    Case::must("L9", "EIO4 2.7")
        .title("a pipelined POST and GET are answered in order")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let get = peer
                .getting(&session.query())
                .encode(&peer.target.authority);
            let mut exchange = peer.start(&peer.posting(&session.query(), "4hello"))?;
            exchange.write(&get)?;
            exchange.next_response()?.expect_ok()?;
            exchange
                .next_response()?
                .expect_status(200)?
                .expect_body("4hello")
                .map(drop)
        }),
    Case::must("L11", "EIO4 2.2")
        .title("a GET after the end is code 1")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            session.send(&["1"])?;
            peer.expect_unknown(Dialect::V4, session.sid())
        }),
    Case::must("L12", "EIO4 2.7")
        .title("the server may send more than maxPayload")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let size = peer.target.max_payload + peer.target.max_payload / 2;
            session.send(&[&format!("4!burst 1 {size}")])?;
            let length = session.receive()?.concat().len();
            ensure(
                length == size + 1,
                format!("a packet of {} bytes", size + 1),
                length.to_string(),
            )
        }),
    Case::must("L13", "EIO4 2.7")
        .title("100 sessions in parallel do not mix")
        .run(cross_talk),
    Case::must("L14", "EIO4 2.6")
        .title("a session without any request is freed in time")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            peer.wait(peer.target.timings.silence() + REGISTERED);
            peer.expect_unknown(Dialect::V4, session.sid())
        }),
];

/// Time a server gets to notice a request or its end before the next connection is used: requests
/// of different connections have no order of their own.
const REGISTERED: Duration = Duration::from_millis(60);

/// Starts a POST whose length announces more than is sent.
fn start_upload(session: &Polling<'_>) -> Result<Exchange, Failure> {
    let body = format!("4!note {} partial", session.sid());
    let post = session.peer.posting(&session.query(), body).declaring(100);
    let mut upload = session.peer.start(&post)?;
    upload.expect_pending(REGISTERED)?;
    Ok(upload)
}

fn second_post(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let _upload = start_upload(&session)?;
    session.post("4hello")?.expect_status_among(&[400, 500])?;
    session.expect_gone()?;
    peer.expect_notes(session.sid(), "")
}

fn other_methods(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    for method in ["PUT", "DELETE", "PATCH", "HEAD"] {
        let response = peer.request(&peer.requesting(method, &session.query()))?;
        ensure(
            response.status >= 400,
            format!("an error for {method}"),
            response.to_string(),
        )?;
        session.expect_alive()?;
    }
    Ok(())
}

fn cross_talk(peer: &Peer) -> Check {
    let sessions: Vec<_> = (0..100)
        .map(|_| peer.open(Dialect::V4))
        .collect::<Result<_, _>>()?;
    for session in &sessions {
        session.send(&[&format!("4{}", session.sid())])?;
    }
    for session in &sessions {
        session.expect(&[&format!("4{}", session.sid())])?;
    }
    Ok(())
}
