//! What holds for whatever comes.

use proptest::prelude::*;

use super::*;
use crate::{Binary, IntoArgs, encode_ack, encode_event};

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

    /// Every prefix of an event is an error, or waits for attachments: never another event.
    #[test]
    fn no_prefix_of_an_event_is_an_event(
        name in "[a-zA-Z0-9 é]{0,8}",
        values in prop::collection::vec(json(), 0..3),
        part in prop::option::of("[a-z]{0,4}"),
        ack in prop::option::of(any::<u64>()),
    ) {
        let binary = part.map(|part| Binary::from(part.into_bytes()));
        let args = match binary {
            Some(binary) => (&values, binary).into_args().unwrap(),
            None => (&values,).into_args().unwrap(),
        };
        let entry = encode_event(&NamespaceName::ROOT, &name, &args, ack.map(AckId::new)).unwrap();
        let Data::Text(text) = entry.head() else { panic!("packets are text") };
        for (end, _) in text.char_indices() {
            let mut client = Client::joined();
            client.says(&text[..end]);
            let output = client.connection.poll_output();
            prop_assert!(matches!(output, Some(Output::Close(_))), "{} {output:?}", &text[..end]);
        }
    }

    /// Whatever comes, in any order: no panic, nothing behind a close, no event of a namespace that
    /// the client is not in, no question about one while another waits for its answer.
    #[test]
    fn any_sequence_keeps_the_contract(
        old in any::<bool>(),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut client = Client::open(if old { Protocol::V4 } else { Protocol::V5 });
        let (mut asking, mut joined, mut closed) = (Vec::new(), Vec::new(), false);
        for step in steps {
            match step {
                Step::Says(text) => drop(client.says(&text)),
                Step::Sends => drop(client.sends(b"x")),
                Step::Waits(seconds) => drop(client.waits(Duration::from_secs(seconds))),
                Step::Accept => {
                    if let Some(namespace) = asking.pop()
                        && client.connection.accept(&namespace, "id").is_ok()
                    {
                        joined.push(namespace);
                    }
                }
                Step::Refuse => {
                    let asked = asking.pop();
                    asked.iter().for_each(|asked| client.connection.refuse(asked, "no", None));
                }
                Step::Disconnect => {
                    let left = joined.pop();
                    left.iter().for_each(|left| client.connection.disconnect(left));
                }
            }
            while let Some(output) = client.connection.poll_output() {
                prop_assert!(!closed, "{output:?} behind a close");
                match output {
                    Output::Close(_) => closed = true,
                    Output::Send(_) => {}
                    Output::Event(Event::Connect { namespace, .. }) => {
                        prop_assert!(!asking.contains(&namespace), "{namespace} asked twice");
                        asking.push(namespace);
                    }
                    Output::Event(Event::Event { namespace, .. } | Event::Ack { namespace, .. }) => {
                        prop_assert!(joined.contains(&namespace), "{namespace}");
                    }
                    Output::Event(Event::Disconnect { namespace }) => {
                        prop_assert!(joined.contains(&namespace), "{namespace}");
                        joined.retain(|other| *other != namespace);
                    }
                }
            }
            for namespace in &joined {
                prop_assert_eq!(client.connection.is_joined(namespace), !closed);
            }
            prop_assert!(!closed || client.connection.poll_timeout().is_none());
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Says(String),
    Sends,
    Waits(u64),
    Accept,
    Refuse,
    Disconnect,
}

fn step() -> impl Strategy<Value = Step> {
    let packet = "[0-6][0-9]{0,2}-?(/n,)?[0-9]{0,2}(\\[\"[a-z]{0,3}\"(,[0-9])?\\]|\\{\\}|.{0,8})";
    prop_oneof![
        4 => "[0123](/[nm],)?".prop_map(Step::Says),
        4 => "([23]|51-|61-)(/[nm],)?[0-9]?\\[\"a\"\\]".prop_map(Step::Says),
        1 => packet.prop_map(Step::Says),
        2 => Just(Step::Sends),
        1 => (0..6_u64).prop_map(Step::Waits),
        4 => Just(Step::Accept),
        1 => Just(Step::Refuse),
        1 => Just(Step::Disconnect),
    ]
}
