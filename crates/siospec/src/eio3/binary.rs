//! The binary framing of revision 3: kind byte, one byte per digit of the length, 0xFF, packet.

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Polling};
use crate::peer::response::Response;
use crate::transcript::printable;

pub(crate) static GROUP: Group = Group {
    id: "eio3/binary",
    title: "Polling payloads, binary framing",
    layer: Layer::Engine,
    needs: &[ServerOption::Eio3],
    cases: CASES,
};

/// `4€` and the bytes 1 to 4, as revision 3 frames them. The length of binary data includes its
/// type byte.
const GOLDEN: &[u8] = b"\x00\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04";

const CASES: &[Case] = &[
    Case::must("Q4", "EIO3 3.3")
        .title("a batch with binary is framed in binary")
        .run(|peer| {
            let session = peer.open(Dialect::V3)?;
            session.post("2:4€10:b4AQIDBA==")?.expect_ok()?;
            expect_bytes(&session.poll()?.expect_status(200)?, GOLDEN)
        }),
    Case::must("Q14", "EIO3 3.3")
        .title("an octet-stream is taken, kinds are kept")
        .run(|peer| {
            let long = b"\x00\x01\x02\xff4hello world";
            for (body, packets) in [
                (&b"\x00\x06\xff4hello"[..], &["4hello"][..]),
                (b"\x01\x05\xff\x04\x01\x02\x03\x04", &["b0401020304"]),
                (GOLDEN, &["4€", "b0401020304"]),
                (long, &["4hello world"]),
            ] {
                let session = peer.open(Dialect::V3)?;
                post_octets(&session, body)?.expect_ok()?;
                session.expect(packets)?;
            }
            Ok(())
        }),
    Case::must("Q15", "EIO3 3.3")
        .title("the length of text counts bytes")
        .run(|peer| {
            let session = peer.open(Dialect::V3)?;
            post_octets(&session, b"\x00\x04\xff4\xe2\x82\xac")?.expect_ok()?;
            session.expect(&["4€"])
        }),
    Case::must("Q17", "EIO3 3.3")
        .title("broken framing closes the session")
        .run(|peer| {
            let mut digits = vec![0];
            digits.extend([1; 400]);
            digits.extend(b"\xff4hello");
            let bodies: [&[u8]; 4] = [
                b"\x00\x06",
                &digits,
                b"\x00\x00\xff",
                b"\x00\x06\xff4hello\x00\x06",
            ];
            bodies.into_iter().try_for_each(|body| closes(peer, body))
        }),
    Case::tolerant("Q18", "EIO3 3.3")
        .title("lax framing is read as the reference does, or closes")
        .run(|peer| {
            let bodies: [&[u8]; 4] = [
                b"\x00\x09\xff4hello",
                b"\x02\x06\xff\x04hello",
                b"\x00\x3a\xff4hello",
                b"\x00\x03\xff4\xff\xfe",
            ];
            for body in bodies {
                let session = peer.open(Dialect::V3)?;
                let taken = post_octets(&session, body)?
                    .expect_status_among(&[200, 400])?
                    .status
                    == 200;
                let alive = taken && session.post("6:4hello")?.status == 200;
                if alive {
                    session.receive().map(drop)?
                } else {
                    session.expect_gone()?
                }
            }
            Ok(())
        }),
    Case::should("Q19", "EIO3 3.3")
        .title("an empty octet-stream is taken and means nothing")
        .run(|peer| {
            let session = peer.open(Dialect::V3)?;
            post_octets(&session, b"")?.expect_ok()?;
            session.expect_alive()
        }),
    Case::should("Q23", "EIO4 2.1")
        .title("b64 after the handshake changes nothing")
        .run(|peer| {
            let session = peer.open(Dialect::V3)?;
            session.post("2:4€10:b4AQIDBA==")?.expect_ok()?;
            let query = format!("EIO=3&b64=1&transport=polling&sid={}", session.sid());
            expect_bytes(&peer.get(&query)?.expect_status(200)?, GOLDEN)
        }),
    Case::tolerant("Q25", "EIO3 3.6")
        .title("a batch of text comes in either framing")
        .run(|peer| {
            let session = peer.open(Dialect::V3)?;
            session.send(&["4a", "4b"])?;
            session.expect(&["4a", "4b"])
        }),
    Case::must("Q26", "EIO3 3.6")
        .title("non-ASCII text is framed in binary")
        .run(|peer| {
            // Browser clients of 1.x decode text framing twice.
            let session = peer.open(Dialect::V3)?;
            session.send(&["4€"])?;
            expect_bytes(
                &session.poll()?.expect_status(200)?,
                b"\x00\x04\xff4\xe2\x82\xac",
            )
        }),
    Case::must("Q28", "EIO4 2.11")
        .title("binary framing is an octet-stream of known length")
        .run(|peer| {
            let session = peer.open(Dialect::V3)?;
            session.post("10:b4AQIDBA==")?.expect_ok()?;
            session
                .poll()?
                .expect_header("Content-Type", "application/octet-stream")?
                .expect_header("Content-Length", "8")
                .map(drop)
        }),
];

fn post_octets(session: &Polling<'_>, body: &[u8]) -> Result<Response, Failure> {
    let post = session.peer.posting(&session.query(), body);
    session
        .peer
        .request(&post.header("Content-Type", "application/octet-stream"))
}

fn closes(peer: &Peer, body: &[u8]) -> Check {
    let session = peer.open(Dialect::V3)?;
    post_octets(&session, body)?.expect_status_among(&[200, 400])?;
    session.expect_gone()
}

fn expect_bytes(response: &Response, bytes: &[u8]) -> Check {
    ensure(
        response.body == bytes,
        printable(bytes),
        printable(&response.body),
    )
}
