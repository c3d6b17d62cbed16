//! The form of revision 4: packets between record separators.

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
