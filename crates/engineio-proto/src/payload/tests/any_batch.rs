//! Properties of whatever is written and read again.

use super::*;

const FORMS: [(&str, PostContent); 3] = [
    (V4, PostContent::Text),
    (V3_TEXT, PostContent::Text),
    ("EIO=3&t=1-1", PostContent::OctetStream),
];

fn batch() -> impl Strategy<Value = Vec<Packet>> {
    prop::collection::vec(any_packet(), 1..8)
}

fn decode(query: &str, content: PostContent, body: Bytes) -> DecodedPayload {
    encoding(query).decode(content, body, &mut LegacyText::RuledOut, 16)
}

fn has_separator(packets: &[Packet]) -> bool {
    packets.iter().any(|packet| packet.bytes().contains(&0x1e))
}

proptest! {
    #[test]
    fn there_and_back(packets in batch()) {
        for (query, content) in FORMS {
            if query == V4 && has_separator(&packets) {
                continue;
            }
            let (_, body) = written(query, &packets);
            prop_assert_eq!(decode(query, content, body), ok(&packets), "{}", query);
        }
    }

    /// A body that was cut off yields the packets before the cut. Only revision 4, which has no
    /// lengths, can take a shortened last packet for a whole one.
    #[test]
    fn any_prefix_yields_a_prefix(packets in batch(), cut in any::<prop::sample::Index>()) {
        for (query, content) in FORMS {
            let (_, body) = written(query, &packets);
            let at = cut.index(body.len());
            let read = decode(query, content, body.slice(..at));
            prop_assert!(read.packets.len() <= packets.len());
            let whole = if query == V4 { read.packets.len().saturating_sub(1) } else { read.packets.len() };
            if query != V4 || !has_separator(&packets) {
                prop_assert_eq!(&read.packets[..whole], &packets[..whole], "{}", query);
            }
        }
    }
}
