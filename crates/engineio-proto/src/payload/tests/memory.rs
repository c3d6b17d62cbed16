//! What a decoded payload keeps.

use super::*;

/// True if the message lies in the body itself.
fn shares(packet: &Packet, body: &Bytes) -> bool {
    body.as_ptr_range().contains(&packet.bytes().as_ptr())
}

#[test]
fn a_small_message_does_not_keep_a_large_body() {
    let packets = [message("2[\"a\"]"), message(&"x".repeat(900_000))];
    for query in [V4, V3_TEXT] {
        let (_, body) = written(query, &packets);
        let mut legacy = LegacyText::RuledOut;
        let read = encoding(query).decode(PostContent::Text, body.clone(), &mut legacy, 16);
        assert_eq!(read.packets, packets);
        assert!(!shares(&read.packets[0], &body), "{query}");
        assert!(shares(&read.packets[1], &body), "{query}");
    }
}
