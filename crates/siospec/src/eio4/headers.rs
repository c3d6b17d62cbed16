//! HTTP headers: origins, cookies, compression, hooks.

use crate::case::{Case, Check, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Handshake};
use crate::peer::http::Request;

pub(crate) static GROUP: Group = Group {
    id: "eio4/headers",
    title: "Headers, CORS, compression, cookies",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("X1", "EIO4 2.11")
        .title("any origin: allowed on answers, errors and the 101")
        .run(|peer| {
            let origin = |request: Request| request.header("Origin", "http://a.example");
            peer.request(&origin(peer.getting(OPEN)))?
                .expect_status(200)?
                .expect_header(ALLOW, "*")?;
            peer.request(&origin(peer.getting("EIO=4&transport=abc")))?
                .expect_status(400)?
                .expect_header(ALLOW, "*")?;
            let upgrade = peer.upgrading("EIO=4&transport=websocket");
            let (response, _socket) = peer.switch(&origin(upgrade))?;
            response
                .expect_status(101)?
                .expect_header(ALLOW, "*")
                .map(drop)
        })
        .needs(&[ServerOption::Cors]),
    Case::must("X3", "EIO4 2.11")
        .title("a preflight is 204 with methods and headers")
        .run(preflight)
        .needs(&[ServerOption::Cors]),
    Case::must("X4", "EIO4 2.11")
        .title("only the listed origin is allowed")
        .run(|peer| {
            let get = |origin: &str| peer.request(&peer.getting(OPEN).header("Origin", origin));
            get("http://allowed.example")?.expect_header(ALLOW, "http://allowed.example")?;
            get("http://other.example")?
                .expect_no_header(ALLOW)
                .map(drop)
        })
        .needs(&[ServerOption::CorsOrigin]),
    Case::should("X5", "EIO4 2.11")
        .title("no CORS header unless configured")
        .run(|peer| {
            let get = peer.getting(OPEN).header("Origin", "http://a.example");
            peer.request(&get)?.expect_no_header(ALLOW).map(drop)
        })
        .without(&[
            ServerOption::Cors,
            ServerOption::CorsOrigin,
            ServerOption::CorsLegacy,
        ]),
    Case::should("X6", "EIO3 2.11")
        .title("old browsers get their origin and credentials")
        .run(|peer| {
            let get = peer.getting("EIO=3&transport=polling");
            let response = peer.request(&get.header("Origin", "http://a.example"))?;
            response
                .expect_header(ALLOW, "http://a.example")?
                .expect_header("Access-Control-Allow-Credentials", "true")
                .map(drop)
        })
        .needs(&[ServerOption::CorsLegacy, ServerOption::Eio3]),
    Case::should("X7", "EIO4 2.11")
        .title("the cookie comes with the handshake only")
        .run(|peer| {
            let response = peer.get(OPEN)?;
            let cookie = response.header("Set-Cookie").unwrap_or("nothing");
            let sid = Handshake::parse(&response.text())?.sid;
            let expected = format!("io={sid}; Path=/; HttpOnly; SameSite=Lax");
            ensure(cookie == expected, expected, cookie)?;
            let session = peer.open(Dialect::V4)?;
            session
                .post("4hello")?
                .expect_ok()?
                .expect_no_header("Set-Cookie")?;
            session
                .poll()?
                .expect_body("4hello")?
                .expect_no_header("Set-Cookie")
                .map(drop)
        })
        .needs(&[ServerOption::Cookie]),
    Case::should("X8", "EIO4 2.11")
        .title("answers of 1,024 bytes are compressed")
        .run(|peer| {
            expect_coding(peer, "gzip, deflate", 1023, "gzip")?;
            expect_coding(peer, "deflate", 1023, "deflate")?;
            expect_coding(peer, "gzip", 100, "nothing")
        })
        .needs(&[ServerOption::Compression]),
    Case::should("X10", "EIO4 2.11")
        .title("old Internet Explorers get X-XSS-Protection: 0")
        .run(|peer| {
            for agent in [
                "Mozilla/5.0 (compatible;MSIE 9.0)",
                "Mozilla/5.0 (Trident/7.0; rv:11.0)",
            ] {
                let get = peer.getting(OPEN).header("User-Agent", agent);
                peer.request(&get)?.expect_header("X-XSS-Protection", "0")?;
            }
            peer.get(OPEN)?
                .expect_no_header("X-XSS-Protection")
                .map(drop)
        }),
    Case::should("X11", "EIO4 2.11")
        .title("header hooks run once per session and per answer")
        .run(|peer| {
            let response = peer.get(OPEN)?.expect_header("X-Initial", "1")?;
            response.expect_header("X-Every", "1")?;
            let session = peer.open(Dialect::V4)?;
            let response = session
                .post("4hello")?
                .expect_ok()?
                .expect_header("X-Every", "1")?;
            response.expect_no_header("X-Initial").map(drop)
        })
        .needs(&[ServerOption::HeaderHooks]),
];

const OPEN: &str = "EIO=4&transport=polling";
const ALLOW: &str = "Access-Control-Allow-Origin";

fn preflight(peer: &Peer) -> Check {
    let options = peer
        .requesting("OPTIONS", OPEN)
        .header("Origin", "http://a.example")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type");
    let response = peer
        .request(&options)?
        .expect_status(204)?
        .expect_body("")?;
    let response = response.expect_header(ALLOW, "*")?;
    let methods = response
        .header("Access-Control-Allow-Methods")
        .unwrap_or("nothing");
    ensure(methods.contains("POST"), "POST among the methods", methods)?;
    let headers = response
        .header("Access-Control-Allow-Headers")
        .unwrap_or("nothing");
    ensure(
        headers.contains("content-type"),
        "content-type among the headers",
        headers,
    )
}

/// A poll whose body is `size` bytes and a type digit, and the coding it comes in.
fn expect_coding(peer: &Peer, accepted: &str, size: usize, coding: &str) -> Check {
    let session = peer.open(Dialect::V4)?;
    session.send(&[&format!("4!burst 1 {size}")])?;
    let get = peer
        .getting(&session.query())
        .header("Accept-Encoding", accepted);
    let response = peer.request(&get)?.expect_status(200)?;
    let received = response.header("Content-Encoding").unwrap_or("nothing");
    ensure(received == coding, format!("the coding {coding}"), received)
}
