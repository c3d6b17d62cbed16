//! Polling payloads of revision 4: what a POST may hold and what becomes of it.

use crate::case::{Case, Check, Failure, Group, Layer, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Polling};
use crate::peer::response::Response;

pub(crate) static GROUP: Group = Group {
    id: "eio4/polling",
    title: "Polling payloads",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("P1", "EIO4 2.7")
        .title("a posted message is taken and echoed")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            session.post("4hello")?.expect_ok()?;
            session.expect(&["4hello"])
        }),
    Case::must("P2", "EIO4 2.8")
        .title("packets of one payload are echoed in order")
        .run(|peer| echoed(peer, &["4a", "4b", "4c"])),
    Case::must("P3", "EIO4 2.8")
        .title("text and base64 keep their kinds")
        .run(|peer| echoed(peer, &["4hello", "bAQIDBA=="])),
    Case::must("P4", "EIO4 2.7")
        .title("a POST is answered by exactly ok")
        .run(|peer| {
            let response = peer.open(Dialect::V4)?.post("4hello")?.expect_ok()?;
            response.expect_header("Content-Length", "2").map(drop)
        }),
    Case::should("P6", "EIO4 2.4")
        .title("b alone is an empty binary message")
        .run(|peer| echoed(peer, &["b"])),
    Case::tolerant("P7", "EIO4 2.8")
        .title("base64 without padding or URL-safe is decoded or closes")
        .run(loose_base64),
    Case::tolerant("P8", "EIO4 2.8")
        .title("broken base64 is empty or closes")
        .run(|peer| echoes_or_closes(peer, "b!!!!", &["b"])),
    Case::must("P9", "EIO4 2.7")
        .title("a body that is no payload closes the session")
        .run(|peer| closes(peer, "abc")),
    Case::should("P10", "EIO4 2.7")
        .title("an empty body closes the session")
        .run(|peer| closes(peer, "")),
    Case::should("P11", "EIO4 2.8")
        .title("a trailing separator closes after what came before")
        .run(|peer| delivers_then_closes(peer, "4!note KEY a\u{1e}", "a")),
    Case::should("P12", "EIO4 2.8")
        .title("a leading separator closes, nothing is delivered")
        .run(|peer| delivers_then_closes(peer, "\u{1e}4!note KEY a", "")),
    Case::should("P13", "EIO4 2.7")
        .title("nothing behind a bad packet is delivered")
        .run(|peer| {
            delivers_then_closes(peer, "4!note KEY a\u{1e}\u{1e}4!note KEY b", "a")?;
            delivers_then_closes(peer, "4!note KEY a\u{1e}Z\u{1e}4!note KEY b", "a")
        }),
    Case::must("P14", "EIO4 2.5")
        .title("an unknown packet type closes the session")
        .run(|peer| closes(peer, "7")),
    Case::tolerant("P15", "EIO4 2.5")
        .title("stray open, upgrade and noop are ignored or close")
        .run(stray),
    Case::must("P17", "EIO4 2.7")
        .title("nothing behind a close packet is delivered")
        .run(|peer| delivers_then_closes(peer, "4!note KEY a\u{1e}1\u{1e}4!note KEY b", "a")),
    Case::must("P18", "EIO4 2.8")
        .title("control and 4-byte characters are preserved")
        .run(|peer| echoed(peer, &["4\0\r\n\u{2028}\u{2029}é€😀"])),
    Case::tolerant("P19", "EIO4 2.7")
        .title("invalid UTF-8 is replaced or closes")
        .run(invalid_utf8),
    Case::should("P20", "EIO4 2.7")
        .title("a byte order mark closes the session")
        .run(|peer| closes(peer, "\u{feff}4hello")),
    Case::must("P21", "EIO4 2.7")
        .title("an octet-stream is 400 and closes the session")
        .run(octet_stream),
    Case::should("P22", "EIO4 2.7")
        .title("any other content type is read as text")
        .run(content_types),
    Case::tolerant("P23", "EIO4 2.7")
        .title("a compressed body closes or is 415")
        .run(compressed_body),
    Case::must("P24", "EIO4 2.7")
        .title("a chunked body is delivered")
        .run(chunked),
    Case::must("P26", "EIO4 2.7")
        .title("a body of exactly maxPayload bytes is taken")
        .run(|peer| {
            let message = format!("4{}", "x".repeat(peer.target.max_payload - 1));
            echoed(peer, &[&message])
        }),
    Case::tolerant("P27", "EIO4 2.7")
        .title("one byte more is 413 and not delivered")
        .run(too_large),
    Case::must("P28", "EIO4 2.7")
        .title("the limit counts bytes, not characters")
        .run(multibyte_limit),
    Case::must("P29", "EIO4 2.8")
        .title("1,000 packets of one body arrive in order")
        .run(|peer| {
            let packets: Vec<String> = (0..1000).map(|n| format!("4{n}")).collect();
            echoed(
                peer,
                &packets.iter().map(String::as_str).collect::<Vec<_>>(),
            )
        }),
    Case::must("P30", "EIO4 2.7")
        .title("buffered messages are one payload")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            session.send(&["4a"])?;
            session.send(&["4b", "4c"])?;
            session
                .poll()?
                .expect_status(200)?
                .expect_body("4a\u{1e}4b\u{1e}4c")
                .map(drop)
        }),
    Case::must("P31", "EIO4 2.8")
        .title("binary goes out as padded standard base64")
        .run(|peer| echoed(peer, &["bAQ==", "bAQI=", "bAQID", "b+/8="])),
];

fn echoed(peer: &Peer, packets: &[&str]) -> Check {
    let session = peer.open(Dialect::V4)?;
    session.send(packets)?;
    session.expect(packets)
}

/// The POST is answered 200 or 400, and the session is gone.
fn closes(peer: &Peer, body: &str) -> Check {
    let session = peer.open(Dialect::V4)?;
    session.post(body)?.expect_status_among(&[200, 400])?;
    session.expect_gone()
}

fn echoes_or_closes(peer: &Peer, body: &str, echo: &[&str]) -> Check {
    let session = peer.open(Dialect::V4)?;
    session.post(body)?.expect_status_among(&[200, 400])?;
    session.expect(echo).or_else(|_| session.expect_gone())
}

/// Posts `body`, with `KEY` replaced by a key of its own; the session ends, and the application has
/// seen exactly `notes`.
fn delivers_then_closes(peer: &Peer, body: &str, notes: &str) -> Check {
    let session = peer.open(Dialect::V4)?;
    let body = body.replace("KEY", session.sid());
    session.post(body)?.expect_status_among(&[200, 400])?;
    session.expect_gone()?;
    peer.expect_notes(session.sid(), notes)
}

fn loose_base64(peer: &Peer) -> Check {
    echoes_or_closes(peer, "bAQIDBA", &["bAQIDBA=="])?;
    echoes_or_closes(peer, "b-_8=", &["b+/8="])
}

fn stray(peer: &Peer) -> Check {
    for packet in ["0", "5", "6"] {
        let session = peer.open(Dialect::V4)?;
        let response = session.post(packet)?.expect_status_among(&[200, 400])?;
        match response.status {
            200 => session.expect_alive().or_else(|_| session.expect_gone())?,
            _ => session.expect_gone()?,
        }
    }
    Ok(())
}

fn invalid_utf8(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let response = session
        .post(*b"4a\xffb")?
        .expect_status_among(&[200, 400])?;
    match response.status {
        200 => session
            .expect(&["4a\u{fffd}b"])
            .or_else(|_| session.expect_gone()),
        _ => session.expect_gone(),
    }
}

fn octet_stream(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    post_as(&session, "application/octet-stream")?.expect_status(400)?;
    session.expect_gone()
}

fn content_types(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    for content_type in [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain;x=y",
    ] {
        post_as(&session, content_type)?.expect_ok()?;
        session.expect(&["4hello"])?;
    }
    let post = peer
        .posting(&session.query(), "4hello")
        .without("Content-Type");
    peer.request(&post)?.expect_ok()?;
    session.expect(&["4hello"])
}

fn post_as(session: &Polling<'_>, content_type: &str) -> Result<Response, Failure> {
    let post = session.peer.posting(&session.query(), "4hello");
    session
        .peer
        .request(&post.header("Content-Type", content_type))
}

fn compressed_body(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let gzip = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x33, 0xc9, 0x48, 0xcd, 0xc9, 0xc9, 7, 0,
    ];
    let post = peer
        .posting(&session.query(), gzip)
        .header("Content-Encoding", "gzip");
    let response = peer.request(&post)?.expect_status_among(&[200, 400, 415])?;
    if response.status == 415 {
        Ok(())
    } else {
        session.expect_gone()
    }
}

fn chunked(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let post = peer
        .posting(&session.query(), "")
        .chunked(&[b"4he", b"l", b"lo"]);
    peer.request(&post)?.expect_ok()?;
    session.expect(&["4hello"])
}

fn too_large(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let padding = "x".repeat(peer.target.max_payload);
    let note = format!("4!note {} {padding}", session.sid());
    let note = note.get(..peer.target.max_payload + 1).unwrap_or_default();
    let declared = peer.posting(&session.query(), note);
    expect_too_large(peer.start(&declared)?.response_or_end()?)?;
    let session = peer.open(Dialect::V4)?;
    let chunked = peer
        .posting(&session.query(), "")
        .chunked(&[note.as_bytes()]);
    expect_too_large(peer.start(&chunked)?.response_or_end()?)?;
    session.expect_alive().or_else(|_| session.expect_gone())?;
    peer.expect_notes(session.sid(), "")
}

/// 413, or the connection cut as the first servers did.
fn expect_too_large(response: Option<Response>) -> Check {
    response.map_or(Ok(()), |response| response.expect_status(413).map(drop))
}

fn multibyte_limit(peer: &Peer) -> Check {
    let max = peer.target.max_payload;
    let fitting = format!(
        "4{}{}",
        "é".repeat((max - 1) / 2),
        "x".repeat((max - 1) % 2)
    );
    ensure(
        fitting.len() == max,
        "a body of the limit",
        fitting.len().to_string(),
    )?;
    echoed(peer, &[&fitting])?;
    let session = peer.open(Dialect::V4)?;
    let over = peer.posting(&session.query(), fitting + "x");
    expect_too_large(peer.start(&over)?.response_or_end()?)
}
