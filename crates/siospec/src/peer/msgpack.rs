//! As much MessagePack as packets of the msgpack parser need, written and read by hand.

use serde_json::{Map, Value};

/// The shortest encoding of `value`. Only the integers and lengths that cases use are supported:
/// anything larger than 255 or negative is cut to its last byte.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put(value, &mut out);
    out
}

fn put(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xc0),
        Value::Bool(false) => out.push(0xc2),
        Value::Bool(true) => out.push(0xc3),
        Value::Number(number) => match number.as_u64().unwrap_or_default() as u8 {
            small @ ..=0x7f => out.push(small),
            large => out.extend([0xcc, large]),
        },
        Value::String(text) => {
            out.extend([0xd9, text.len() as u8]);
            out.extend(text.as_bytes());
        }
        Value::Array(items) => {
            out.push(0x90 | (items.len() as u8 & 0xf));
            items.iter().for_each(|item| put(item, out));
        }
        Value::Object(map) => {
            out.push(0x80 | (map.len() as u8 & 0xf));
            for (key, item) in map {
                put(&Value::String(key.clone()), out);
                put(item, out);
            }
        }
    }
}

/// The value `bytes` consist of; binary becomes hex digits, extensions become null.
pub(crate) fn decode(bytes: &[u8]) -> Option<Value> {
    let (value, rest) = take(bytes)?;
    rest.is_empty().then_some(value)
}

fn take(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0..=0x7f => Some((first.into(), rest)),
        0x80..=0x8f => take_map(usize::from(first & 0xf), rest),
        0x90..=0x9f => take_array(usize::from(first & 0xf), rest),
        0xa0..=0xbf => take_text(usize::from(first & 0x1f), rest),
        0xc0 => Some((Value::Null, rest)),
        0xc2 | 0xc3 => Some(((first == 0xc3).into(), rest)),
        0xc4 => {
            let (length, rest) = take_number(1, rest)?;
            let (bytes, rest) = rest.split_at_checked(length)?;
            Some((
                bytes
                    .iter()
                    .map(|b| format!("{b:02x}"))
                    .collect::<String>()
                    .into(),
                rest,
            ))
        }
        0xcc..=0xcf => {
            let (number, rest) = take_number(1 << (first - 0xcc), rest)?;
            Some((number.into(), rest))
        }
        0xd4 => Some((Value::Null, rest.get(2..)?)),
        0xd9 | 0xda => {
            let (length, rest) = take_number(usize::from(first - 0xd8), rest)?;
            take_text(length, rest)
        }
        0xdc => take_number(2, rest).and_then(|(count, rest)| take_array(count, rest)),
        0xde => take_number(2, rest).and_then(|(count, rest)| take_map(count, rest)),
        0xe0.. => Some(((first as i8).into(), rest)),
        _ => None,
    }
}

/// A big-endian number of `width` bytes.
fn take_number(width: usize, bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(width)?;
    Some((
        digits
            .iter()
            .fold(0, |number, digit| number << 8 | usize::from(*digit)),
        rest,
    ))
}

fn take_text(length: usize, bytes: &[u8]) -> Option<(Value, &[u8])> {
    let (text, rest) = bytes.split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?.into(), rest))
}

fn take_array(count: usize, mut bytes: &[u8]) -> Option<(Value, &[u8])> {
    let mut items = Vec::new();
    for _ in 0..count {
        let (item, rest) = take(bytes)?;
        items.push(item);
        bytes = rest;
    }
    Some((items.into(), bytes))
}

fn take_map(count: usize, mut bytes: &[u8]) -> Option<(Value, &[u8])> {
    let mut map = Map::new();
    for _ in 0..count {
        let (key, rest) = take(bytes)?;
        let (item, rest) = take(rest)?;
        map.insert(key.as_str()?.to_owned(), item);
        bytes = rest;
    }
    Some((map.into(), bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn packets_survive_a_round_trip() {
        let packet = json!({"type": 2, "nsp": "/", "id": 200, "data": ["a", null, true, {"b": 1}]});
        let bytes = encode(&packet);
        assert_eq!(decode(&bytes), Some(packet));
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn what_notepack_writes_is_read() {
        // {"type":0,"data":{"sid":"x","pid":undefined}} with short strings and an extension.
        let bytes = b"\x82\xa4type\x00\xa4data\x82\xa3sid\xa1x\xa3pid\xd4\x00\x00";
        let expected = json!({"type": 0, "data": {"sid": "x", "pid": null}});
        assert_eq!(decode(bytes), Some(expected));
        assert_eq!(decode(b"\xc4\x02\x01\xff"), Some(json!("01ff")));
        assert_eq!(decode(b"\xcd\x01\x00"), Some(json!(256)));
    }
}
