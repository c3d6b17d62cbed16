//! The keys of the query that belong to Engine.IO (EIO4 2.1, EIO3 3.6).
//!
//! Names are case-sensitive, of a repeated key the last value counts, everything else belongs to
//! the application.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use nom::{
    IResult, Parser, bytes::complete::tag, character::complete::digit1, combinator::all_consuming,
};

use super::{BinaryXhr, Transport};
use crate::{JsonpIndex, form};

/// The query, taken apart but not judged.
pub(super) struct Query {
    pub(super) eio: EioKey,
    pub(super) transport: Option<Transport>,
    pub(super) sid: Option<Box<str>>,
    pub(super) binary_xhr: BinaryXhr,
    pub(super) jsonp: Option<JsonpIndex>,
    pub(super) old_cache_buster: bool,
}

/// What stands behind `EIO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EioKey {
    Absent,
    Two,
    Three,
    Four,
    /// Any other value, or `EIO` more than once.
    Other,
}

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        let mut parsed = Self {
            eio: EioKey::Absent,
            transport: None,
            sid: None,
            binary_xhr: BinaryXhr::Available,
            jsonp: None,
            old_cache_buster: false,
        };
        for (key, value) in form::pairs(query.as_bytes()) {
            parsed.take(&key, &String::from_utf8_lossy(&value));
        }
        parsed
    }

    fn take(&mut self, key: &[u8], value: &str) {
        match key {
            b"EIO" => self.eio = self.eio.then(value),
            b"transport" => self.transport = transport(value),
            b"sid" => self.sid = (!value.is_empty()).then(|| value.into()),
            b"b64" => self.binary_xhr = binary_xhr(value),
            b"j" => self.jsonp = Some(JsonpIndex::from_query(value)),
            b"t" => self.old_cache_buster = old_cache_buster(value).is_ok(),
            _ => {}
        }
    }
}

impl EioKey {
    /// A second `EIO` is refused: it would be a guess which one the client speaks.
    fn then(self, value: &str) -> Self {
        match (self, value) {
            (Self::Absent, "2") => Self::Two,
            (Self::Absent, "3") => Self::Three,
            (Self::Absent, "4") => Self::Four,
            _ => Self::Other,
        }
    }
}

fn transport(value: &str) -> Option<Transport> {
    [Transport::Polling, Transport::WebSocket]
        .into_iter()
        .find(|known| known.as_str() == value)
}

/// Any value says that there is none, even `0`.
fn binary_xhr(value: &str) -> BinaryXhr {
    if value.is_empty() {
        BinaryXhr::Available
    } else {
        BinaryXhr::Missing
    }
}

/// `1*DIGIT "-" 1*DIGIT`: clients up to 1.3 send time and counter; later ones a short id.
fn old_cache_buster(value: &str) -> IResult<&str, (&str, &str, &str)> {
    all_consuming((digit1, tag("-"), digit1)).parse(value)
}
