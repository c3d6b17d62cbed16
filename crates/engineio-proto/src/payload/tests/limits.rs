//! What a payload may hold, in packets and bytes.

use super::*;

#[test]
fn packets_beyond_the_limit_are_not_read() {
    for (query, content, body) in [
        (V4, PostContent::Text, &b"4a\x1e4b\x1e4c"[..]),
        (V3_TEXT, PostContent::Text, b"2:4a2:4b2:4c"),
        (
            V3_BINARY,
            PostContent::OctetStream,
            b"\0\x02\xff4a\0\x02\xff4b\0\x02\xff4c",
        ),
    ] {
        let decode = |max| {
            let body = Bytes::from_static(body);
            encoding(query).decode(content, body, &mut LegacyText::default(), max)
        };
        let ab = [message("a"), message("b")];
        assert_eq!(
            decode(2),
            broken(&ab, PayloadError::TooManyPackets),
            "{query}"
        );
        assert_eq!(decode(3).error, None, "{query}");
    }
}

// Robustness: a million separators, or skipped packets, cost one step each at most.
#[test]
fn floods_end() {
    let separators = "\u{1e}".repeat(1_000_000);
    assert_eq!(read_text(V4, &separators), broken(&[], PacketError::Empty));
    let skipped = "0:".repeat(500_000);
    assert_eq!(read_text(V3_TEXT, &skipped), ok(&[]));
}

#[test]
fn thousand_packets_keep_their_order() {
    let packets: Vec<_> = (0..1_000).map(|n| message(&n.to_string())).collect();
    for query in [V4, V3_TEXT] {
        let (_, body) = written(query, &packets);
        assert_eq!(read(query, PostContent::Text, &body), ok(&packets)); // P29
    }
}
