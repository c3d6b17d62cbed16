//! socketioxide-parser-common and engineioxide-core.

use bytes::Bytes;
use engineioxide_core::{ProtocolVersion, Str, payload};
use futures_util::{FutureExt, StreamExt};
use http_body_util::Full;
use socketioxide_core::{
    Value,
    packet::{Packet, PacketData},
    parser::{Parse, ParseConfig, ParserState},
};
use socketioxide_parser_common::CommonParser;

const MANY_BYTES: u64 = 1_000_000;

/// The header and the name of an event.
pub fn read_event(config: &ParseConfig, state: &ParserState, text: &Str) -> usize {
    let value = event(config, state, text);
    CommonParser.read_event(&value).expect("a name").len()
}

/// The first argument as a JSON value.
pub fn read_value(config: &ParseConfig, state: &ParserState, text: &Str) -> serde_json::Value {
    let mut value = event(config, state, text);
    let (argument,): (serde_json::Value,) = CommonParser
        .decode_value(&mut value, true)
        .expect("one argument");
    argument
}

/// An event from a string.
pub fn write_event(payload: &str) -> Value {
    let value = CommonParser
        .encode_value(payload, Some("echo"))
        .expect("a string is JSON");
    CommonParser.encode(Packet::event("/", value))
}

/// How many packets a body has.
pub fn read_payload(version: ProtocolVersion, body: &Bytes) -> usize {
    let packets = payload::decoder(Full::new(body.clone()), None, version, MANY_BYTES);
    let packets: Vec<_> = packets.collect().now_or_never().expect("the body is there");
    packets
        .into_iter()
        .map(|packet| packet.expect("a packet"))
        .count()
}

fn event(config: &ParseConfig, state: &ParserState, text: &Str) -> Value {
    match CommonParser
        .decode_str(config, state, text.clone())
        .expect("a packet")
        .inner
    {
        PacketData::Event(value, _) => value,
        other => panic!("no event: {other:?}"),
    }
}
