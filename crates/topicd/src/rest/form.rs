//! Form bodies with bracket nesting, as pages of jQuery send them, turned into JSON text:
//! `values[0][key]=LED&values[0][value]=ON`. All values are strings.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use serde_json::{Map, Value};

/// Brackets behind a name. Enough for `values[0][geo][lat]` and an object as a value.
const MAX_DEPTH: usize = 8;
/// Fields of one form.
const MAX_FIELDS: usize = 8192;

/// The peer is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InvalidForm {
    Encoding,
    Brackets,
    NoValue,
    TooMany,
    Conflict,
}

/// A list is a node whose names are all numbers.
enum Node {
    Text(String),
    Branch(BTreeMap<Segment, Self>),
}

/// Numbers sort as numbers, so that a list keeps its order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Index(usize),
    Name(String),
}

/// Reads a form.
pub(crate) fn to_json(body: &[u8]) -> Result<Bytes, InvalidForm> {
    let body = std::str::from_utf8(body).map_err(|_| InvalidForm::Encoding)?;
    let mut root = Node::Branch(BTreeMap::new());
    let fields = body.trim().split('&').filter(|field| !field.is_empty());
    for (count, field) in fields.enumerate() {
        if count >= MAX_FIELDS {
            return Err(InvalidForm::TooMany);
        }
        let (name, value) = field.split_once('=').ok_or(InvalidForm::NoValue)?;
        root.insert(&segments(&decode(name)?)?, decode(value)?)?;
    }
    Ok(root.into_json().to_string().into())
}

impl Node {
    fn insert(&mut self, path: &[Segment], value: String) -> Result<(), InvalidForm> {
        let (Self::Branch(children), Some((first, rest))) = (self, path.split_first()) else {
            return Err(InvalidForm::Conflict);
        };
        if rest.is_empty() {
            return match children.insert(first.clone(), Self::Text(value)) {
                None => Ok(()),
                Some(_) => Err(InvalidForm::Conflict),
            };
        }
        let child = children.entry(first.clone());
        child
            .or_insert_with(|| Self::Branch(BTreeMap::new()))
            .insert(rest, value)
    }

    fn into_json(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text),
            Self::Branch(children) if is_list(&children) => {
                children.into_values().map(Self::into_json).collect()
            }
            Self::Branch(children) => {
                let fields = children.into_iter();
                let field = |(name, child): (Segment, Self)| (name.to_string(), child.into_json());
                Value::Object(fields.map(field).collect::<Map<_, _>>())
            }
        }
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text.parse() {
            Ok(index) => Self::Index(index),
            Err(_) => Self::Name(text.to_owned()),
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for InvalidForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "the form's encoding",
            Self::Brackets => "the brackets of a form field",
            Self::NoValue => "neither JSON nor a form: a field has no =",
            Self::TooMany => "too many form fields",
            Self::Conflict => "form fields that contradict each other",
        })
    }
}

fn is_list(children: &BTreeMap<Segment, Node>) -> bool {
    !children.is_empty()
        && children
            .keys()
            .all(|name| matches!(name, Segment::Index(_)))
}

/// `a[b][0]` is `a`, `b`, `0`.
fn segments(name: &str) -> Result<Vec<Segment>, InvalidForm> {
    let (first, rest) = name.split_at(name.find('[').unwrap_or(name.len()));
    let mut segments = vec![Segment::Name(first.to_owned())];
    let mut rest = rest;
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (inner, behind) = inner.ok_or(InvalidForm::Brackets)?;
        segments.push(Segment::parse(inner));
        rest = behind;
    }
    (segments.len() <= MAX_DEPTH)
        .then_some(segments)
        .ok_or(InvalidForm::Brackets)
}

fn decode(text: &str) -> Result<String, InvalidForm> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = rest.next().and_then(hex).ok_or(InvalidForm::Encoding)?;
                let low = rest.next().and_then(hex).ok_or(InvalidForm::Encoding)?;
                high << 4 | low
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| InvalidForm::Encoding)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(form: &str) -> Result<String, InvalidForm> {
        let text = to_json(form.as_bytes())?;
        Ok(String::from_utf8(text.to_vec()).unwrap())
    }

    #[test]
    fn brackets_nest() {
        let form = "values[0][key]=LED&values[0][value]=ON&values[1][key]=b&values[1][value]=2";
        let expected = r#"{"values":[{"key":"LED","value":"ON"},{"key":"b","value":"2"}]}"#;
        assert_eq!(json(form).unwrap(), expected);
        let escaped = "values%5B0%5D%5Bvalue%5D=a+b%26c";
        assert_eq!(json(escaped).unwrap(), r#"{"values":[{"value":"a b&c"}]}"#);
        assert_eq!(
            json("email=a%40b&app=x").unwrap(),
            r#"{"app":"x","email":"a@b"}"#
        );
    }

    #[test]
    fn a_list_keeps_the_order_of_its_numbers() {
        let form = "v[10]=c&v[2]=b&v[1]=a";
        assert_eq!(json(form).unwrap(), r#"{"v":["a","b","c"]}"#);
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(json("a[=1"), Err(InvalidForm::Brackets));
        assert_eq!(json("a[0]b=1"), Err(InvalidForm::Brackets));
        assert_eq!(
            json(&format!("a{}=1", "[0]".repeat(9))),
            Err(InvalidForm::Brackets)
        );
        assert_eq!(json("garbage"), Err(InvalidForm::NoValue));
        assert_eq!(json("a=1&b"), Err(InvalidForm::NoValue));
        assert_eq!(json("a=%f"), Err(InvalidForm::Encoding));
        assert_eq!(json("a=%ff"), Err(InvalidForm::Encoding));
        assert_eq!(json("a=1&a=2"), Err(InvalidForm::Conflict));
        assert_eq!(json("a=1&a[b]=2"), Err(InvalidForm::Conflict));
        assert_eq!(
            json(&"a=&".repeat(MAX_FIELDS + 1)),
            Err(InvalidForm::Conflict)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body: Vec<u8>) {
            let _ = to_json(&body);
        }

        #[test]
        fn brackets_everywhere(body in "[ab0-9\\[\\]=&%+]{0,60}") {
            let _ = json(&body);
        }
    }
}
