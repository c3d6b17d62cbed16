//! Payloads byte for byte, in both directions. A row of the conformance list is named by its id.

use proptest::prelude::*;

use super::*;
use crate::{
    PacketError,
    fuzzing::{client_form, encoding, open},
    packet::tests::any_packet,
};

const V4: &str = "EIO=4";
const V3_TEXT: &str = "EIO=3&b64=1";
const V3_BINARY: &str = "EIO=3";
const JSONP: &str = "EIO=3&j=0";

fn message(content: &str) -> Packet {
    Packet::message(Text::from(content))
}

fn bytes(content: &'static [u8]) -> Packet {
    Packet::message(Bytes::from_static(content))
}

fn read(query: &str, content: PostContent, body: &[u8]) -> DecodedPayload {
    let body = Bytes::copy_from_slice(body);
    encoding(query).decode(content, body, &mut LegacyText::default(), 16_384)
}

fn read_text(query: &str, body: &str) -> DecodedPayload {
    read(query, PostContent::Text, body.as_bytes())
}

fn read_bytes(body: &[u8]) -> DecodedPayload {
    read(V3_BINARY, PostContent::OctetStream, body)
}

fn ok(packets: &[Packet]) -> DecodedPayload {
    DecodedPayload {
        packets: packets.to_vec(),
        error: None,
    }
}

fn broken(packets: &[Packet], error: impl Into<PayloadError>) -> DecodedPayload {
    DecodedPayload {
        packets: packets.to_vec(),
        error: Some(error.into()),
    }
}

fn written(query: &str, packets: &[Packet]) -> (ContentType, Bytes) {
    let payload = encoding(query).encode(packets);
    (payload.content_type, payload.body)
}

fn text_body(body: &str) -> (ContentType, Bytes) {
    (ContentType::Text, Bytes::copy_from_slice(body.as_bytes()))
}

mod v4_form {
    use super::*;

    #[test]
    fn there_and_back() {
        for (body, packets) in [
            ("4hello", &[message("hello")][..]), // P1
            (
                "4a\u{1e}4b\u{1e}4c",
                &[message("a"), message("b"), message("c")],
            ), // P2
            ("4a\u{1e}bAQIDBA==", &[message("a"), bytes(&[1, 2, 3, 4])]), // P3
            ("b", &[bytes(&[])]),                // P6
            ("4\0\r\n\u{2028}😀", &[message("\0\r\n\u{2028}😀")]), // P18
            ("4a\u{1e}1", &[message("a"), Packet::Close]),
        ] {
            assert_eq!(read_text(V4, body), ok(packets), "{body}");
            assert_eq!(written(V4, packets), text_body(body), "{body}");
        }
    }

    #[test]
    fn packets_before_the_bad_one_are_read() {
        let a = [message("a")];
        for (body, packets, error) in [
            ("abc", &[][..], PacketError::UnknownType),          // P9
            ("", &[], PacketError::Empty),                       // P10
            ("4a\u{1e}", &a, PacketError::Empty),                // P11
            ("\u{1e}4a", &[], PacketError::Empty),               // P12
            ("4a\u{1e}\u{1e}4b", &a, PacketError::Empty),        // P13
            ("4a\u{1e}Z\u{1e}4b", &a, PacketError::UnknownType), // P13
            ("7", &[], PacketError::UnknownType),                // P14
            ("\u{feff}4a", &[], PacketError::UnknownType),       // P20
            ("4a\u{1e}b!!!!", &a, PacketError::Base64),          // P8
        ] {
            assert_eq!(read_text(V4, body), broken(packets, error), "{body}");
        }
    }

    // P17: what follows the close packet is read here and ignored by the session.
    #[test]
    fn close_in_the_middle() {
        let all = [message("a"), Packet::Close, message("b")];
        assert_eq!(read_text(V4, "4a\u{1e}1\u{1e}4b"), ok(&all));
    }

    // P19
    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        assert_eq!(
            read(V4, PostContent::Text, b"4a\xff"),
            broken(&[], PayloadError::Utf8)
        );
    }

    // P21
    #[test]
    fn binary_framing_is_refused() {
        let read = read(V4, PostContent::OctetStream, b"4a");
        assert_eq!(read, broken(&[], PayloadError::BinaryFraming));
        let answer = crate::RequestError::from(PayloadError::BinaryFraming);
        assert_eq!(answer, crate::RequestError::BinaryNotAllowed);
    }

    #[test]
    fn separator_in_a_text_never_tears_it() {
        let (_, body) = written(V4, &[message("a\u{1e}b"), message("c")]);
        let whole = read(V4, PostContent::Text, &body);
        assert_eq!(whole, ok(&[bytes(b"a\x1eb"), message("c")]));
    }

    #[test]
    fn messages_share_the_body() {
        let body = Bytes::from_static("4hello\u{1e}4b".as_bytes());
        let mut legacy = LegacyText::default();
        let read = encoding(V4).decode(PostContent::Text, body.clone(), &mut legacy, 2);
        assert_eq!(read.packets[0].bytes().as_ptr(), body[1..].as_ptr());
    }
}

mod limits {
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
}

mod v3_text_form {
    use super::*;

    #[test]
    fn there_and_back() {
        for (body, packets) in [
            ("6:4hello", &[message("hello")][..]), // Q1
            (
                "2:4a2:4b1:2",
                &[message("a"), message("b"), Packet::Ping("".into())],
            ), // Q2
            ("2:4a10:b4AQIDBA==", &[message("a"), bytes(&[1, 2, 3, 4])]), // Q3
            ("2:4€", &[message("€")]),             // Q6
            ("3:4😀", &[message("😀")]),           // Q7
            ("8:4:1\n\u{1e}2:3", &[message(":1\n\u{1e}2:3")]), // Q13
            ("2:b4", &[bytes(&[])]),               // Q20
            ("1:6", &[Packet::Noop]),
        ] {
            assert_eq!(read_text(V3_TEXT, body), ok(packets), "{body}");
            assert_eq!(written(V3_TEXT, packets), text_body(body), "{body}");
        }
    }

    // Q6 alone with a Latin-1 character: no UTF-8 when taken as bytes, so it is not decoded again.
    #[test]
    fn latin_1_text_is_kept() {
        assert_eq!(read_text(V3_TEXT, "2:4é"), ok(&[message("é")]));
    }

    #[test]
    fn tolerated_lengths() {
        assert_eq!(read_text(V3_TEXT, "0:"), ok(&[])); // Q9
        assert_eq!(read_text(V3_TEXT, "0:6:4hello"), ok(&[message("hello")])); // Q9
        assert_eq!(read_text(V3_TEXT, "06:4hello"), ok(&[message("hello")])); // Q11
    }

    // Q5, Q10, Q12
    #[test]
    fn bad_lengths_are_refused() {
        let many = format!("{}6:4hello", "0".repeat(400));
        for body in [
            "",
            "abc",
            ":4hello",
            "-1:4",
            "x:4",
            "7:4hello",
            "6",
            "6:",
            "+6:4hello",
            "0x6:4hello",
            "6e0:4hello",
            "6.0:4hello",
            "6 :4hello",
            " 6:4hello",
            "٦:4hello",
            "2:4😀",
            &many,
            "99999999999999999999:4",
        ] {
            assert_eq!(
                read_text(V3_TEXT, body),
                broken(&[], PayloadError::Length),
                "{body}"
            );
        }
    }

    #[test]
    fn packets_before_the_bad_one_are_read() {
        let hello = [message("hello")];
        let length = PayloadError::Length;
        assert_eq!(read_text(V3_TEXT, "6:4hello\n"), broken(&hello, length)); // Q10
        assert_eq!(read_text(V3_TEXT, "6:4hello6"), broken(&hello, length)); // Q10
        assert_eq!(
            read_text(V3_TEXT, "5:4hello"),
            broken(&[message("hell")], length)
        ); // Q10
        assert_eq!(
            read_text(V3_TEXT, "6:4hello1:b"),
            broken(&hello, PacketError::Empty)
        ); // Q20
        let unknown = PacketError::UnknownType;
        assert_eq!(read_text(V3_TEXT, "6:4hello2:b9"), broken(&hello, unknown)); // Q21
    }
}

mod v3_binary_form {
    use super::*;

    const OCTETS: ContentType = ContentType::OctetStream;
    const GOLDEN: &[u8] = &[
        0x00, 0x04, 0xff, 0x34, 0xe2, 0x82, 0xac, 0x01, 0x05, 0xff, 0x04, 0x01, 0x02, 0x03, 0x04,
    ];

    // Q4, Q14, Q15, Q28
    #[test]
    fn golden_bytes_there_and_back() {
        let packets = [message("€"), bytes(&[1, 2, 3, 4])];
        assert_eq!(
            written(V3_BINARY, &packets),
            (OCTETS, Bytes::from_static(GOLDEN))
        );
        assert_eq!(read_bytes(GOLDEN), ok(&packets));
    }

    // Q14
    #[test]
    fn lengths_of_two_digits() {
        let packets = [message("hello world"), bytes(b"0123456789")];
        let body = b"\0\x01\x02\xff4hello world\x01\x01\x01\xff\x040123456789";
        assert_eq!(
            written(V3_BINARY, &packets),
            (OCTETS, Bytes::from_static(body))
        );
        assert_eq!(read_bytes(body), ok(&packets));
    }

    // Q17, Q18
    #[test]
    fn bad_framing_is_refused() {
        let many = [vec![0], vec![0; 400], vec![0xff]].concat();
        for (body, error) in [
            (&[0, 1][..], PayloadError::Length),
            (&[0, 1, b'4'], PayloadError::Length),
            (&[0, 0xff, b'4'], PayloadError::Length),
            (&[0, 10, 0xff, b'4'], PayloadError::Length),
            (&[0, 2, 0xff, b'4'], PayloadError::Length),
            (&[2, 1, 0xff, b'4'], PayloadError::Length),
            (&many, PayloadError::Length),
            (&[0, 0, 0xff], PacketError::Empty.into()),
            (&[1, 0, 0xff], PacketError::Empty.into()),
            (&[1, 1, 0xff, 9], PacketError::UnknownType.into()),
            (&[0, 2, 0xff, b'4', 0xff], PacketError::Utf8.into()),
        ] {
            assert_eq!(read_bytes(body), broken(&[], error), "{body:?}");
        }
    }

    // Q19
    #[test]
    fn empty_body_is_no_packet() {
        assert_eq!(read_bytes(b""), ok(&[]));
    }

    #[test]
    fn other_types_are_honoured_in_both_kinds() {
        assert_eq!(read_bytes(b"\0\x01\xff2"), ok(&[Packet::Ping("".into())]));
        assert_eq!(
            read_bytes(b"\x01\x01\xff\x02"),
            ok(&[Packet::Ping("".into())])
        );
    }
}

mod choice {
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
}

mod twice_encoded {
    use super::*;

    /// UTF-8 bytes as characters, as clients up to 1.7 write them.
    fn twice(text: &str) -> String {
        text.bytes().map(char::from).collect()
    }

    fn event(content: &str) -> String {
        let packet = format!("42[\"message\",\"{content}\"]");
        format!("{}:{packet}", packet.chars().count())
    }

    // Q27: the same event is 25 characters from a 1.7.4 client and 20 units from a 2.5.0 client.
    #[test]
    fn is_decoded_once_more() {
        let old = event(&twice("é€😀"));
        assert!(old.starts_with("25:"), "{old}");
        assert_eq!(
            read_text(V3_TEXT, &old),
            ok(&[message("2[\"message\",\"é€😀\"]")])
        );
    }

    #[test]
    fn one_character_above_ff_rules_it_out_for_the_session() {
        let mut legacy = LegacyText::default();
        let mut read = |body: &str| {
            let body = Bytes::copy_from_slice(body.as_bytes());
            encoding(V3_TEXT)
                .decode(PostContent::Text, body, &mut legacy, 10)
                .packets
        };
        assert_eq!(read("3:4Ã©"), [message("é")]);
        assert_eq!(read("2:4€"), [message("€")]);
        assert_eq!(read("3:4Ã©"), [message("Ã©")]);
    }

    #[test]
    fn ascii_and_errors_say_nothing() {
        let mut legacy = LegacyText::default();
        for body in ["2:4a", "9:4a", ""] {
            let body = Bytes::copy_from_slice(body.as_bytes());
            encoding(V3_TEXT).decode(PostContent::Text, body, &mut legacy, 10);
        }
        assert_eq!(legacy, LegacyText::Possible);
    }

    #[test]
    fn not_in_revision_4_nor_without_the_rules() {
        assert_eq!(read_text(V4, "4Ã©"), ok(&[message("Ã©")]));
        let config = Config {
            legacy_text: false,
            ..Config::default()
        };
        let body = Bytes::from_static("3:4Ã©".as_bytes());
        let mut legacy = LegacyText::default();
        let handshake = open(V3_TEXT, &config);
        let read = handshake
            .encoding()
            .decode(PostContent::Text, body, &mut legacy, 10);
        assert_eq!(read, ok(&[message("Ã©")]));
    }

    proptest! {
        #[test]
        fn any_text_arrives(content in any::<String>()) {
            let packet = format!("4{}", twice(&content));
            let body = format!("{}:{packet}", packet.chars().count());
            prop_assert_eq!(read_text(V3_TEXT, &body), ok(&[message(&content)]));
        }
    }
}

mod jsonp_form {
    use super::*;

    fn script(query: &str, packet: Packet) -> String {
        let (content_type, body) = written(query, &[packet]);
        assert_eq!(content_type, ContentType::JavaScript);
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn payload_goes_out_as_a_call() {
        for (query, packet, expected) in [
            ("EIO=3&j=12", message("a"), r#"___eio[12]("2:4a");"#), // J1
            ("EIO=3&j=a1b2", message("a"), r#"___eio[12]("2:4a");"#), // J2
            ("EIO=3&j=", message("a"), r#"___eio[]("2:4a");"#),     // J2
            ("EIO=4&j=0", message("a"), r#"___eio[0]("4a");"#),
            (JSONP, message("\"\\\n"), r#"___eio[0]("4:4\"\\\n");"#), // J5
            (
                JSONP,
                message("\u{2028}\u{2029}"),
                r#"___eio[0]("3:4\u2028\u2029");"#,
            ), // J6
            (
                JSONP,
                message("</script>"),
                r#"___eio[0]("10:4<\/script>");"#,
            ),
            (
                JSONP,
                bytes(&[1, 2, 3, 4]),
                r#"___eio[0]("10:b4AQIDBA==");"#,
            ), // J10
            (JSONP, Packet::Close, r#"___eio[0]("1:1");"#), // J11
        ] {
            assert_eq!(script(query, packet), expected);
        }
    }

    #[test]
    fn payload_comes_in_as_a_form() {
        for (body, packets) in [
            ("d=6%3A4hello", &[message("hello")][..]), // J4
            ("d=4%3A4a+b", &[message("a b")]),         // J7
            (r"d=4%3A4a\nb", &[message("a\nb")]),      // J5: a newline
            (r"d=5%3A4a\\nb", &[message(r"a\nb")]),    // J5: backslash and n
            (r"d=3%3A4\a", &[message(r"\a")]),
            ("", &[]),                  // J8
            ("x=1", &[]),               // J8
            ("d=2%3A4a&d=2%3A4b", &[]), // J8
        ] {
            assert_eq!(read_text(JSONP, body), ok(packets), "{body}");
        }
    }

    #[test]
    fn bad_forms_are_refused() {
        assert_eq!(read_text(JSONP, "d="), broken(&[], PayloadError::Length));
        assert_eq!(
            read_text(JSONP, "d=2%3A4%FF"),
            broken(&[], PayloadError::Utf8)
        );
    }

    proptest! {
        // J5
        #[test]
        fn what_a_client_sends_arrives(content in any::<String>()) {
            prop_assume!(!content.contains("\\\n"));
            let (_, body) = written(V4, &[message(&content)]);
            prop_assume!(!content.contains('\u{1e}'));
            let form = client_form(std::str::from_utf8(&body).unwrap());
            prop_assert_eq!(read_text("EIO=4&j=0", &form), ok(&[message(&content)]));
        }
    }
}

mod any_batch {
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
}

mod memory {
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
}
