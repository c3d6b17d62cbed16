//! Transcripts of the wire, in virtual time. `C` is what the client sends, `S` what it gets.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{Binary, IntoArgs, PrivateId, encode_ack, encode_event};

struct Client {
    connection: Connection,
    now: Instant,
}

impl Client {
    fn open(protocol: Protocol) -> Self {
        #[allow(clippy::disallowed_methods, reason = "virtual time starts anywhere")]
        let now = Instant::now();
        let connection = Connection::open(now, protocol, Arc::new(Config::default()));
        Self { connection, now }
    }

    /// A protocol 5 client in the root namespace.
    fn joined() -> Self {
        let mut client = Self::open(Protocol::V5);
        client.says("0");
        client.accepted("/");
        client
    }

    /// A protocol 4 client, which is in the root unasked.
    fn old() -> Self {
        let mut client = Self::open(Protocol::V4);
        client.accepted("/");
        client
    }

    fn says(&mut self, text: &str) -> &mut Self {
        self.connection
            .handle_message(self.now, Data::Text(text.into()));
        self
    }

    fn sends(&mut self, bytes: &'static [u8]) -> &mut Self {
        self.connection
            .handle_message(self.now, Data::Binary(Bytes::from_static(bytes)));
        self
    }

    fn waits(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self.connection.handle_timeout(self.now);
        self
    }

    fn accepted(&mut self, namespace: &str) {
        self.seen();
        let namespace = NamespaceName::parse(namespace).unwrap();
        self.connection.accept(&namespace, "id").unwrap();
        self.seen();
    }

    fn seen(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.connection.poll_output())
            .map(|output| line(&output))
            .collect()
    }

    #[track_caller]
    fn expect(&mut self, lines: &[&str]) {
        assert_eq!(self.seen(), lines);
    }

    #[track_caller]
    fn expect_closed(&mut self, violation: impl Into<Violation>) {
        self.expect(&[&format!("close: {}", violation.into())]);
        self.says("2[\"late\"]");
        self.expect(&[]);
        assert_eq!(self.connection.poll_timeout(), None);
    }
}

fn line(output: &Output) -> String {
    match output {
        Output::Send(entry) => match entry.head() {
            Data::Text(text) => format!("S {text}"),
            Data::Binary(_) => panic!("packets are text"),
        },
        Output::Close(violation) => format!("close: {violation}"),
        Output::Event(Event::Connect { namespace, auth }) => match auth {
            Some(auth) => format!("connect {namespace} {auth}"),
            None => format!("connect {namespace}"),
        },
        Output::Event(Event::Event {
            namespace,
            name,
            args,
            ack,
        }) => {
            let ack = ack.map(|id| format!(" ack {id}")).unwrap_or_default();
            let args: Vec<&str> = args.iter().collect();
            format!(
                "event {namespace} {} {}{ack}",
                name.as_str(),
                args.join(" ")
            )
        }
        Output::Event(Event::Ack {
            namespace,
            id,
            args,
        }) => {
            let args: Vec<&str> = args.iter().collect();
            format!("answer {namespace} {id} {}", args.join(" "))
        }
        Output::Event(Event::Disconnect { namespace }) => format!("left {namespace}"),
    }
}

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
        ("2", Json),
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

const TWO: &str =
    r#"52-["up",{"_placeholder":true,"num":1},{"a":[{"num":0,"x":1,"_placeholder":true}]}]"#;

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
        ("51-", Json),
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
    Client::joined()
        .says("51-[\"a\"]")
        .sends(b"1")
        .sends(b"2")
        .seen();
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

// R2, R4
#[test]
fn who_comes_back_gets_what_was_missed_before_the_confirmation() {
    let (root, id) = (NamespaceName::ROOT, PrivateId::new("pid"));
    let mut client = Client::open(Protocol::V5);
    client.says("0").expect(&["connect /"]);
    let accepted = client.connection.accept_recoverable(&root, "sid", &id, []);
    assert_eq!(accepted, Ok(()));
    client.expect(&[r#"S 0{"sid":"sid","pid":"pid"}"#]);

    let mut client = Client::open(Protocol::V5);
    let auth = r#"{"pid":"pid","offset":"@1"}"#;
    client.says(&format!("0{auth}"));
    client.expect(&[&format!("connect / {auth}")]);
    let missed = encode_event(&root, "news", &Args::default(), None).unwrap();
    let accepted = client
        .connection
        .accept_recoverable(&root, "sid", &id, [missed]);
    assert_eq!(accepted, Ok(()));
    client.expect(&[r#"S 2["news"]"#, r#"S 0{"sid":"sid","pid":"pid"}"#]);
    assert_eq!(
        client.connection.accept_recoverable(&root, "x", &id, []),
        Err(NotAsking)
    );
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("[a-z_]{0,8}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        name in "[a-zA-Z0-9 é\"\\\\]{0,20}",
        values in prop::collection::vec(json(), 0..4),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..4),
        ack in prop::option::of(any::<u64>()),
        custom in any::<bool>(),
    ) {
        let mut client = Client::joined();
        client.says("0/custom");
        client.accepted("/custom");
        let namespace = NamespaceName::parse(if custom { "/custom" } else { "/" }).unwrap();
        let binaries: Vec<Binary> = parts.iter().cloned().map(Binary::from).collect();
        let args = (&values, &binaries).into_args().unwrap();
        let entry = encode_event(&namespace, &name, &args, ack.map(AckId::new)).unwrap();
        client.connection.handle_message(client.now, entry.head().clone());
        for attachment in entry.attachments() {
            client.connection.handle_message(client.now, Data::Binary(attachment.clone()));
        }
        let output = client.connection.poll_output();
        let Some(Output::Event(Event::Event { namespace: at, name: called, args, ack: id })) = output
        else {
            panic!("{output:?}")
        };
        prop_assert_eq!((at, called.as_str()), (namespace.clone(), &*name));
        prop_assert_eq!(id, ack.map(AckId::new));
        prop_assert_eq!(args.get::<Vec<serde_json::Value>>(0).unwrap(), values);
        prop_assert_eq!(args.get::<Vec<Binary>>(1).unwrap(), binaries);
        let answer = encode_ack(&namespace, AckId::new(1), &args);
        prop_assert_eq!(answer.attachments(), args.attachments());
    }

    /// Whatever comes, in any order: no panic, nothing behind a close, bounded memory.
    #[test]
    fn any_sequence_keeps_the_contract(
        old in any::<bool>(),
        steps in prop::collection::vec(prop_oneof![
            "[0-6][0-9]{0,2}-?(/n,)?[0-9]{0,2}(\\[\"[a-z]{0,3}\"(,[0-9])?\\]|\\{\\}|.{0,8})".prop_map(Some),
            Just(None),
        ], 0..40),
        accepts in any::<u64>(),
    ) {
        let mut client = Client::open(if old { Protocol::V4 } else { Protocol::V5 });
        let mut closed = false;
        client.seen();
        for (index, step) in steps.iter().enumerate() {
            match step {
                Some(text) => client.says(text),
                None => client.sends(b"x"),
            };
            while let Some(output) = client.connection.poll_output() {
                prop_assert!(!closed, "{output:?} behind a close");
                closed = matches!(output, Output::Close(_));
                if let Output::Event(Event::Connect { namespace, .. }) = output {
                    if accepts >> (index % 64) & 1 == 1 {
                        client.connection.accept(&namespace, "id").unwrap();
                    } else {
                        client.connection.refuse(&namespace, "no", None);
                    }
                }
            }
        }
    }
}
