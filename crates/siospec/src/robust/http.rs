//! HTTP requests that must not be believed.

use std::time::{Duration, Instant};

use crate::case::{Case, Check, Failure, Group, Layer, ensure};
use crate::peer::Peer;
use crate::peer::engineio::Dialect;
use crate::peer::http::Exchange;
use crate::peer::response::Response;

use super::flood::bystander;

pub(crate) static GROUP: Group = Group {
    id: "robust/http",
    title: "Broken HTTP",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("S41", "EIO4 2.1")
        .title("a header of 20 kB is 431, 65 headers are served or 431")
        .run(|peer| {
            let large = peer.getting(OPEN).header("X-Large", "x".repeat(20_000));
            refused(peer.start(&large)?.response_or_end()?, &[431])?;
            let head = format!("GET {}?{OPEN} HTTP/1.1\r\nHost: h\r\n", peer.target.path);
            let many = format!("{head}{}\r\n", "X-Many: x\r\n".repeat(65));
            raw(peer, &many)?.map_or(Ok(()), |r| r.expect_status_among(&[200, 431]).map(drop))
        }),
    Case::must("S46", "EIO4 2.7")
        .title("a length besides chunks never smuggles a request")
        .run(smuggling),
    Case::must("S47", "EIO4 2.7")
        .title("malformed lengths and codings are refused")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let headers = [
                "Content-Length: 6\r\nContent-Length: 7",
                "Content-Length: +6",
                "Content-Length: -1",
                "Content-Length: 6,7",
                "Transfer-Encoding: chunked, gzip",
                "Content-Length: 6\r\nX-Nul: a\0b",
            ];
            for header in headers {
                let request = posting(peer, &session.query(), header, "4hello");
                refused(raw(peer, &request)?, &[400, 411, 501])?;
            }
            bystander(peer)
        }),
    Case::must("S48", "EIO4 2.11")
        .title("two Host headers are 400")
        .run(|peer| {
            let two = peer.getting(OPEN).header("Host", "other");
            refused(peer.start(&two)?.response_or_end()?, &[400])
        }),
    Case::should("S49", "EIO4 2.1")
        .title("a URI of 10 kB is 414")
        .run(|peer| {
            let long = peer.getting(&format!("{OPEN}&x={}", "x".repeat(10_000)));
            refused(peer.start(&long)?.response_or_end()?, &[414, 431])
        }),
    Case::must("S50", "EIO4 2.7")
        .title("absurd chunks are refused")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let trailers = "X: x\r\n".repeat(10_000);
            let bodies = [
                "fffffffffffffffff\r\n4hello\r\n0\r\n\r\n".to_owned(),
                format!("0\r\n{trailers}\r\n"),
            ];
            for body in bodies {
                let request = posting(peer, &session.query(), "Transfer-Encoding: chunked", &body);
                refused(raw(peer, &request)?, &[400, 413, 431])?;
            }
            bystander(peer)
        }),
    Case::should("S53", "EIO4 2.6")
        .title("a silent connection and a slow header are closed")
        .run(|peer| {
            let mut slow = peer.connect()?;
            slow.write(format!("GET {}?{OPEN} HTTP/1.1\r\nHos", peer.target.path).as_bytes())?;
            let started = Instant::now();
            let mut exchange = Exchange::new(slow, "GET");
            while exchange.expect_pending(Duration::from_secs(1)).is_ok() {
                ensure(
                    started.elapsed() < Duration::from_secs(12),
                    "an end after 10 s",
                    "none",
                )?;
            }
            Ok(())
        }),
    Case::must("S55", "EIO4 2.7")
        .title("50 refused uploads leave no open request")
        .run(|peer| {
            for _ in 0..50 {
                let session = peer.open(Dialect::V4)?;
                let post = peer.posting(&session.query(), "4hello");
                let post = post.header("Content-Type", "application/octet-stream");
                peer.request(&post)?.expect_status(400)?;
                session.expect_gone()?;
            }
            bystander(peer)
        }),
    Case::must("S57", "EIO4 2.2")
        .title("sids of any length and spelling are just unknown")
        .run(|peer| {
            let long = "A".repeat(5_000);
            for sid in ["%00", "%2e%2e", "__proto__", "constructor", &long] {
                peer.expect_unknown(Dialect::V4, sid)?;
            }
            Ok(())
        }),
    Case::should("S61", "EIO4 2.7")
        .title("an upload that is too large is not asked for")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let header = format!(
                "Content-Length: {}\r\nExpect: 100-continue",
                peer.target.max_payload + 1
            );
            refused(
                raw(peer, &posting(peer, &session.query(), &header, ""))?,
                &[413, 417],
            )
        }),
    Case::must("S62", "EIO4 2.11")
        .title("HTTP/2 and TLS on the plain port open nothing")
        .run(|peer| {
            refused(raw(peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?, &[400, 505])?;
            let mut tls = peer.connect()?;
            tls.write(&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3, b'\r', b'\n', b'\r', b'\n'])?;
            refused(Exchange::new(tls, "GET").response_or_end()?, &[400])?;
            bystander(peer)
        }),
];

const OPEN: &str = "EIO=4&transport=polling";

/// Sends `bytes` as they are.
fn raw(peer: &Peer, bytes: &str) -> Result<Option<Response>, Failure> {
    let mut connection = peer.connect()?;
    connection.write(bytes.as_bytes())?;
    Exchange::new(connection, "GET").response_or_end()
}

fn posting(peer: &Peer, query: &str, headers: &str, body: &str) -> String {
    let path = &peer.target.path;
    format!("POST {path}?{query} HTTP/1.1\r\nHost: h\r\n{headers}\r\n\r\n{body}")
}

/// One of these statuses, or no answer but the end.
fn refused(response: Option<Response>, statuses: &[u16]) -> Check {
    response.map_or(Ok(()), |response| {
        response.expect_status_among(statuses).map(drop)
    })
}

fn smuggling(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let victim = peer.open(Dialect::V4)?;
    let hidden = posting(peer, &victim.query(), "Content-Length: 8", "4smuggle");
    let body = format!("6\r\n4hello\r\n0\r\n\r\n{hidden}");
    for headers in [
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked",
            body.len()
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}",
            body.len()
        ),
    ] {
        let request = posting(peer, &session.query(), &headers, &body);
        let response = raw(peer, &request)?;
        response.map_or(Ok(()), |r| r.expect_status_among(&[200, 400]).map(drop))?;
    }
    peer.wait(Duration::from_millis(60));
    victim.expect_alive()
}
