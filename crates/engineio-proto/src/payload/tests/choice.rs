//! Which form a session writes.

use super::*;

fn content_type(query: &str, packet: Packet) -> ContentType {
    written(query, &[packet]).0
}

// Q22 to Q26, J10: fixed by the handshake.
#[test]
fn by_what_the_handshake_says() {
    use ContentType::{JavaScript, OctetStream, Text};
    let old = "EIO=3&t=1418038534000-0";
    for (query, ascii, non_ascii, binary) in [
        (V4, Text, Text, Text),
        (V3_TEXT, Text, Text, Text),
        ("EIO=3&b64=0", Text, Text, Text),
        ("EIO=3&b64=", Text, OctetStream, OctetStream),
        (V3_BINARY, Text, OctetStream, OctetStream),
        ("EIO=3&t=LZp9zAC", Text, OctetStream, OctetStream),
        (old, OctetStream, OctetStream, OctetStream),
        ("EIO=3&b64=1&t=1418038534000-0", Text, Text, Text),
        ("EIO=4&t=1418038534000-0", Text, Text, Text),
        (JSONP, JavaScript, JavaScript, JavaScript),
        ("EIO=4&j=0", JavaScript, JavaScript, JavaScript),
    ] {
        assert_eq!(content_type(query, message("a")), ascii, "{query}");
        assert_eq!(content_type(query, message("é")), non_ascii, "{query}");
        assert_eq!(content_type(query, bytes(&[1])), binary, "{query}");
    }
}

#[test]
fn without_the_rules_only_bytes_take_binary_framing() {
    let config = Config {
        legacy_text: false,
        ..Config::default()
    };
    let handshake = open("EIO=3&t=1-0", &config);
    let content_type = |packet| handshake.encoding().encode(&[packet]).content_type;
    assert_eq!(content_type(message("é")), ContentType::Text);
    assert_eq!(content_type(bytes(&[1])), ContentType::OctetStream);
}

#[test]
fn ascii_json_for_text_payloads_of_revision_3() {
    assert!(encoding(V3_TEXT).needs_ascii_json());
    assert!(encoding(JSONP).needs_ascii_json());
    assert!(!encoding(V3_BINARY).needs_ascii_json());
    assert!(!encoding(V4).needs_ascii_json());
    let config = Config {
        legacy_text: false,
        ..Config::default()
    };
    assert!(!open(V3_TEXT, &config).encoding().needs_ascii_json());
}

#[test]
fn octets_reach_a_session_with_b64() {
    let read = read(V3_TEXT, PostContent::OctetStream, b"\0\x02\xff4a");
    assert_eq!(read, ok(&[message("a")]));
}
