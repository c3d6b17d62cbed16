//! Values: the body of a write, and the elements that readers and subscribers get.
//!
//! A value is kept as the JSON text that was sent, so that a string stays a string and no digit of
//! a number is lost.

use std::{fmt, fmt::Write as _, sync::Arc};

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{datetime::Timestamp, object::Object, store::Seq, token::ThingId, topic::Key};

/// One value as it is stored and pushed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The resource.
    pub key: Key,
    /// JSON text: a string, number, array or object.
    pub value: Arc<str>,
    /// When it was measured.
    pub datetime: Timestamp,
    /// JSON text `{"lat":…,"long":…}`.
    pub geo: Option<Arc<str>>,
}

/// Why a body is no batch of values. The peer is wrong.
#[derive(Debug)]
pub enum InvalidBatch {
    /// No JSON, or JSON of another shape; serde says which.
    Shape(serde_json::Error),
    /// No value at all.
    Empty,
    /// More than [`MAX_VALUES`].
    TooMany,
    /// A key with a character that is not allowed, or too long.
    Key,
    /// A value that is null, true or false, or nested too deep.
    Value,
    /// No datetime that we know, or too far ahead.
    Datetime,
    /// A position without numbers.
    Geo,
}

/// Most values in one write.
pub const MAX_VALUES: usize = 1000;
/// How far ahead of our clock a datetime may be.
const MAX_AHEAD_SECONDS: u64 = 24 * 60 * 60;
/// Brackets within brackets; what parses our answers may recurse.
const MAX_DEPTH: usize = 64;

/// Which keys the values of a body have.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Each value names its own.
    Own,
    /// All have that of the path.
    Given(Key),
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    values: Vec<Object<Entry<'a>>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    key: Option<String>,
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(default, deserialize_with = "present")]
    datetime: Option<String>,
    #[serde(borrow)]
    geo: Option<Object<Geo<'a>>>,
}

#[derive(Deserialize)]
struct Geo<'a> {
    #[serde(borrow)]
    lat: &'a RawValue,
    #[serde(borrow)]
    long: &'a RawValue,
}

/// Reads the body of a write: `{"values":[{"key","value"[,"datetime"][,"geo"]}]}`.
///
/// # Errors
///
/// The peer is wrong; nothing of the batch may be stored then.
pub fn parse_batch(body: &[u8], keys: &Keys, now: Timestamp) -> Result<Vec<Record>, InvalidBatch> {
    let Object(body): Object<Body<'_>> =
        serde_json::from_slice(body).map_err(InvalidBatch::Shape)?;
    match body.values.len() {
        0 => return Err(InvalidBatch::Empty),
        1..=MAX_VALUES => {}
        _ => return Err(InvalidBatch::TooMany),
    }
    let record = |Object(entry): Object<Entry<'_>>| entry.into_record(keys, now);
    body.values.into_iter().map(record).collect()
}

impl Entry<'_> {
    fn into_record(self, keys: &Keys, now: Timestamp) -> Result<Record, InvalidBatch> {
        let key = match keys {
            Keys::Given(key) => key.clone(),
            Keys::Own => self
                .key
                .as_deref()
                .and_then(Key::parse)
                .ok_or(InvalidBatch::Key)?,
        };
        Ok(Record {
            key,
            value: checked_value(self.value.get())?.into(),
            datetime: parse_datetime(self.datetime.as_deref(), now)?,
            geo: self.geo.map(|geo| geo.0.checked()).transpose()?,
        })
    }
}

impl Geo<'_> {
    /// Kept as it was sent: clients write numbers and strings.
    fn checked(&self) -> Result<Arc<str>, InvalidBatch> {
        let (lat, long) = (self.lat.get(), self.long.get());
        if !(is_coordinate(lat) && is_coordinate(long)) {
            return Err(InvalidBatch::Geo);
        }
        Ok(format!(r#"{{"lat":{lat},"long":{long}}}"#).into())
    }
}

impl Record {
    /// Writes the element as a subscriber or reader gets it. Key and value come first, compact:
    /// firmware compares the text byte by byte.
    pub fn write_element(&self, thing: Option<&ThingId>, seq: Option<Seq>, out: &mut String) {
        let (key, value, datetime) = (self.key.as_str(), &self.value, self.datetime);
        let _ = write!(
            out,
            r#"{{"key":"{key}","value":{value},"datetime":"{datetime}""#
        );
        if let Some(geo) = &self.geo {
            let _ = write!(out, r#","geo":{geo}"#);
        }
        if let Some(thing) = thing {
            let _ = write!(out, r#","thingId":"{}""#, thing.as_str());
        }
        if let Some(Seq(seq)) = seq {
            let _ = write!(out, r#","seq":{seq}"#);
        }
        out.push('}');
    }
}

/// The elements of these records as a JSON array.
pub fn elements<'a>(
    records: impl IntoIterator<Item = &'a Record>,
    thing: Option<&ThingId>,
) -> String {
    array(records, |record, out| {
        record.write_element(thing, None, out)
    })
}

/// The elements of these records as a JSON array, with the numbers of the records in them.
pub fn numbered_elements<'a>(
    records: impl IntoIterator<Item = (&'a Record, Option<&'a ThingId>, Seq)>,
) -> String {
    array(records, |(record, thing, seq), out| {
        record.write_element(thing, Some(seq), out);
    })
}

fn array<T>(items: impl IntoIterator<Item = T>, write: impl Fn(T, &mut String)) -> String {
    let mut out = String::from("[");
    for item in items {
        if out.len() > 1 {
            out.push(',');
        }
        write(item, &mut out);
    }
    out.push(']');
    out
}

impl fmt::Display for InvalidBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(error) => write!(f, "malformed values: {error}"),
            Self::Empty => f.write_str("no values"),
            Self::TooMany => write!(f, "more than {MAX_VALUES} values"),
            Self::Key => f.write_str("malformed key"),
            Self::Value => f.write_str("a value must be a string, number, array or object"),
            Self::Datetime => f.write_str("malformed datetime or one too far ahead"),
            Self::Geo => f.write_str("lat and long must be numbers"),
        }
    }
}

impl std::error::Error for InvalidBatch {}

/// A field that is null is as wrong as one of another type; only a missing one has a default.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

fn checked_value(json: &str) -> Result<&str, InvalidBatch> {
    let kind = json.bytes().next();
    let allowed = matches!(kind, Some(b'"' | b'[' | b'{' | b'-' | b'0'..=b'9'));
    if allowed && is_shallow(json) {
        Ok(json)
    } else {
        Err(InvalidBatch::Value)
    }
}

/// Whether a JSON text that is valid is not nested deeper than we take.
pub fn is_shallow(json: &str) -> bool {
    depth(json) <= MAX_DEPTH
}

/// How deep brackets are nested in a JSON text that is valid.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth = depth.saturating_add(1),
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn parse_datetime(text: Option<&str>, now: Timestamp) -> Result<Timestamp, InvalidBatch> {
    let at = match text {
        None | Some("NOW()") => return Ok(now),
        Some(text) => Timestamp::parse(text).ok_or(InvalidBatch::Datetime)?,
    };
    if at > now.plus_seconds(MAX_AHEAD_SECONDS) {
        return Err(InvalidBatch::Datetime);
    }
    Ok(at)
}

fn is_coordinate(json: &str) -> bool {
    let text = json
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(json);
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests;
