//! How clients of protocol 5 come into namespaces and leave them.

use super::*;
use crate::PrivateId;

// N1, N2, N3, N4, N5, N12
#[test]
fn a_client_asks_and_is_let_in() {
    let mut client = Client::open(Protocol::V5);
    client.expect(&[]);
    client
        .says(r#"0{"token":"1"}"#)
        .expect(&[r#"connect / {"token":"1"}"#]);
    client
        .connection
        .accept(&NamespaceName::ROOT, "abc")
        .unwrap();
    client.expect(&[r#"S 0{"sid":"abc"}"#]);
    client.says("0/custom").expect(&["connect /custom"]);
    let custom = NamespaceName::parse("/custom").unwrap();
    client.connection.accept(&custom, "def").unwrap();
    client.expect(&[r#"S 0/custom,{"sid":"def"}"#]);
    assert_eq!(client.connection.accept(&custom, "ghi"), Err(NotAsking));
}

// N6, N19, N25
#[test]
fn a_refused_client_stays_until_the_connect_timeout() {
    let mut client = Client::open(Protocol::V5);
    client.says("0/random").expect(&["connect /random"]);
    let random = NamespaceName::parse("/random").unwrap();
    client.connection.refuse(&random, "Invalid namespace", None);
    client.expect(&[r#"S 4/random,{"message":"Invalid namespace"}"#]);
    client.waits(Duration::from_secs(9)).expect(&[]);
    client
        .waits(Duration::from_secs(1))
        .expect_closed(Violation::ConnectTimeout);
}

// N8
#[test]
fn a_slow_decision_of_the_application_is_not_the_clients_fault() {
    let mut client = Client::open(Protocol::V5);
    client.says("0").expect(&["connect /"]);
    client.waits(Duration::from_secs(60)).expect(&[]);
    client.connection.refuse(&NamespaceName::ROOT, "no", None);
    client.expect(&[r#"S 4{"message":"no"}"#]);
    client
        .waits(Duration::ZERO)
        .expect_closed(Violation::ConnectTimeout);
}

// N7, N9, N21
#[test]
fn the_first_packet_is_a_connect() {
    for text in ["2[\"a\"]", "30[]", "1", "2/custom,[\"a\"]"] {
        Client::open(Protocol::V5)
            .says(text)
            .expect_closed(Violation::NotConnected);
    }
    Client::open(Protocol::V5)
        .says("4{}")
        .expect_closed(Violation::ConnectError);
    Client::open(Protocol::V5)
        .says("abc")
        .expect_closed(PacketError::UnknownType);
    let mut early = Client::open(Protocol::V5);
    early.says("0").expect(&["connect /"]);
    early
        .says("2[\"early\"]")
        .expect_closed(Violation::NotConnected);
}

// N10, N23
#[test]
fn no_namespace_is_joined_twice() {
    Client::joined()
        .says("0")
        .expect_closed(Violation::ConnectTwice);
    let mut client = Client::open(Protocol::V5);
    client.says("0/n").expect(&["connect /n"]);
    client.says("0/n").expect_closed(Violation::ConnectTwice);
}

// N11
#[test]
fn a_connect_payload_is_an_object() {
    for text in ["0[]", "0null", "0\"x\"", "01.5"] {
        let payload = if text == "01.5" {
            PacketError::Json
        } else {
            PacketError::Payload
        };
        Client::open(Protocol::V5).says(text).expect_closed(payload);
    }
    Client::open(Protocol::V5)
        .says(r#"0{"a":1"#)
        .expect_closed(PacketError::Json);
}

// N14
#[test]
fn an_ack_id_on_a_connect_means_nothing() {
    Client::open(Protocol::V5).says("01").expect(&["connect /"]);
    Client::open(Protocol::V5)
        .says("0/n,5{}")
        .expect(&["connect /n {}"]);
}

// N27, N28, N29, N30, N32
#[test]
fn a_client_may_leave_and_come_back() {
    let mut client = Client::joined();
    client.says("1").expect(&["left /"]);
    client.waits(Duration::from_secs(60)).expect(&[]);
    client.says("0").expect(&["connect /"]);
    client.accepted("/");
    client.says("1").expect(&["left /"]);
    client
        .says("2[\"gone\"]")
        .expect_closed(Violation::NotConnected);
    Client::joined()
        .says("1{}")
        .expect_closed(PacketError::Payload);
    Client::joined()
        .says("1/custom,")
        .expect_closed(Violation::NotConnected);
}

// N34
#[test]
fn the_server_ends_a_stay() {
    let mut client = Client::joined();
    client.connection.disconnect(&NamespaceName::ROOT);
    client.connection.disconnect(&NamespaceName::ROOT);
    client.expect(&["S 1"]);
}

// N34: others live, so what was under way must not close the session.
#[test]
fn what_crosses_the_end_of_a_stay_is_passed_over() {
    let mut client = Client::joined();
    client.connection.disconnect(&NamespaceName::ROOT);
    client.expect(&["S 1"]);
    client
        .says("2[\"late\"]")
        .says("37[]")
        .says("1")
        .expect(&[]);
    client.says(TWO).sends(b"zero").sends(b"one").expect(&[]);
    client.says("0").expect(&["connect /"]);
    client
        .says("2[\"early\"]")
        .expect_closed(Violation::NotConnected);
}

#[test]
fn ended_stays_make_room() {
    let mut client = Client::joined();
    for number in 0..100 {
        let name = format!("/{number}");
        client.says(&format!("0{name}"));
        client.accepted(&name);
        let namespace = NamespaceName::parse(&name).unwrap();
        client.connection.disconnect(&namespace);
    }
    assert_eq!(client.seen().last().unwrap(), "S 1/99,");
}

#[test]
fn what_a_client_says_of_itself_is_bounded() {
    let mut client = Client::open(Protocol::V5);
    let auth = |len: usize| format!("{{\"token\":\"{}\"}}", "x".repeat(len - 12));
    let most = Config::default().max_auth_bytes;
    client.says(&format!("0{}", auth(most)));
    client.expect(&[&format!("connect / {}", auth(most))]);
    client
        .says(&format!("0/n,{}", auth(most + 1)))
        .expect_closed(PacketError::AuthBytes);
    Client::old()
        .says(&format!("0/n?{},", "&a".repeat(most)))
        .expect_closed(PacketError::AuthBytes);
}

// N38 and bounds
#[test]
fn namespaces_are_bounded_in_length_and_number() {
    let long = format!("0/{}", "x".repeat(64_000));
    Client::joined()
        .says(&long)
        .expect_closed(PacketError::Namespace);
    let mut client = Client::joined();
    for number in 1..32 {
        client.says(&format!("0/{number}"));
        client.accepted(&format!("/{number}"));
    }
    client
        .says("0/more")
        .expect_closed(Violation::TooManyNamespaces);
    let mut refused = Client::joined();
    for number in 0..32 {
        refused.says(&format!("0/{number}"));
        let namespace = NamespaceName::parse(&format!("/{number}")).unwrap();
        refused.connection.refuse(&namespace, "no", None);
    }
    assert_eq!(
        refused.seen().last().unwrap(),
        "close: too many refused connects"
    );
}

// R2
#[test]
fn who_may_come_back_is_told_a_private_id() {
    let (root, id) = (NamespaceName::ROOT, PrivateId::new("pid"));
    let mut client = Client::open(Protocol::V5);
    let auth = r#"{"pid":"pid","offset":"@1"}"#;
    client.says(&format!("0{auth}"));
    client.expect(&[&format!("connect / {auth}")]);
    let accepted = client.connection.accept_recoverable(&root, "sid", &id);
    assert_eq!(accepted, Ok(()));
    client.expect(&[r#"S 0{"sid":"sid","pid":"pid"}"#]);
    assert_eq!(
        client.connection.accept_recoverable(&root, "x", &id),
        Err(NotAsking)
    );
}
