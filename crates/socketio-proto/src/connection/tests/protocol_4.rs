//! What differs for clients of protocol 4.

use super::*;

// V1, V2
#[test]
fn protocol_4_is_in_the_root_unasked() {
    let mut client = Client::open(Protocol::V4);
    client.expect(&["connect /"]);
    client
        .connection
        .accept(&NamespaceName::ROOT, "abc")
        .unwrap();
    client.expect(&["S 0"]);
    // V19
    client.waits(Duration::from_secs(3600)).expect(&[]);
    // V8
    client.says("0").expect(&[]);
}

// V3, V4, V5, V6
#[test]
fn protocol_4_asks_with_a_query() {
    let mut client = Client::old();
    client
        .says("0/custom?a=b&c=%C3%A9,")
        .expect(&[r#"connect /custom {"a":"b","c":"é"}"#]);
    client
        .connection
        .accept(&NamespaceName::parse("/custom").unwrap(), "x")
        .unwrap();
    client.expect(&["S 0/custom,"]);
    client
        .says("0/random,{\"t\":1}")
        .expect(&["connect /random {}"]);
    let random = NamespaceName::parse("/random").unwrap();
    client.connection.refuse(&random, "Invalid namespace", None);
    client.expect(&[r#"S 4/random,"Invalid namespace""#]);
}

#[test]
fn protocol_4_may_leave_before_it_is_let_in() {
    let mut client = Client::old();
    client.says("0/n").expect(&["connect /n {}"]);
    client.says("1/n").expect(&[]);
    let namespace = NamespaceName::parse("/n").unwrap();
    assert_eq!(client.connection.accept(&namespace, "id"), Err(NotAsking));
    client.expect(&[]);
    client.says("0/n").expect(&["connect /n {}"]);
}

// An answer is to the question that was asked, not to a later one with another query.
#[test]
fn protocol_4_is_not_let_in_by_the_answer_to_what_it_took_back() {
    let namespace = NamespaceName::parse("/n").unwrap();
    let answers: [fn(&mut Connection, &NamespaceName); 2] = [
        |connection, namespace| assert_eq!(connection.accept(namespace, "ada"), Err(NotAsking)),
        |connection, namespace| connection.refuse(namespace, "no", None),
    ];
    for answer in answers {
        let mut client = Client::old();
        client
            .says("0/n?as=ada")
            .expect(&[r#"connect /n {"as":"ada"}"#]);
        client.says("1/n").says("0/n?as=bob").expect(&[]);
        client.says("1/n").says("0/n?as=eve").expect(&[]);
        client.says("2/n,[\"early\"]").expect(&[]);
        answer(&mut client.connection, &namespace);
        client.expect(&[r#"connect /n {"as":"eve"}"#]);
        client.connection.accept(&namespace, "eve").unwrap();
        client.expect(&["S 0/n,"]);
        client.says("2/n,[\"a\"]").expect(&["event /n a "]);
    }
}

#[test]
fn protocol_4_does_not_ask_again_twice() {
    let mut client = Client::old();
    client.says("0/n").says("1/n").says("0/n").seen();
    client.says("0/n").expect_closed(Violation::ConnectTwice);
}

// V9, V10, V11, V12
#[test]
fn protocol_4_is_lenient_where_old_clients_are_sloppy() {
    let mut client = Client::old();
    client.says("2/gone,[\"a\"]").expect(&[]);
    client.says("1/gone").expect(&[]);
    client
        .says("51-/gone,[\"a\"]")
        .sends(b"swallowed")
        .expect(&[]);
    client.says("2[\"disconnect\"]").expect(&[]);
    client.says("4{}").expect(&[]);
    client.says("1").expect(&["left /"]);
    client.says("2[\"a\"]").expect(&[]);
    Client::old()
        .says("2\"x\"")
        .expect_closed(PacketError::Payload);
    Client::old()
        .says("9")
        .expect_closed(PacketError::UnknownType);
}
