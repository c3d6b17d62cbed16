//! Handshake and request checking: which requests open a session, and how the others are refused.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Handshake};
use crate::peer::http::{Request, Response};

pub(crate) static GROUP: Group = Group {
    id: "eio4/handshake",
    title: "Handshake and request checking",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("H1", "EIO4 2.3")
        .title("a GET opens a session with exactly five keys")
        .run(five_keys),
    Case::must("H2", "EIO4 2.3")
        .title("the open packet is alone in the first payload")
        .run(alone),
    Case::should("H3", "EIO4 2.11")
        .title("type, length and cache header of a poll")
        .run(headers),
    Case::should("H4", "EIO4 2.3")
        .title("1,000 sids are distinct, long and URL-safe")
        .run(sids),
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
        }),
    Case::must("H18", "EIO4 2.2")
        .title("an unknown sid is code 1")
        .run(unknown_sid),
    Case::should("H20", "EIO4 2.1")
        .title("an empty sid and SID open a session")
        .run(no_sid)
        .without(CORS),
    Case::must("H21", "EIO4 2.1")
        .title("query values are percent-decoded")
        .run(|peer| expect_open(&peer.get("EIO=%34&transport=poll%69ng")?)),
    Case::tolerant("H22", "EIO4 2.1")
        .title("of a key given twice the last counts, or 400")
        .run(twice),
    Case::must("H23", "EIO4 2.1")
        .title("extra query keys reach the application")
        .run(extra_keys),
    Case::must("H24", "EIO4 2.1")
        .title("t is ignored, whatever and wherever it is")
        .run(cache_buster),
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
    Case::must("H31", "EIO4 2.3")
        .title("without upgrades none is offered or accepted")
        .run(no_upgrades)
        .needs(&[ServerOption::NoUpgrades]),
    Case::should("H32", "EIO4 2.3")
        .title("the initial packet follows the open packet")
        .run(initial_packet)
        .needs(&[ServerOption::InitialPacket]),
    Case::must("H33", "EIO4 2.2")
        .title("errors are JSON with a numeric code")
        .run(coded_errors),
    Case::should("H34", "EIO4 2.2")
        .title("a live sid with another EIO is code 3")
        .run(other_revision)
        .needs(&[ServerOption::Eio3]),
    Case::tolerant("H35", "EIO4 2.11")
        .title("HTTP/1.0 is served; 1.1 needs a Host")
        .run(old_http),
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

fn five_keys(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let handshake = &session.handshake;
    let keys: Vec<&str> = handshake.fields.keys().map(String::as_str).collect();
    let expected = [
        "maxPayload",
        "pingInterval",
        "pingTimeout",
        "sid",
        "upgrades",
    ];
    ensure(
        keys == expected,
        format!("the keys {expected:?}"),
        format!("{keys:?}"),
    )?;
    let timings = &peer.target.timings;
    let values = [
        ("upgrades", json!(["websocket"])),
        (
            "pingInterval",
            json!(timings.ping_interval.as_millis() as u64),
        ),
        (
            "pingTimeout",
            json!(timings.ping_timeout.as_millis() as u64),
        ),
        ("maxPayload", json!(peer.target.max_payload)),
    ];
    for (name, value) in values {
        let received = handshake.field(name);
        ensure(
            *received == value,
            format!("{name} {value}"),
            received.to_string(),
        )?;
    }
    Ok(())
}

fn alone(peer: &Peer) -> Check {
    let response = peer.get(OPEN)?.expect_status(200)?;
    let body = response.text();
    ensure(
        body.starts_with("0{") && !body.contains('\u{1e}'),
        "one open packet",
        body,
    )
}

fn headers(peer: &Peer) -> Check {
    let response = peer.get(OPEN)?.expect_status(200)?;
    let length = response.body.len().to_string();
    response
        .expect_header("Content-Type", "text/plain; charset=UTF-8")?
        .expect_header("Content-Length", &length)?
        .expect_header("Cache-Control", "no-store")
        .map(drop)
}

fn sids(peer: &Peer) -> Check {
    let mut seen = BTreeSet::new();
    let mut exchange = peer.start(&peer.getting(OPEN))?;
    let again = peer.getting(OPEN).encode(&peer.target.authority);
    for _ in 0..1000 {
        let body = exchange.next_response()?.expect_status(200)?;
        let sid = Handshake::parse(&body.text())?.sid;
        let safe = sid
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        // 96 bits in a URL-safe alphabet of 64 characters.
        ensure(
            safe && sid.len() >= 16,
            "at least 16 URL-safe characters",
            sid.as_str(),
        )?;
        ensure(seen.insert(sid.clone()), "a sid not seen before", sid)?;
        exchange.write(&again)?;
    }
    Ok(())
}

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

fn no_sid(peer: &Peer) -> Check {
    expect_open(&peer.get("EIO=4&transport=polling&sid=")?)?;
    expect_open(&peer.get("EIO=4&transport=polling&SID=x")?)
}

fn twice(peer: &Peer) -> Check {
    let revision = peer
        .get("EIO=9&EIO=4&transport=polling")?
        .expect_status_among(&[200, 400])?;
    if revision.status == 200 {
        expect_open(&revision)?;
    }
    let session = peer.open(Dialect::V4)?;
    let query = format!("{OPEN}&sid=nope&sid={}", session.sid());
    let post = peer.request(&peer.posting(&query, "4hello"))?;
    post.expect_status_among(&[200, 400])?;
    peer.open(Dialect::V4)?.expect_alive()
}

fn extra_keys(peer: &Peer) -> Check {
    let session = peer.open_with(Dialect::V4, "&token=a%20b&empty=")?;
    session.send(&["4!request"])?;
    let packets = session.receive()?;
    let packet = packets.first().map_or("", String::as_str);
    let request: Value = serde_json::from_str(packet.get(1..).unwrap_or_default())
        .map_err(|_| Failure::new("the answer to !request", packet))?;
    let query = &request["query"];
    let whole = query["token"] == "a b" && query["empty"] == "";
    ensure(whole, "token \"a b\" and an empty key", query.to_string())
}

fn cache_buster(peer: &Peer) -> Check {
    for query in [
        "t=&EIO=4&transport=polling",
        "EIO=4&t=%00%ff&transport=polling",
    ] {
        expect_open(&peer.get(query)?)?;
    }
    expect_open(&peer.get("EIO=4&transport=polling&t=1-2&t=x")?)
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

fn no_upgrades(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let offered = session.handshake.field("upgrades");
    ensure(*offered == json!([]), "upgrades []", offered.to_string())?;
    let (response, _) = peer.switch(&peer.upgrading("EIO=4&transport=websocket"))?;
    response.expect_status(400)?;
    let (response, _) = peer.switch(&peer.upgrading(&session.websocket_query()))?;
    response.expect_status(400)?;
    session.expect_alive()
}

fn initial_packet(peer: &Peer) -> Check {
    let polling = peer.open(Dialect::V4)?;
    ensure(
        polling.first == ["4ready"],
        "4ready after the open packet",
        polling.first.join(" "),
    )?;
    if peer.target.has(ServerOption::Eio3) {
        let polling = peer.open(Dialect::V3Base64)?;
        ensure(
            polling.first == ["4ready"],
            "6:4ready",
            polling.first.join(" "),
        )?;
    }
    peer.open_websocket(Dialect::V4)?.expect("4ready")
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

fn old_http(peer: &Peer) -> Check {
    let get = peer
        .getting(OPEN)
        .version("HTTP/1.0")
        .header("Connection", "close");
    expect_open(&peer.request(&get)?)?;
    let mut bare = peer.connect()?;
    bare.write(format!("GET {}?{OPEN} HTTP/1.1\r\n\r\n", peer.target.path).as_bytes())?;
    let answer = crate::peer::http::Exchange::new(bare, "GET").response_or_end()?;
    answer.map_or(Ok(()), |answer| answer.expect_status(400).map(drop))
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

/// 200 and an open packet.
fn expect_open(response: &Response) -> Check {
    ensure(response.status == 200, "status 200", response.to_string())?;
    Handshake::parse(&response.text()).map(drop)
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
