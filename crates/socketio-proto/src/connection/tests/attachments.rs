//! Packets with attachments.

use super::*;
use crate::Binary;

// Y1, Y3, Y7, Y20
#[test]
fn attachments_are_put_in_their_places() {
    let mut client = Client::joined();
    client.says(TWO).sends(b"zero").expect(&[]);
    client.sends(b"");
    let Some(Output::Event(Event::Event { args, .. })) = client.connection.poll_output() else {
        panic!("an event")
    };
    assert_eq!(args.get::<Binary>(0).unwrap(), Binary("".into()));
    let nested: std::collections::HashMap<String, Vec<Binary>> = args.get(1).unwrap();
    assert_eq!(nested["a"], [Binary("zero".into())]);
}

// Y2, Y8, Y22
#[test]
fn an_answer_may_have_attachments() {
    let mut client = Client::joined();
    client
        .says("61-7[1]")
        .sends(b"unused")
        .expect(&["answer / 7 1"]);
}

// Y4, Y5, Y9 to Y14, Y16, Y17, Y19
#[test]
fn bad_attachments_close() {
    use PacketError::*;
    for (text, error) in [
        (r#"51-["a",{"_placeholder":true,"num":1}]"#, Placeholder),
        (r#"51-["a",{"_placeholder":true,"num":-1}]"#, Placeholder),
        (r#"51-["a",{"_placeholder":true,"num":0.5}]"#, Placeholder),
        (r#"51-["a",{"_placeholder":true,"num":"0"}]"#, Placeholder),
        (r#"51-["a",{"_placeholder":true}]"#, Placeholder),
        ("50-[\"a\"]", AttachmentCount),
        ("511-[\"a\"]", AttachmentCount),
        ("51000000000000-[\"a\"]", AttachmentCount),
        ("501-[\"a\"]", AttachmentCount),
        ("5[\"a\"]", AttachmentCount),
        ("51-[\"a\"", Json),
        ("51-", Payload),
    ] {
        Client::joined().says(text).expect_closed(error);
    }
    Client::joined()
        .says(TWO)
        .says("2[\"a\"]")
        .expect_closed(TextForAttachment);
    Client::joined()
        .sends(b"stray")
        .expect_closed(StrayAttachment);
    let mut client = Client::joined();
    client
        .says("51-[\"a\"]")
        .sends(b"1")
        .expect(&["event / a "]);
    client.sends(b"2").expect_closed(StrayAttachment);
    let elsewhere = "51-/custom,[\"a\"]";
    Client::joined()
        .says(elsewhere)
        .expect_closed(Violation::NotConnected);
}

// Y12
#[test]
fn ten_attachments_are_fine() {
    let mut client = Client::joined();
    client.says("510-[\"a\"]");
    for _ in 0..10 {
        client.expect(&[]);
        client.sends(b"x");
    }
    client.expect(&["event / a "]);
}

// Y25, Z9
#[test]
fn attachments_that_do_not_come_close() {
    let mut client = Client::joined();
    client
        .says(TWO)
        .sends(b"one")
        .waits(Duration::from_secs(9))
        .expect(&[]);
    client
        .waits(Duration::from_secs(1))
        .expect_closed(Violation::AttachmentTimeout);
}

// Y26: of one client; how many there are is bounded by the driver.
#[test]
fn attachments_are_bounded_in_bytes_and_in_what_they_grow_to() {
    static LARGE: [u8; 600_000] = [0; 600_000];
    let mut client = Client::joined();
    client.says(TWO).sends(&LARGE).expect(&[]);
    client
        .sends(&LARGE)
        .expect_closed(PacketError::AttachmentBytes);
    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    let repeated = format!("51-[\"a\"{}]", format!(",{placeholder}").repeat(3));
    let mut client = Client::joined();
    client
        .says(&repeated)
        .sends(&LARGE)
        .expect_closed(PacketError::Expansion);
}
