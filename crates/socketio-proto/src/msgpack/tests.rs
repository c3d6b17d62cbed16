//! Golden bytes as notepack.io writes them, and round trips.

use proptest::prelude::*;

use super::*;
use crate::{
    AckId, Args, Binary, IntoArgs, NamespaceName, Packet, Protocol, encode_ack, encode_connect,
    encode_disconnect, encode_event, encode_refusal,
};

fn text(packet: &Entry) -> &str {
    match packet.head() {
        Data::Text(text) => text,
        Data::Binary(_) => panic!("packets are text"),
    }
}

#[track_caller]
fn reads(message: &[u8], packet: &str) {
    let message = Bytes::copy_from_slice(message);
    assert_eq!(text(&decode(&message).unwrap()), packet);
}

#[track_caller]
fn fails(message: &[u8], error: PacketError) {
    assert_eq!(decode(&Bytes::copy_from_slice(message)), Err(error));
}

// M1
#[test]
fn packets_are_maps_with_keys_in_any_order() {
    reads(b"\x82\xa4type\x00\xa3nsp\xa1/", "0");
    reads(b"\x82\xa3nsp\xa2/n\xa4type\x01", "1/n,");
    reads(
        b"\x84\xa4data\x92\xa1a\xcb\x3f\xf8\0\0\0\0\0\0\xa2id\x07\xa3nsp\xa2/n\xa4type\x02",
        r#"2/n,7["a",1.5]"#,
    );
    reads(
        b"\x84\xa4type\x03\xa3nsp\xa1/\xa4data\x90\xa2id\xcd\x01\x00",
        "3256[]",
    );
    reads(
        b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x81\xa5token\xa1x",
        r#"0{"token":"x"}"#,
    );
    reads(b"\x83\xa4type\x01\xa3nsp\xa1/\xa7options\x81\xa1a\x90", "1");
}

// M2
#[test]
fn other_shapes_are_refused() {
    use PacketError::*;
    fails(b"", Json);
    fails(b"\xc1\xff", Json);
    fails(b"\x91\x01", Payload);
    fails(b"\x82\xa4type\x00\xa3nsp", Json);
    fails(b"\x82\xa4type\x00\xa3nsp\xa1/\x00", Json);
    fails(b"\x81\xa3nsp\xa1/", UnknownType);
    fails(b"\x81\xa4type\x00", Namespace);
    for kind in [b"\x05", b"\x06", b"\x07", b"\xff"] {
        fails(
            &[b"\x82\xa3nsp\xa1/\xa4type", &kind[..]].concat(),
            UnknownType,
        );
    }
    fails(b"\x82\xa4type\xa12\xa3nsp\xa1/", UnknownType);
    fails(b"\x82\xa4type\x00\xa3nsp\x01", Namespace);
    fails(b"\x82\xa4type\x00\xa3nsp\xa1n", Namespace);
    fails(b"\x82\xa4type\x00\xa3nsp\xa3/a,", Namespace);
    fails(b"\x83\xa4type\x02\xa3nsp\xa1/\xa2id\xa17", AckId);
    fails(b"\x83\xa4type\x02\xa3nsp\xa1/\xa2id\xff", AckId);
    // Bytes where the default parser has no attachments.
    fails(b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\xc4\x01x", Payload);
}

#[test]
fn a_number_for_data_is_no_more_digits_of_the_id() {
    for number in [&b"\x05"[..], b"\xcb\x61\xff\xff\xff\xff\x5c\x05\x2a"] {
        let message = [b"\x84\xa4type\x02\xa3nsp\xa1/\xa2id\x6e\xa4data", number].concat();
        fails(&message, PacketError::Payload);
    }
}

// M3
#[test]
fn undefined_is_absent_or_null() {
    reads(
        b"\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa1a\xd4\0\0\x82\xa1b\xd4\0\0\xa1c\x01\xa2id\xd4\0\0",
        r#"2["a",null,{"c":1}]"#,
    );
    reads(b"\x83\xa4type\x01\xa3nsp\xa1/\xa4data\xd4\0\0", "1");
}

#[test]
fn bytes_become_attachments_that_share_the_message() {
    let message = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa1a\xc4\x03one\x91\xc5\x00\x03two";
    let packet = decode(&Bytes::from_static(message)).unwrap();
    let placeholders = r#"{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]"#;
    assert_eq!(text(&packet), format!(r#"52-["a",{placeholders}]"#));
    assert_eq!(packet.attachments(), ["one", "two"]);
    let posed = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa1a\xc4\x01x\
        \x82\xac_placeholder\xc3\xa3num\x00";
    fails(posed, PacketError::Placeholder);
}

#[test]
fn values_are_those_of_javascript() {
    let event = |value: &[u8]| {
        let head = &b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a"[..];
        let packet = decode(&[head, value].concat().into());
        packet.map(|packet| text(&packet)[6..].strip_suffix(']').unwrap().to_owned())
    };
    for (value, json) in [
        (&b"\xc0"[..], "null"),
        (b"\xc3", "true"),
        (b"\xff", "-1"),
        (b"\xd0\x80", "-128"),
        (b"\xd1\xff\x00", "-256"),
        (b"\xd2\xff\xff\xff\xff", "-1"),
        (b"\xd3\x80\0\0\0\0\0\0\0", "-9223372036854775808"),
        (b"\xd3\0\0\0\0\0\0\0\x05", "5"),
        (
            b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            "18446744073709551615",
        ),
        (b"\xca\x3f\xc0\0\0", "1.5"),
        (b"\xcb\x7f\xf8\0\0\0\0\0\0", "null"),
        (b"\xa3\xed\xa0\x80", "\"\u{fffd}\u{fffd}\u{fffd}\""),
        (b"\xd9\x03a\"\n", r#""a\"\n""#),
        (b"\x81\x05\x80", r#"{"5":{}}"#),
        (
            b"\xd7\x00\0\0\0\0\0\0\x05\xdc",
            r#""1970-01-01T00:00:01.500Z""#,
        ),
    ] {
        assert_eq!(event(value).as_deref(), Ok(json));
    }
    assert_eq!(event(b"\xd4\x07x"), Err(PacketError::Payload));
    let nested = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
    assert!(event(&nested(63)).is_ok());
    assert_eq!(event(&nested(64)), Err(PacketError::Depth));
    assert_eq!(event(&vec![0x91; 400_000]), Err(PacketError::Depth));
    // Lengths that promise more than there is allocate nothing.
    for head in [0xc6, 0xdb, 0xdd, 0xdf] {
        assert_eq!(
            event(&[head, 0xff, 0xff, 0xff, 0xff]),
            Err(PacketError::Json)
        );
    }
}

#[test]
fn what_a_server_says() {
    let custom = NamespaceName::parse("/n").unwrap();
    let message = |packet: &Entry| encode(packet).unwrap();
    let connect = encode_connect(Protocol::V5, &custom, "abc");
    assert_eq!(
        message(&connect),
        &b"\x83\xa4type\x00\xa3nsp\xa2/n\xa4data\x81\xa3sid\xa3abc"[..]
    );
    let disconnect = message(&encode_disconnect(&NamespaceName::ROOT));
    assert_eq!(disconnect, &b"\x82\xa4type\x01\xa3nsp\xa1/"[..]);
    let refusal = encode_refusal(Protocol::V5, &custom, "no", None);
    assert_eq!(
        message(&refusal),
        &b"\x83\xa4type\x04\xa3nsp\xa2/n\xa4data\x81\xa7message\xa2no"[..]
    );
    let args = (-1, Binary("xy".into())).into_args().unwrap();
    let ack = message(&encode_ack(&custom, AckId::new(300), &args));
    assert_eq!(
        ack,
        &b"\x84\xa4type\x03\xa3nsp\xa2/n\xa4data\x92\xff\xc6\0\0\0\x02xy\xa2id\xce\0\0\x01\x2c"[..]
    );
    let raw = Args::from_raw(["1e400"]).unwrap();
    let event = encode_event(&custom, "a", &raw, None).unwrap();
    assert_eq!(encode(&event), Err(PacketError::Json));
}

// M4
#[test]
fn polling_carries_packets_as_base64() {
    let version = engineio_proto::Version::V4;
    let message = encode(&encode_disconnect(&NamespaceName::ROOT)).unwrap();
    let mut payload = bytes::BytesMut::new();
    engineio_proto::Packet::message(message.clone()).encode_text(version, &mut payload);
    assert_eq!(payload, "bgqR0eXBlAaNuc3ChLw==");
    let posted = engineio_proto::Packet::decode_text(version, "bgqR0eXBlAaNuc3ChLw==".into());
    assert_eq!(posted, Ok(engineio_proto::Packet::message(message)));
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,40}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 60, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Into::into),
            prop::collection::btree_map("[a-z_]{0,40}", inner, 0..20)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        values in prop::collection::vec(value(), 0..3),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..4),
        ack in prop::option::of(any::<u64>()),
    ) {
        let binaries: Vec<Binary> = parts.into_iter().map(Binary::from).collect();
        let args = (&values, &binaries).into_args().unwrap();
        let namespace = NamespaceName::parse("/n").unwrap();
        let event = encode_event(&namespace, "a", &args, ack.map(AckId::new)).unwrap();
        let again = decode(&encode(&event).unwrap()).unwrap();
        prop_assert_eq!(again.attachments(), event.attachments());
        let payload = |packet: &Entry| {
            let text = text(packet);
            let start = text.find('[').unwrap();
            let json: serde_json::Value = serde_json::from_str(&text[start..]).unwrap();
            (text[..start].to_owned(), json)
        };
        prop_assert_eq!(payload(&again), payload(&event));
    }

    #[test]
    fn any_bytes_are_a_packet_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let head = &b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a"[..];
        for message in [bytes.clone(), [head, &bytes].concat()] {
            let Ok(packet) = decode(&message.into()) else { continue };
            if packet.attachments().is_empty() {
                let Data::Text(text) = packet.head() else { panic!("packets are text") };
                // What was read is JSON that the rest of the crate agrees with.
                let read = Packet::decode(Protocol::V5, text);
                prop_assert!(read != Err(PacketError::Json), "{text}");
            }
        }
    }
}

#[test]
fn values_that_are_no_packets_come_back_as_they_were() {
    let json = r#"{"values":[{"key":"a","value":"21.5"},{"key":"b","value":[-1,1.5,{"c":null}]}]}"#;
    assert_eq!(to_json(&from_json(json).unwrap()).unwrap(), json);
    // A single bin8, an array that is cut, and something behind the value.
    for bytes in [&b"\xc4\x01x"[..], b"\x92\x01", b"\x01\x01", b""] {
        assert_eq!(
            to_json(&Bytes::copy_from_slice(bytes)),
            Err(PacketError::Json),
            "{bytes:?}"
        );
    }
    for text in ["", "{", "1 2", r#""\ud800""#] {
        assert_eq!(from_json(text), Err(PacketError::Json), "{text}");
    }
}

#[test]
fn an_attachment_does_not_keep_its_message() {
    let mut message =
        b"\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\xc4\x01\x07\xa1x\xda\x80\0".to_vec();
    message.extend([b'y'; 0x8000]);
    let message = Bytes::from(message);
    let packet = decode(&message).unwrap();
    assert_eq!(packet.attachments(), [Bytes::from_static(&[7])]);
    assert!(
        !message
            .as_ptr_range()
            .contains(&packet.attachments()[0].as_ptr())
    );
}
