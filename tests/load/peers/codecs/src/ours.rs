//! engineio-proto and socketio-proto.

use bytes::Bytes;
use engineio_proto::{
    Config, Data, EngineRequest, Entry, LegacyText, PollEncoding, PostContent, RequestHead, Text,
    Upgrade, Version,
};
use socketio_proto::{Args, Body, IntoArgs, NamespaceName, Packet, Protocol, encode_event};

const MANY: usize = 1000;

/// The header and the name of an event; its arguments are found, not parsed.
pub fn read_event(text: &Text) -> usize {
    match Packet::decode(Protocol::V5, text) {
        Ok(Packet {
            body: Body::Event { name, args, .. },
            ..
        }) => name.as_str().len() + args.len(),
        other => panic!("no event: {other:?}"),
    }
}

/// As a WebSocket message arrives: the Engine.IO packet, then the Socket.IO packet in it.
pub fn receive_event(frame: &Text) -> usize {
    match engineio_proto::Packet::decode_text(Version::V4, frame.clone()) {
        Ok(engineio_proto::Packet::Message(Data::Text(text))) => read_event(&text),
        other => panic!("no message: {other:?}"),
    }
}

/// The first argument as a JSON value.
pub fn read_value(text: &Text) -> serde_json::Value {
    match Packet::decode(Protocol::V5, text) {
        Ok(Packet {
            body: Body::Event { args, .. },
            ..
        }) => args.get(0).expect("one argument"),
        other => panic!("no event: {other:?}"),
    }
}

/// An event from a string.
pub fn write_event(namespace: &NamespaceName, payload: &str) -> Entry {
    let args: Args = (payload,).into_args().expect("a string is JSON");
    encode_event(namespace, "echo", &args, None).expect("the name is free")
}

/// How many packets a body has.
pub fn read_payload(encoding: &PollEncoding, body: &Bytes) -> usize {
    let decoded = encoding.decode(
        PostContent::Text,
        body.clone(),
        &mut LegacyText::default(),
        MANY,
    );
    assert_eq!(decoded.error, None);
    decoded.packets.len()
}

/// The encoding of a session whose handshake has this query.
pub fn encoding(query: &str) -> PollEncoding {
    let head = RequestHead {
        method: "GET",
        query,
        upgrade: Upgrade::None,
        origin: None,
        content_type: None,
    };
    match EngineRequest::parse(&head, &Config::default()) {
        Ok(EngineRequest::Open(open)) => open.encoding().clone(),
        other => panic!("{query} is no handshake: {other:?}"),
    }
}

pub fn root() -> NamespaceName {
    NamespaceName::parse("/").expect("the root is a namespace")
}

pub fn text(text: String) -> Text {
    Text::from(text)
}
