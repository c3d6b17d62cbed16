//! Packets as a server writes them. Pure functions: the same event is the same text for every
//! client of either protocol, so a broadcast encodes once.

use std::{borrow::Cow, fmt::Write};

use engineio_proto::{Compressible, Entry, Text};

use crate::{
    AckId, ArgError, Args, NamespaceName, Offset, PacketType, PrivateId, Protocol, grammar, json,
    packet::RESERVED,
};

/// An event, with the id of the answer that is wanted, if one is.
///
/// # Errors
///
/// [`ArgError::ReservedName`] for a name that clients take for the protocol's own (SIO5 6.4).
pub fn encode_event(
    namespace: &NamespaceName,
    name: &str,
    args: &Args,
    ack: Option<AckId>,
) -> Result<Entry, ArgError> {
    if RESERVED.contains(&name) {
        return Err(ArgError::ReservedName);
    }
    let kind = match args.attachments() {
        [] => PacketType::Event,
        _ => PacketType::BinaryEvent,
    };
    let name = escaped(name);
    let end = if args.is_empty() { "\"" } else { "\"," };
    let name = ["\"", &name, end];
    Ok(with_arguments(kind, namespace, ack, name, args))
}

/// An event that carries its offset as one more argument, from which the client counts what it has
/// received (SIO5 6.7).
///
/// # Errors
///
/// As [`encode_event`].
pub fn encode_recoverable_event(
    namespace: &NamespaceName,
    name: &str,
    args: &Args,
    offset: Offset,
) -> Result<Entry, ArgError> {
    let offset = serde_json::Value::from(offset.to_string()).to_string();
    encode_event(namespace, name, &args.followed_by(&offset), None)
}

/// The same event without an offset, where it cannot go as it is: a client that counts offsets takes
/// the text that an event ends with for one, so that `null` stands behind it (SIO5 6.7). `None` if it
/// ends otherwise, and [`encode_event`] serves.
///
/// # Errors
///
/// As [`encode_event`].
pub fn encode_unrecorded_event(
    namespace: &NamespaceName,
    name: &str,
    args: &Args,
) -> Result<Option<Entry>, ArgError> {
    if !args.end_with_text() {
        return Ok(None);
    }
    encode_event(namespace, name, &args.followed_by("null"), None).map(Some)
}

/// The answer to an event.
pub fn encode_ack(namespace: &NamespaceName, id: AckId, args: &Args) -> Entry {
    let kind = match args.attachments() {
        [] => PacketType::Ack,
        _ => PacketType::BinaryAck,
    };
    with_arguments(kind, namespace, Some(id), [""; 3], args)
}

/// Confirms a namespace. Protocol 5 tells the client its socket id; in protocol 4 the client makes
/// it from the session's (SIO5 6.1, SIO4 6.1).
pub fn encode_connect(protocol: Protocol, namespace: &NamespaceName, socket_id: &str) -> Entry {
    let mut text = start(PacketType::Connect, namespace);
    if protocol == Protocol::V5 {
        text.push_str(r#"{"sid":"#);
        text.push_str(&serde_json::Value::from(socket_id).to_string());
        text.push('}');
    }
    Text::from(text).into()
}

/// Confirms a namespace to a client of protocol 5 that may come back by its private id (SIO5 6.7).
pub(crate) fn encode_recoverable_connect(
    namespace: &NamespaceName,
    socket_id: &str,
    private_id: &PrivateId,
) -> Entry {
    let (sid, pid) = (
        serde_json::Value::from(socket_id),
        serde_json::Value::from(private_id.as_str()),
    );
    let payload = format!(r#"{{"sid":{sid},"pid":{pid}}}"#);
    let packet = Entry::from(Text::from(start(PacketType::Connect, namespace) + &payload));
    // The private id lets its owner back in.
    packet.with_compressible(Compressible::No)
}

/// Refuses a namespace, with data as raw JSON. Protocol 4 carries the data alone if there is some,
/// else the message as a string (SIO4 6.1).
pub fn encode_refusal(
    protocol: Protocol,
    namespace: &NamespaceName,
    message: &str,
    data: Option<&str>,
) -> Entry {
    let message = serde_json::Value::from(message);
    let payload = match (protocol, data) {
        (Protocol::V4, Some(data)) => data.into(),
        (Protocol::V4, None) => message.to_string(),
        (Protocol::V5, Some(data)) => format!(r#"{{"message":{message},"data":{data}}}"#),
        (Protocol::V5, None) => format!(r#"{{"message":{message}}}"#),
    };
    Text::from(start(PacketType::ConnectError, namespace) + &payload).into()
}

/// Ends the client's stay in a namespace.
pub fn encode_disconnect(namespace: &NamespaceName) -> Entry {
    Text::from(start(PacketType::Disconnect, namespace)).into()
}

/// The same packet with its JSON in ASCII, every other character as `\uXXXX`: for clients of the
/// 1.x line that decode UTF-8 twice (EIO3 3.6 rule 2). Outside of strings JSON has no other
/// characters; the namespace is no JSON and stays as it is.
pub fn ascii_json(packet: &Text) -> Text {
    let head = grammar::packet(packet).map_or(0, |header| packet.len() - header.payload.len());
    let (head, json) = packet.split_at(head);
    if json.is_ascii() {
        return packet.clone();
    }
    let mut ascii = String::with_capacity(packet.len() * 2);
    ascii.push_str(head);
    json.chars()
        .for_each(|character| push_ascii(&mut ascii, character));
    ascii.into()
}

fn push_ascii(ascii: &mut String, character: char) {
    if character.is_ascii() {
        ascii.push(character);
        return;
    }
    let mut units = [0; 2];
    for unit in character.encode_utf16(&mut units) {
        write!(ascii, "\\u{unit:04x}").expect("strings take everything");
    }
}

/// Joined at once, as a buffer that is full needs no counter of its own to be shared.
fn with_arguments(
    kind: PacketType,
    namespace: &NamespaceName,
    ack: Option<AckId>,
    name: [&str; 3],
    args: &Args,
) -> Entry {
    let count = match args.attachments().len() {
        0 => String::new(),
        count => format!("{count}-"),
    };
    let ack = ack.map_or_else(String::new, |id| id.number().to_string());
    let [path, comma] = namespace.prefix();
    let [quote, name, end] = name;
    let text = [
        kind.digit(),
        &count,
        path,
        comma,
        &ack,
        "[",
        quote,
        name,
        end,
        args.list(),
        "]",
    ];
    Entry::with_attachments(text.concat().into(), args.attachments().to_vec())
}

/// What stands for a text between the quotes of JSON.
fn escaped(text: &str) -> Cow<'_, str> {
    if json::is_plain(text) {
        return text.into();
    }
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned().into()
}

fn start(kind: PacketType, namespace: &NamespaceName) -> String {
    let [path, comma] = namespace.prefix();
    [kind.digit(), path, comma].concat()
}

#[cfg(test)]
mod tests {
    use engineio_proto::Data;

    use super::*;
    use crate::{Binary, IntoArgs};

    fn text(entry: &Entry) -> &str {
        match entry.head() {
            Data::Text(text) => text,
            Data::Binary(_) => panic!("packets are text"),
        }
    }

    fn custom() -> NamespaceName {
        NamespaceName::parse("/custom").unwrap()
    }

    #[test]
    fn events_are_written_as_the_reference_writes_them() {
        let args = (1, "2", [true]).into_args().unwrap();
        let event = encode_event(&NamespaceName::ROOT, "say \"hi\"", &args, None).unwrap();
        assert_eq!(text(&event), r#"2["say \"hi\"",1,"2",[true]]"#);
        let event = encode_event(&custom(), "e", &Args::default(), Some(AckId::new(7))).unwrap();
        assert_eq!(text(&event), r#"2/custom,7["e"]"#);
        let args = (Binary("b".into()), Binary("c".into()))
            .into_args()
            .unwrap();
        let ack = encode_ack(&custom(), AckId::new(3), &args);
        let first = r#"62-/custom,3[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
        assert_eq!(text(&ack), first);
        assert_eq!(ack.attachments(), ["b", "c"]);
    }

    // R3
    #[test]
    fn a_text_at_the_end_is_not_taken_for_an_offset() {
        let unrecorded = |args: &str| {
            let args = Args::from_raw([args]).unwrap();
            encode_unrecorded_event(&NamespaceName::ROOT, "e", &args).unwrap()
        };
        assert_eq!(unrecorded("1"), None);
        assert_eq!(unrecorded(r#"["a"]"#), None);
        assert_eq!(text(&unrecorded(r#""a""#).unwrap()), r#"2["e","a",null]"#);
        let none = encode_unrecorded_event(&NamespaceName::ROOT, "e", &Args::default());
        assert_eq!(none, Ok(None));
    }

    #[test]
    fn connects_and_refusals_differ_by_protocol() {
        let accepted = encode_connect(Protocol::V5, &NamespaceName::ROOT, "abc");
        assert_eq!(text(&accepted), r#"0{"sid":"abc"}"#);
        assert_eq!(
            text(&encode_connect(Protocol::V4, &custom(), "abc")),
            "0/custom,"
        );
        let refused = |protocol, data| encode_refusal(protocol, &custom(), "no", data);
        assert_eq!(
            text(&refused(Protocol::V5, None)),
            r#"4/custom,{"message":"no"}"#
        );
        let with_data = r#"4/custom,{"message":"no","data":{"a":1}}"#;
        assert_eq!(text(&refused(Protocol::V5, Some(r#"{"a":1}"#))), with_data);
        assert_eq!(text(&refused(Protocol::V4, None)), r#"4/custom,"no""#);
        assert_eq!(
            text(&refused(Protocol::V4, Some(r#"{"a":1}"#))),
            r#"4/custom,{"a":1}"#
        );
        assert_eq!(text(&encode_disconnect(&custom())), "1/custom,");
    }

    #[test]
    fn reserved_names_are_not_sent() {
        for name in RESERVED {
            let event = encode_event(&custom(), name, &Args::default(), None);
            assert_eq!(event, Err(ArgError::ReservedName));
        }
    }

    #[test]
    fn ascii_json_means_the_same() {
        for (packet, ascii) in [
            (r#"2["é€😀","a"]"#, r#"2["\u00e9\u20ac\ud83d\ude00","a"]"#),
            // The client looks for the namespace letter by letter.
            (r#"2/café,1["é"]"#, r#"2/café,1["\u00e9"]"#),
            ("1/café,", "1/café,"),
        ] {
            assert_eq!(ascii_json(&packet.into()).as_str(), ascii);
        }
    }
}
