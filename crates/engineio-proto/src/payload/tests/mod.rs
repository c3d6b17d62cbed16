//! Payloads byte for byte, in both directions. A row of the conformance list is named by its id.

mod any_batch;
mod choice;
mod jsonp_form;
mod limits;
mod memory;
mod twice_encoded;
mod v3_binary_form;
mod v3_text_form;
mod v4_form;

use proptest::prelude::*;

use super::*;
use crate::{
    PacketError,
    fuzzing::{client_form, encoding, open},
    packet::tests::any_packet,
};

const V4: &str = "EIO=4";
const V3_TEXT: &str = "EIO=3&b64=1";
const V3_BINARY: &str = "EIO=3";
const JSONP: &str = "EIO=3&j=0";

fn message(content: &str) -> Packet {
    Packet::message(Text::from(content))
}

fn bytes(content: &'static [u8]) -> Packet {
    Packet::message(Bytes::from_static(content))
}

fn read(query: &str, content: PostContent, body: &[u8]) -> DecodedPayload {
    let body = Bytes::copy_from_slice(body);
    encoding(query).decode(content, body, &mut LegacyText::default(), 16_384)
}

fn read_text(query: &str, body: &str) -> DecodedPayload {
    read(query, PostContent::Text, body.as_bytes())
}

fn read_bytes(body: &[u8]) -> DecodedPayload {
    read(V3_BINARY, PostContent::OctetStream, body)
}

fn ok(packets: &[Packet]) -> DecodedPayload {
    DecodedPayload {
        packets: packets.to_vec(),
        error: None,
    }
}

fn broken(packets: &[Packet], error: impl Into<PayloadError>) -> DecodedPayload {
    DecodedPayload {
        packets: packets.to_vec(),
        error: Some(error.into()),
    }
}

fn written(query: &str, packets: &[Packet]) -> (ContentType, Bytes) {
    let payload = encoding(query).encode(packets);
    (payload.content_type, payload.body)
}

fn text_body(body: &str) -> (ContentType, Bytes) {
    (ContentType::Text, Bytes::copy_from_slice(body.as_bytes()))
}
