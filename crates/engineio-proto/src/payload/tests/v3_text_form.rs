//! The text form of revision 3: lengths in UTF-16 units.

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
