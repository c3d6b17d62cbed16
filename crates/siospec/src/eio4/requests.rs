//! Request checking: what is refused with which code, and what is not ours at all.

use serde_json::{Value, json};

use crate::case::{Case, Check, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::Dialect;
use crate::peer::http::Request;
use crate::peer::response::Response;

use super::handshake::expect_open;

pub(crate) static GROUP: Group = Group {
    id: "eio4/requests",
    title: "Request checking",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("H5", "EIO4 2.1")
        .title("a missing EIO is code 5")
        .run(|peer| peer.get("transport=polling")?.expect_code(5).map(drop)),
    Case::must("H6", "EIO4 2.1")
        .title("EIO=abc is code 5")
        .run(|peer| {
            peer.get("EIO=abc&transport=polling")?
                .expect_code(5)
                .map(drop)
        }),
    Case::must("H8", "EIO4 2.1")
        .title("EIO=3 is code 5 while revision 3 is off")
        .run(no_revision_3)
        .needs(&[ServerOption::Eio3Off]),
    Case::must("H10", "EIO4 2.2")
        .title("a missing transport is code 0")
        .run(|peer| peer.get("EIO=4")?.expect_code(0).map(drop)),
    Case::must("H11", "EIO4 2.2")
        .title("transport=abc is code 0, \"Transport unknown\"")
        .run(|peer| expect_error(peer.get("EIO=4&transport=abc")?, 0, "Transport unknown")),
    Case::must("H12", "EIO4 2.1")
        .title("names that are no transport are code 0")
        .run(strange_transports),
    Case::must("H13", "EIO4 2.2")
        .title("transport=websocket without Upgrade is code 3")
        .run(|peer| expect_error(peer.get("EIO=4&transport=websocket")?, 3, "Bad request")),
    Case::must("H14", "EIO4 2.2")
        .title("a POST without sid is code 2")
        .run(|peer| {
            let post = peer.posting("EIO=4&transport=polling", "4hello");
            expect_error(peer.request(&post)?, 2, "Bad handshake method")
        }),
    Case::must("H15", "EIO4 2.2")
        .title("a PUT without sid is code 2")
        .run(|peer| {
            let put = peer
                .requesting("PUT", "EIO=4&transport=polling")
                .body("4hello");
            expect_error(peer.request(&put)?, 2, "Bad handshake method")
        }),
    Case::should("H16", "EIO4 2.2")
        .title("DELETE, PATCH and HEAD without sid are 400")
        .run(other_methods),
    Case::should("H17", "EIO4 2.2")
        .title("OPTIONS without sid is code 2")
        .run(|peer| {
            let options = peer.requesting("OPTIONS", "EIO=4&transport=polling");
            peer.request(&options)?.expect_code(2).map(drop)
        })
        .without(CORS),
    Case::must("H18", "EIO4 2.2")
        .title("an unknown sid is code 1")
        .run(unknown_sid),
    Case::should("H25", "EIO4 2.1")
        .title("the path without its slash is not served")
        .run(without_slash),
    Case::tolerant("H26", "EIO4 2.1")
        .title("a deeper path is served, or 404")
        .run(deeper_path),
    Case::must("H27", "EIO4 2.1")
        .title("other paths belong to the host")
        .run(other_paths)
        .without(&[ServerOption::NoTrailingSlash]),
    Case::must("H29", "EIO4 2.2")
        .title("a refusing hook answers before the 101")
        .run(refused_by_hook)
        .needs(&[ServerOption::Hook]),
    Case::tolerant("H30", "EIO4 2.2")
        .title("a control character in Origin is 400")
        .run(bad_origin),
    Case::must("H33", "EIO4 2.2")
        .title("errors are JSON with a numeric code")
        .run(coded_errors),
    Case::should("H34", "EIO4 2.2")
        .title("a live sid with another EIO is code 3")
        .run(other_revision)
        .needs(&[ServerOption::Eio3]),
    Case::should("H36", "EIO4 2.2")
        .title("transport=websocket without Upgrade spares the session")
        .run(wrong_transport),
    Case::tolerant("H37", "EIO4 2.1")
        .title("a later request without EIO is served or refused")
        .run(later_without_eio)
        .needs(&[ServerOption::Eio3]),
];

const CORS: &[ServerOption] = &[
    ServerOption::Cors,
    ServerOption::CorsOrigin,
    ServerOption::CorsLegacy,
];

const OPEN: &str = "EIO=4&transport=polling";

fn no_revision_3(peer: &Peer) -> Check {
    expect_error(
        peer.get("EIO=3&transport=polling")?,
        5,
        "Unsupported protocol version",
    )
}

fn strange_transports(peer: &Peer) -> Check {
    for name in ["__proto__", "constructor", "Polling", "webtransport"] {
        peer.get(&format!("EIO=4&transport={name}"))?
            .expect_code(0)?;
    }
    Ok(())
}

fn other_methods(peer: &Peer) -> Check {
    for method in ["DELETE", "PATCH"] {
        peer.request(&peer.requesting(method, OPEN))?
            .expect_code(2)?;
    }
    peer.request(&peer.requesting("HEAD", OPEN))?
        .expect_status(400)
        .map(drop)
}

fn unknown_sid(peer: &Peer) -> Check {
    let query = "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA";
    expect_error(peer.get(query)?, 1, "Session ID unknown")?;
    expect_error(
        peer.request(&peer.posting(query, "4hello"))?,
        1,
        "Session ID unknown",
    )
}

fn without_slash(peer: &Peer) -> Check {
    let path = peer.target.path.trim_end_matches('/');
    let response = peer.request(&Request::new("GET", format!("{path}?{OPEN}")))?;
    if peer.target.has(ServerOption::NoTrailingSlash) {
        return expect_open(&response);
    }
    expect_not_ours(&response)
}

fn deeper_path(peer: &Peer) -> Check {
    let path = format!("{}deeper/path?{OPEN}", peer.target.path);
    let response = peer.request(&Request::new("GET", path))?;
    response.expect_status_among(&[200, 404]).map(drop)
}

fn other_paths(peer: &Peer) -> Check {
    for path in ["/", "/other/", "/engine.ios/"] {
        expect_not_ours(&peer.request(&Request::new("GET", format!("{path}?{OPEN}")))?)?;
    }
    Ok(())
}

fn refused_by_hook(peer: &Peer) -> Check {
    let (response, _) = peer.switch(&peer.upgrading("EIO=4&transport=websocket&refuse=1"))?;
    response.expect_status_among(&[400, 401, 403])?;
    let response = peer.get("EIO=4&transport=polling&refuse=1")?;
    response.expect_status_among(&[401, 403]).map(drop)
}

fn bad_origin(peer: &Peer) -> Check {
    let get = peer.getting(OPEN).header("Origin", "http://a\u{1}b");
    peer.request(&get)?.expect_status(400).map(drop)
}

fn coded_errors(peer: &Peer) -> Check {
    let response = peer.get("EIO=4&transport=abc")?;
    let content_type = response
        .header("Content-Type")
        .unwrap_or("nothing")
        .to_owned();
    let is_json = content_type.starts_with("application/json");
    ensure(is_json, "Content-Type: application/json", content_type)?;
    let expected = json!({"code": 0, "message": "Transport unknown"});
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    ensure(body == expected, expected.to_string(), response.text())
}

fn other_revision(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let query = format!("EIO=3&transport=polling&sid={}", session.sid());
    expect_error(peer.get(&query)?, 3, "Bad request")?;
    session.expect_alive()
}

fn wrong_transport(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    session.send(&["4kept"])?;
    peer.get(&session.websocket_query())?.expect_code(3)?;
    session.expect(&["4kept"])
}

fn later_without_eio(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V3Base64)?;
    let query = format!("transport=polling&b64=1&sid={}", session.sid());
    let response = peer.request(&peer.posting(&query, "6:4hello"))?;
    match response.status {
        200 => response.expect_body("ok").map(drop),
        _ => response.expect_status(400).map(drop),
    }
}

/// 400, the code and the message that belongs to it.
fn expect_error(response: Response, code: u8, message: &str) -> Check {
    let response = response.expect_code(code)?;
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    ensure(
        body["message"] == message,
        format!("the message {message}"),
        body.to_string(),
    )
}

/// The answer of whatever else listens at the address: neither an open packet nor a coded error.
fn expect_not_ours(response: &Response) -> Check {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let ours = response.text().starts_with("0{") || body.get("code").is_some();
    ensure(
        !ours,
        "an answer of the host application",
        response.to_string(),
    )
}
