//! Decodes what it is given, line by line, for the comparison with another implementation:
//! `tests/differential`.
//!
//! A line of the input is `{"form":"packet-5","hex":"325b2261225d"}`, the answer to it
//! `{"packets":[["event","/",null,"a",[]]],"error":false}`. The arguments are raw JSON, each in a string.

use std::io::{self, BufRead, Write};

use engineio_proto::Text;
use serde_json::{Value, json};
use socketio_proto::{AckId, Args, Body, Packet, Protocol};

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let input: Value = serde_json::from_str(&line?)?;
        let bytes = bytes(input["hex"].as_str().expect("hex"));
        let text = Text::from_utf8(bytes.into()).expect("UTF-8");
        let protocol = match input["form"].as_str() {
            Some("packet-4") => Protocol::V4,
            Some("packet-5") => Protocol::V5,
            form => panic!("no form is named {form:?}"),
        };
        let packets: Vec<Value> = Packet::decode(protocol, &text).iter().map(show).collect();
        writeln!(
            out,
            "{}",
            json!({ "error": packets.is_empty(), "packets": packets })
        )?;
    }
    out.flush()
}

fn show(Packet { namespace, body }: &Packet) -> Value {
    let namespace = namespace.as_str();
    match body {
        Body::Connect(auth) => json!(["connect", namespace, auth.as_deref()]),
        Body::Disconnect => json!(["disconnect", namespace]),
        Body::Event { name, args, ack } => {
            json!(["event", namespace, number(ack), name.as_str(), raw(args)])
        }
        Body::Ack { id, args } => json!(["ack", namespace, number(id), args.as_ref().map(raw)]),
        // Its payload is not looked at: whoever sends it is wrong already.
        Body::ConnectError(_) => json!(["connect_error", namespace]),
    }
}

/// As text: JSON numbers of JavaScript are not exact.
fn number(id: &Option<AckId>) -> Option<String> {
    id.map(|id| id.to_string())
}

fn raw(args: &Args) -> Vec<&str> {
    args.iter().collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}
