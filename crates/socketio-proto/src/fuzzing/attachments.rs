//! Packets and their attachments: what comes out is compared with what the text of the packet says and
//! with the bytes that were sent, and written again for a client of either protocol.
//!
//! The rules of namespaces and of other packets are checked by the other targets.

use std::collections::BTreeMap;

use bytes::Bytes;
use engineio_proto::{Data, Entry, Text};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{message, protocol, receiver::Receiver};
use crate::{
    Args, Binary, Config, Event, IntoArgs, Output, PacketError, Protocol, Violation, encode_ack,
    encode_event,
};

/// One packet, then messages. The first byte chooses protocol and limits, the rest of the first line
/// is the text of the packet, and each message begins with its kind and length.
pub fn attachments(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let mut config = Config::default();
    if choice & 2 != 0 {
        config.max_attachments = 3;
        config.max_attachment_bytes = 150;
    }
    let mut dialogue = Dialogue {
        receiver: Receiver::open(protocol(*choice), config),
        announced: None,
    };
    let end = rest.iter().position(|byte| *byte == b'\n');
    let (line, mut rest) = rest.split_at(end.unwrap_or(rest.len()));
    rest = rest.get(1..).unwrap_or_default();
    if let Ok(text) = Text::from_utf8(Bytes::copy_from_slice(line)) {
        dialogue.say(Data::Text(text));
    }
    while let Some((next, tail)) = message(rest) {
        rest = tail;
        dialogue.say(next);
    }
    dialogue.receiver.wait();
}

/// One client and the packet that it is in the middle of.
struct Dialogue {
    receiver: Receiver,
    announced: Option<Announced>,
}

/// What the text of a packet says, read without the parser.
struct Announced {
    count: usize,
    came: Vec<Bytes>,
}

impl Dialogue {
    fn say(&mut self, message: Data) {
        if self.receiver.has_closed() {
            return;
        }
        let outputs = self.receiver.take(message.clone());
        match (message, self.announced.take()) {
            (Data::Text(text), None) => self.announced = self.announcement(&text),
            (Data::Text(_), Some(_)) => closed_by(&outputs, PacketError::TextForAttachment),
            (Data::Binary(_), None) => closed_by(&outputs, PacketError::StrayAttachment),
            (Data::Binary(bytes), Some(announced)) => self.attached(announced, bytes, &outputs),
        }
    }

    fn announcement(&self, text: &str) -> Option<Announced> {
        let is_binary = text.starts_with(['5', '6']);
        assert!(
            self.receiver.has_closed() || is_binary == self.receiver.is_waiting(),
            "{text:?}"
        );
        if !self.receiver.is_waiting() {
            return None;
        }
        let (count, _) = text.get(1..)?.split_once('-').expect("a count");
        let count = count.parse().expect("a number");
        assert!((1..=self.receiver.config.max_attachments).contains(&count));
        let came = Vec::new();
        Some(Announced { count, came })
    }

    fn attached(&mut self, mut announced: Announced, bytes: Bytes, outputs: &[Output]) {
        announced.came.push(bytes);
        let size: usize = announced.came.iter().map(Bytes::len).sum();
        if size > self.receiver.config.max_attachment_bytes {
            return closed_by(outputs, PacketError::AttachmentBytes);
        }
        if announced.came.len() < announced.count {
            assert!(self.receiver.is_waiting() && outputs.is_empty());
            self.announced = Some(announced);
            return;
        }
        assert!(!self.receiver.is_waiting(), "all are there");
        match outputs {
            // The answer to nothing, a reserved name, or a namespace that it is not in.
            [] => {}
            [Output::Event(event)] => self.complete(event, &announced.came),
            _ => {
                assert!(size > 0, "nothing grows by nothing");
                closed_by(outputs, PacketError::Expansion);
            }
        }
    }

    fn complete(&self, event: &Event, came: &[Bytes]) {
        let args = arguments(event);
        assert_eq!(args.attachments(), came);
        let mut grown = args.list().len();
        for (index, raw) in args.iter().enumerate() {
            let Ok(value) = serde_json::from_str(raw) else {
                continue;
            };
            let number = placeholder(&value);
            // Nothing else is taken for one.
            if let Ok(Binary(bytes)) = args.get(index) {
                assert_eq!(number.and_then(|number| came.get(number)), Some(&bytes));
            }
            grown += referred_to(&value, came);
        }
        assert!(grown <= 2 * args.len_in_bytes(), "{grown}");
        arrives(event, &self.receiver.config);
        values_arrive(event);
    }
}

fn closed_by(outputs: &[Output], error: PacketError) {
    assert_eq!(outputs, [Output::Close(Violation::from(error))]);
}

fn arguments(event: &Event) -> &Args {
    match event {
        Event::Event { args, .. } | Event::Ack { args, .. } => args,
        other => panic!("{other:?} has no attachments"),
    }
}

fn placeholder(value: &Value) -> Option<usize> {
    if value["_placeholder"] != true {
        return None;
    }
    let number = value["num"].as_u64().expect("a placeholder has a number");
    Some(usize::try_from(number).expect("a small one"))
}

/// Bytes of everything that placeholders in a value stand for.
fn referred_to(value: &Value, came: &[Bytes]) -> usize {
    let own = placeholder(value).map_or(0, |number| came[number].len());
    let inner: usize = match value {
        Value::Array(values) => values.iter().map(|value| referred_to(value, came)).sum(),
        Value::Object(members) => members.values().map(|value| referred_to(value, came)).sum(),
        _ => 0,
    };
    own + inner
}

/// An event as we write it is the same event to a client of either protocol.
fn arrives(event: &Event, config: &Config) {
    let (namespace, entry) = match event {
        Event::Event {
            namespace,
            name,
            args,
            ack,
        } => {
            let entry = encode_event(namespace, name.as_str(), args, *ack);
            (namespace, entry.expect("no reserved name"))
        }
        Event::Ack {
            namespace,
            id,
            args,
        } => (namespace, encode_ack(namespace, *id, args)),
        other => panic!("{other:?} has no attachments"),
    };
    for protocol in [Protocol::V4, Protocol::V5] {
        // Protocol 4 has a query there.
        if protocol == Protocol::V4 && namespace.as_str().contains('?') {
            continue;
        }
        let mut receiver = Receiver::open(protocol, config.clone());
        receiver.join(namespace);
        let arrived = receiver.take_all(&entry);
        assert_eq!(arrived, [Output::Event(event.clone())]);
    }
}

/// Any value, with the bytes in it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Tree {
    Bytes(Binary),
    List(Vec<Self>),
    Members(BTreeMap<String, Self>),
    Leaf(Value),
}

/// Values that were read are written, and read again the same.
fn values_arrive(event: &Event) {
    let args = arguments(event);
    for index in 0..args.len() {
        let Ok(tree) = args.get::<Tree>(index) else {
            continue;
        };
        // What looks like a placeholder and is none that can be read is refused beside bytes.
        let Ok(written) = (&tree,).into_args() else {
            continue;
        };
        let entry: Entry = encode_event(&crate::NamespaceName::ROOT, "e", &written, None)
            .expect("no reserved name");
        let config = Config {
            max_attachments: entry.attachments().len(),
            ..Config::default()
        };
        let arrived = Receiver::open(Protocol::V5, config).take_all(&entry);
        let [Output::Event(again)] = &arrived[..] else {
            panic!("{written:?}: {arrived:?}");
        };
        assert_eq!(arguments(again).get::<Tree>(0), Ok(tree));
    }
}
