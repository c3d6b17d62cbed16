//! The handshake: what opens a session and what the open packet says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Handshake};
use crate::peer::http::Exchange;
use crate::peer::response::Response;

pub(crate) static GROUP: Group = Group {
    id: "eio4/handshake",
    title: "Handshake",
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
    Case::should("H20", "EIO4 2.1")
        .title("an empty sid and SID open a session")
        .run(no_sid),
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
    Case::must("H31", "EIO4 2.3")
        .title("without upgrades none is offered or accepted")
        .run(no_upgrades)
        .needs(&[ServerOption::NoUpgrades]),
    Case::should("H32", "EIO4 2.3")
        .title("the initial packet follows the open packet")
        .run(initial_packet)
        .needs(&[ServerOption::InitialPacket]),
    Case::tolerant("H35", "EIO4 2.11")
        .title("HTTP/1.0 is served; 1.1 needs a Host")
        .run(old_http),
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

fn no_upgrades(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let offered = session.handshake.field("upgrades");
    ensure(*offered == json!([]), "upgrades []", offered.to_string())?;
    let (response, mut socket) = peer.switch(&peer.upgrading(&session.websocket_query()))?;
    match response.status {
        101 => socket.expect_closed().map(drop)?,
        _ => response.expect_status(400).map(drop)?,
    }
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

fn old_http(peer: &Peer) -> Check {
    let get = peer
        .getting(OPEN)
        .version("HTTP/1.0")
        .header("Connection", "close");
    expect_open(&peer.request(&get)?)?;
    let mut bare = peer.connect()?;
    bare.write(format!("GET {}?{OPEN} HTTP/1.1\r\n\r\n", peer.target.path).as_bytes())?;
    let answer = Exchange::new(bare, "GET").response_or_end()?;
    answer.map_or(Ok(()), |answer| answer.expect_status(400).map(drop))
}

/// 200 and an open packet.
pub(super) fn expect_open(response: &Response) -> Check {
    ensure(response.status == 200, "status 200", response.to_string())?;
    Handshake::parse(&response.text()).map(drop)
}
