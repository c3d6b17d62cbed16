//! The binary form of revision 3: lengths in decimal digits as bytes.

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
