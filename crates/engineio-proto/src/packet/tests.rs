//! Packets byte for byte, and every form there and back.

use proptest::prelude::*;

use super::*;

fn text(version: Version, wire: &str) -> Result<Packet, PacketError> {
    Packet::decode_text(version, wire.into())
}

fn binary(version: Version, frame: &'static [u8]) -> Result<Option<Packet>, PacketError> {
    Packet::decode_binary(version, Bytes::from_static(frame))
}

fn message(content: &str) -> Packet {
    Packet::message(Text::from(content))
}

fn bytes(content: &'static [u8]) -> Packet {
    Packet::message(Bytes::from_static(content))
}

fn encoded(version: Version, packet: &Packet) -> Bytes {
    let mut out = BytesMut::new();
    packet.encode_text(version, &mut out);
    out.freeze()
}

#[test]
fn text_forms_of_both_revisions() {
    for version in [Version::V3, Version::V4] {
        for (wire, packet) in [
            ("0{}", Packet::Open("{}".into())),
            ("1", Packet::Close),
            ("2", Packet::Ping("".into())),
            ("2probe", Packet::Ping("probe".into())),
            ("3probe", Packet::Pong("probe".into())),
            ("4", message("")),
            ("4hello", message("hello")),
            ("4\0\r\n\u{2028}€😀", message("\0\r\n\u{2028}€😀")), // P18
            ("4b", message("b")),
            ("5", Packet::Upgrade),
            ("6", Packet::Noop),
        ] {
            assert_eq!(text(version, wire), Ok(packet.clone()), "{wire}");
            assert_eq!(encoded(version, &packet), wire, "{wire}");
        }
    }
}

#[test]
fn data_behind_a_type_without_data_is_dropped() {
    assert_eq!(text(Version::V4, "52"), Ok(Packet::Upgrade));
    assert_eq!(text(Version::V4, "1x"), Ok(Packet::Close));
    assert_eq!(text(Version::V4, "6x"), Ok(Packet::Noop));
}

#[test]
fn malformed_text_is_refused() {
    for version in [Version::V3, Version::V4] {
        for (wire, error) in [
            ("", PacketError::Empty),
            ("7", PacketError::UnknownType),   // P14
            ("abc", PacketError::UnknownType), // P9
            ("é", PacketError::UnknownType),
            ("٤", PacketError::UnknownType), // a digit, but not an ASCII one
            ("\u{feff}4a", PacketError::UnknownType), // P20
        ] {
            assert_eq!(text(version, wire), Err(error), "{wire}");
        }
    }
}

#[test]
fn base64_has_no_type_in_revision_4() {
    for (wire, content) in [
        ("b", &[][..]), // P6
        ("bAQIDBA==", &[1, 2, 3, 4]),
        ("b4AQI", &[0xe0, 0x04, 0x08]),
        ("b+/+/", &[0xfb, 0xff, 0xbf]),
    ] {
        assert_eq!(text(Version::V4, wire), Ok(bytes(content)), "{wire}");
        assert_eq!(encoded(Version::V4, &bytes(content)), wire); // P31
    }
}

#[test]
fn base64_has_a_type_in_revision_3() {
    for (wire, packet) in [
        ("b4", bytes(&[])), // Q20
        ("b4AQIDBA==", bytes(&[1, 2, 3, 4])),
        ("b2", Packet::Ping("".into())), // Q21
        ("b2cHJvYmU=", Packet::Ping("probe".into())),
    ] {
        assert_eq!(text(Version::V3, wire), Ok(packet), "{wire}");
    }
    assert_eq!(encoded(Version::V3, &bytes(&[1, 2, 3, 4])), "b4AQIDBA==");
    for (wire, error) in [
        ("b", PacketError::Empty),            // Q20
        ("b9AQ==", PacketError::UnknownType), // Q21
        ("bAQIDBA==", PacketError::UnknownType),
        ("b2/w==", PacketError::Utf8),
    ] {
        assert_eq!(text(Version::V3, wire), Err(error), "{wire}");
    }
}

#[test]
fn padding_may_be_missing_and_nothing_else() {
    assert_eq!(text(Version::V4, "bAQ"), Ok(bytes(&[1]))); // P7
    assert_eq!(text(Version::V4, "bAQI"), Ok(bytes(&[1, 2])));
    for wire in [
        "b!!!!",
        "b-_-_",
        "bAQ=",
        "bAQ===",
        "bA",
        "bAQ IDBA==",
        "bAQIDBA==\n",
        "bAR==",
        "b=",
        "bé",
    ] {
        assert_eq!(text(Version::V4, wire), Err(PacketError::Base64), "{wire}"); // P8
    }
}

#[test]
fn binary_frame_is_a_message_in_revision_4() {
    assert_eq!(binary(Version::V4, &[4, 1, 2]), Ok(Some(bytes(&[4, 1, 2]))));
    assert_eq!(binary(Version::V4, &[]), Ok(Some(bytes(&[]))));
}

#[test]
fn binary_frame_has_a_type_byte_in_revision_3() {
    assert_eq!(binary(Version::V3, &[4, 1, 2]), Ok(Some(bytes(&[1, 2]))));
    assert_eq!(binary(Version::V3, &[4]), Ok(Some(bytes(&[]))));
    assert_eq!(binary(Version::V3, &[2]), Ok(Some(Packet::Ping("".into()))));
    assert_eq!(binary(Version::V3, &[]), Ok(None));
    assert_eq!(binary(Version::V3, &[9, 1]), Ok(None));
    assert_eq!(binary(Version::V3, &[2, 0xff]), Err(PacketError::Utf8));
}

#[test]
fn websocket_frames_of_a_server() {
    for (version, packet, frame) in [
        (Version::V4, message("€"), &b"\x81\x044\xe2\x82\xac"[..]),
        (Version::V3, message("€"), b"\x81\x044\xe2\x82\xac"),
        (Version::V4, bytes(&[1, 2]), b"\x82\x02\x01\x02"),
        (Version::V3, bytes(&[1, 2]), b"\x82\x03\x04\x01\x02"),
        (Version::V4, bytes(&[]), b"\x82\x00"),
        (Version::V3, bytes(&[]), b"\x82\x01\x04"),
        (Version::V4, Packet::Pong("probe".into()), b"\x81\x063probe"),
        (Version::V4, Packet::Noop, b"\x81\x016"),
    ] {
        assert_eq!(packet.websocket_frame(version), frame);
    }
}

#[test]
fn decoded_text_shares_the_bytes() {
    let wire = Text::from("4hello");
    let Ok(Packet::Message(data)) = Packet::decode_text(Version::V4, wire.clone()) else {
        panic!("a message");
    };
    assert_eq!(data.as_bytes().as_ptr(), wire.as_bytes()[1..].as_ptr());
}

proptest! {
    #[test]
    fn text_form_there_and_back(packet in any_packet(), version in any_version()) {
        let wire = Text::from_utf8(encoded(version, &packet)).unwrap();
        prop_assert_eq!(Packet::decode_text(version, wire), Ok(packet));
    }

    #[test]
    fn binary_frame_there_and_back(content in prop::collection::vec(any::<u8>(), 0..300), version in any_version()) {
        let packet = Packet::message(Bytes::from(content));
        let frame = packet.websocket_frame(version);
        let head = if frame[1] < 126 { 2 } else { 4 };
        prop_assert_eq!(Packet::decode_binary(version, frame.slice(head..)), Ok(Some(packet)));
    }
}

fn any_version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V3), Just(Version::V4)]
}

/// Every packet, with any data that its type carries.
pub(crate) fn any_packet() -> impl Strategy<Value = Packet> {
    prop_oneof![
        any::<String>().prop_map(|text| Packet::message(Text::from(text))),
        prop::collection::vec(any::<u8>(), 0..64)
            .prop_map(|bytes| Packet::message(Bytes::from(bytes))),
        any::<String>().prop_map(|text| Packet::Open(text.into())),
        any::<String>().prop_map(|text| Packet::Ping(text.into())),
        any::<String>().prop_map(|text| Packet::Pong(text.into())),
        Just(Packet::Close),
        Just(Packet::Upgrade),
        Just(Packet::Noop),
    ]
}
