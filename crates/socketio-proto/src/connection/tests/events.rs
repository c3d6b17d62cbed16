//! Events and answers.

use super::*;
use crate::encode_event;

// D1, D9, D11, D13, D16, A1, A2, A3
#[test]
fn events_arrive_with_raw_arguments() {
    let mut client = Client::joined();
    client.says(r#"2["message",1,"2",{"3":[true]}]"#);
    client.expect(&[r#"event / message 1 "2" {"3":[true]}"#]);
    client.says(r#"2/,007[ "error" , 1.0 ,-0,1e400,"\ud800" ]"#);
    client.expect(&[r#"event / error 1.0 -0 1e400 "\ud800" ack 7"#]);
    client
        .says("29007199254740993[5]")
        .expect(&["event / 5  ack 9007199254740993"]);
    client.says("2[\"caf\\u00e9\"]").expect(&["event / café "]);
}

// D2 to D10, D14, D17, D21, A3, A4
#[test]
fn a_bad_event_closes() {
    use PacketError::*;
    let deep = format!("2[\"a\",{}{}]", "[".repeat(64), "]".repeat(64));
    let long = format!("2[\"{}\"]", "n".repeat(257));
    for (text, error) in [
        ("2{}", Payload),
        ("2abc[\"x\"]", Json),
        ("2[]", Payload),
        ("2\"x\"", Payload),
        ("2null", Payload),
        ("2[true]", EventName),
        ("2[null]", EventName),
        ("2[{}]", EventName),
        ("2[\"\\ud800\"]", EventName),
        ("2", Payload),
        ("2[\"a\"", Json),
        ("2[\"a\"]x", Json),
        ("2-1[\"a\"]", Json),
        ("21.5[\"a\"]", Json),
        ("299999999999999999999[\"a\"]", AckId),
        (&long, EventName),
        (&deep, Depth),
        ("7", UnknownType),
        ("", UnknownType),
    ] {
        Client::joined().says(text).expect_closed(error);
    }
    for name in crate::packet::RESERVED {
        Client::joined()
            .says(&format!("2[\"{name}\"]"))
            .expect_closed(ReservedName);
    }
    Client::joined()
        .says("2/[\"x\"]")
        .expect_closed(Violation::NotConnected);
}

#[test]
fn an_empty_list_with_blanks_is_empty() {
    let mut client = Client::joined();
    client.says("31[ ]").says("2[\"a\" ]");
    for _ in 0..2 {
        let Some(Output::Event(Event::Event { args, .. } | Event::Ack { args, .. })) =
            client.connection.poll_output()
        else {
            panic!("an event or an answer")
        };
        let relayed = encode_event(&NamespaceName::ROOT, "b", &args, None).unwrap();
        assert_eq!(relayed.head(), &Data::Text("2[\"b\"]".into()));
    }
}

// A7, A8, A9, A10
#[test]
fn answers_arrive_by_id() {
    let mut client = Client::joined();
    client
        .says(r#"312["ok",1]"#)
        .expect(&[r#"answer / 12 "ok" 1"#]);
    client.says("3[]").expect(&[]);
    client.says("35").expect(&[]);
    client.says("35[]").expect(&["answer / 5 "]);
    Client::joined()
        .says("35{}")
        .expect_closed(PacketError::Payload);
    Client::joined()
        .says("35\"x\"")
        .expect_closed(PacketError::Payload);
}
