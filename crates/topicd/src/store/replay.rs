//! What a subscriber may ask to have before the live values: the request and its answer.

use std::fmt;

use super::Record;
use crate::{datetime::Timestamp, token::ThingId, topic::Key};

/// The place of a value in the order of arrival, the same for all things.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Seq(pub i64);

/// Which history the numbers of a store belong to. A copy of the store has another one: from the
/// copy on, the same number may mean another value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Epoch(pub i64);

/// Stored values that a subscriber asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayRequest {
    /// The resource; all of the thing if none.
    pub key: Option<Key>,
    /// Which of its values.
    pub start: Start,
}

/// Where a replay starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start {
    /// The newest by their datetime: so many of the thing, or of each thing of a user.
    Last(u32),
    /// What arrived after this one.
    After(Seq, Option<Epoch>),
    /// What arrived at this instant or later.
    Since(Timestamp),
}

/// The answer to a [`ReplayRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replay {
    /// The newest value of the store when this was read: all that is pushed has a higher number.
    pub seq: Seq,
    /// What the numbers belong to.
    pub epoch: Epoch,
    /// True if nothing is left out of what was asked for.
    pub is_complete: bool,
    /// Oldest first.
    pub values: Vec<Replayed>,
}

/// A stored value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replayed {
    /// Whose it is.
    pub thing: ThingId,
    /// The value.
    pub record: Record,
    /// Its number.
    pub seq: Seq,
}

impl Epoch {
    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        i64::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}
