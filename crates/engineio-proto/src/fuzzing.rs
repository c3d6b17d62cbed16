//! The bodies of the codec's fuzz targets, each with the properties that hold for every input.
//!
//! Not part of the API. The same bodies run in the tests over the corpus and over random bytes.

use bytes::{Bytes, BytesMut};

use crate::{
    Config, DecodedPayload, EngineRequest, LegacyText, OpenRequest, Packet, PollEncoding,
    PostContent, RequestHead, Text, Upgrade, Version,
};

#[cfg(test)]
mod tests;

pub use crate::session::fuzzing::session;

/// One packet in every form; what was read is written and read back the same.
pub fn packet(data: &[u8]) {
    for version in [Version::V3, Version::V4] {
        if let Ok(text) = Text::from_utf8(Bytes::copy_from_slice(data))
            && let Ok(packet) = Packet::decode_text(version, text)
        {
            assert_eq!(through_text(version, &packet), Ok(packet));
        }
        if let Ok(Some(packet)) = Packet::decode_binary(version, Bytes::copy_from_slice(data)) {
            assert_eq!(through_text(version, &packet), Ok(packet));
        }
    }
}

/// A payload of revision 4.
pub fn payload_v4(data: &[u8]) {
    check_payload("EIO=4", PostContent::Text, data);
}

/// A text payload of revision 3.
pub fn payload_v3_text(data: &[u8]) {
    check_payload("EIO=3&b64=1", PostContent::Text, data);
}

/// A binary payload of revision 3.
pub fn payload_v3_binary(data: &[u8]) {
    // This cache buster makes every answer binary.
    check_payload("EIO=3&t=1-1", PostContent::OctetStream, data);
}

/// A script out and a form in: the payload survives both.
pub fn jsonp(data: &[u8]) {
    let encoding = encoding("EIO=3&j=7");
    let form = encoding.decode(
        PostContent::Text,
        Bytes::copy_from_slice(data),
        &mut LegacyText::RuledOut,
        MAX_PACKETS,
    );
    assert!(form.packets.len() <= MAX_PACKETS);
    if let Ok(text) = Text::from_utf8(Bytes::copy_from_slice(data)) {
        let packets = [Packet::message(text)];
        check_script(&encoding, &packets);
    }
}

/// A query, asked in all the ways that a request may ask.
pub fn request(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else {
        return;
    };
    for method in ["GET", "POST", "OPTIONS"] {
        for upgrade in [Upgrade::None, Upgrade::WebSocket] {
            let head = RequestHead {
                method,
                query,
                upgrade,
                origin: Some(data),
                content_type: Some(data),
            };
            check_request(&head);
        }
    }
}

/// The encoding of a session whose handshake had this query.
pub(crate) fn encoding(query: &str) -> PollEncoding {
    open(
        query,
        &Config {
            jsonp: true,
            ..Config::default()
        },
    )
    .encoding()
    .clone()
}

/// A polling handshake with this query, which must be acceptable.
pub(crate) fn open(query: &str, config: &Config) -> OpenRequest {
    let query = format!("{query}&transport=polling");
    let head = RequestHead {
        method: "GET",
        query: &query,
        upgrade: Upgrade::None,
        origin: None,
        content_type: None,
    };
    match EngineRequest::parse(&head, config) {
        Ok(EngineRequest::Open(open)) => open,
        other => panic!("{query} is no handshake: {other:?}"),
    }
}

/// What socket.io clients do to a payload before they put it into a form (EIO3 3.4).
pub(crate) fn client_form(payload: &str) -> String {
    let escaped = payload.replace(r"\n", "\\\n").replace('\n', r"\n");
    let encoded: String = escaped.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("d={encoded}")
}

fn through_text(version: Version, packet: &Packet) -> Result<Packet, crate::PacketError> {
    let mut out = BytesMut::new();
    packet.encode_text(version, &mut out);
    Packet::decode_text(
        version,
        Text::from_utf8(out.freeze()).expect("text form is text"),
    )
}

fn check_payload(query: &str, content: PostContent, data: &[u8]) {
    let encoding = encoding(query);
    let body = Bytes::copy_from_slice(data);
    let decoded = encoding.decode(content, body, &mut LegacyText::default(), MAX_PACKETS);
    assert!(decoded.packets.len() <= MAX_PACKETS);
    let kept: usize = decoded
        .packets
        .iter()
        .map(|packet| packet.bytes().len())
        .sum();
    assert!(kept <= data.len(), "{kept} bytes of {}", data.len());
    if !decoded.packets.is_empty() {
        let body = encoding.encode(&decoded.packets).body;
        let again = encoding.decode(content, body, &mut LegacyText::RuledOut, MAX_PACKETS);
        assert_eq!(
            again,
            DecodedPayload {
                error: None,
                ..decoded
            }
        );
    }
}

fn check_script(encoding: &PollEncoding, packets: &[Packet]) {
    let script = encoding.encode(packets).body;
    let script = std::str::from_utf8(&script).expect("a script is text");
    assert!(!script.contains("</") && !script.contains(['\u{2028}', '\u{2029}', '\n']));
    let string = script
        .strip_prefix("___eio[7](")
        .and_then(|rest| rest.strip_suffix(");"));
    let payload: String =
        serde_json::from_str(string.expect("a call")).expect("a string literal that is JSON too");
    // The clients' escape cannot tell a backslash before a newline from backslash-n.
    if !payload.contains("\\\n") {
        let form = client_form(&payload).into();
        let mut legacy = LegacyText::RuledOut;
        let decoded = encoding.decode(PostContent::Text, form, &mut legacy, MAX_PACKETS);
        assert_eq!(
            decoded,
            DecodedPayload {
                packets: packets.to_vec(),
                error: None
            }
        );
    }
}

fn check_request(head: &RequestHead<'_>) {
    let strict = Config {
        v3: false,
        ..Config::default()
    };
    match EngineRequest::parse(head, &strict) {
        Ok(EngineRequest::Open(open)) => {
            assert_eq!((head.method, open.version()), ("GET", Version::V4));
        }
        Ok(EngineRequest::Existing { sid, .. }) => assert!(!sid.is_empty()),
        Err(error) => assert!(error.code().is_some()),
    }
    let tolerant = Config {
        legacy_eio: true,
        jsonp: true,
        ..Config::default()
    };
    if EngineRequest::parse(head, &strict).is_ok() {
        assert!(EngineRequest::parse(head, &tolerant).is_ok(), "{head:?}");
    }
}

const MAX_PACKETS: usize = 64;
