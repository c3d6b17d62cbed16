//! Decodes what it is given, line by line, for the comparison with another implementation:
//! `tests/differential`.
//!
//! A line of the input is `{"form":"packet-4","hex":"3468690a"}`, the answer to it
//! `{"packets":[["message","text","hi\n"]],"error":false}`. Bytes are in hexadecimal.

use std::io::{self, BufRead, Write};

use bytes::Bytes;
use engineio_proto::{
    Config, Data, EngineRequest, LegacyText, Packet, PacketError, PollEncoding, PostContent,
    RequestHead, Text, Upgrade, Version,
};
use serde_json::{Value, json};

/// What was read, and whether reading ended with an error.
type Decoded = (Vec<Packet>, bool);

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let input: Value = serde_json::from_str(&line?)?;
        let bytes = bytes(input["hex"].as_str().expect("hex"));
        let (packets, error) = decode(input["form"].as_str().expect("form"), bytes);
        let packets: Vec<Value> = packets.iter().map(show).collect();
        writeln!(out, "{}", json!({ "packets": packets, "error": error }))?;
    }
    out.flush()
}

fn decode(form: &str, bytes: Bytes) -> Decoded {
    match form {
        "packet-3" => text_packet(Version::V3, bytes),
        "packet-4" => text_packet(Version::V4, bytes),
        "frame-3" => frame(Version::V3, bytes),
        "frame-4" => frame(Version::V4, bytes),
        "text-3" => payload("EIO=3&b64=1", PostContent::Text, bytes),
        "binary-3" => payload("EIO=3", PostContent::OctetStream, bytes),
        "text-4" => payload("EIO=4", PostContent::Text, bytes),
        _ => panic!("no form is named {form}"),
    }
}

fn text_packet(version: Version, bytes: Bytes) -> Decoded {
    let decoded = Text::from_utf8(bytes)
        .map_err(|_| PacketError::Utf8)
        .and_then(|text| Packet::decode_text(version, text));
    one(decoded.map(Some))
}

fn frame(version: Version, bytes: Bytes) -> Decoded {
    one(Packet::decode_binary(version, bytes))
}

fn one(decoded: Result<Option<Packet>, PacketError>) -> Decoded {
    match decoded {
        Ok(packet) => (packet.into_iter().collect(), false),
        Err(_) => (Vec::new(), true),
    }
}

fn payload(query: &str, content: PostContent, bytes: Bytes) -> Decoded {
    let decoded = encoding(query).decode(content, bytes, &mut LegacyText::RuledOut, usize::MAX);
    (decoded.packets, decoded.error.is_some())
}

/// The encoding of a session whose handshake has this query.
fn encoding(query: &str) -> PollEncoding {
    let query = format!("{query}&transport=polling");
    let head = RequestHead {
        method: "GET",
        query: &query,
        upgrade: Upgrade::None,
        origin: None,
        content_type: None,
    };
    match EngineRequest::parse(&head, &Config::default()) {
        Ok(EngineRequest::Open(open)) => open.encoding().clone(),
        other => panic!("{query} is no handshake: {other:?}"),
    }
}

fn show(packet: &Packet) -> Value {
    match packet {
        Packet::Open(text) => json!(["open", "text", text.as_str()]),
        Packet::Close => json!(["close"]),
        Packet::Ping(text) => json!(["ping", "text", text.as_str()]),
        Packet::Pong(text) => json!(["pong", "text", text.as_str()]),
        Packet::Message(Data::Text(text)) => json!(["message", "text", text.as_str()]),
        Packet::Message(Data::Binary(bytes)) => json!(["message", "bytes", hex(bytes)]),
        Packet::Upgrade => json!(["upgrade"]),
        Packet::Noop => json!(["noop"]),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Bytes {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}
