//! Lists in parts: how many entries, and behind which.

use serde::Deserialize;

/// Entries of one answer unless more or less are asked for, and the most.
const DEFAULT: u32 = 100;
const MOST: u32 = 1000;

/// The query of a list.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub(super) struct Part {
    limit: Option<u32>,
    after: i64,
}

impl Part {
    pub(super) fn limit(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT).clamp(1, MOST)
    }

    /// The number of the last entry of the part before; 0 begins.
    pub(super) fn after(&self) -> i64 {
        self.after
    }

    /// As many of a list that is sorted already.
    pub(super) fn of<T>(&self, mut list: Vec<T>) -> Vec<T> {
        list.truncate(self.limit() as usize);
        list
    }
}
