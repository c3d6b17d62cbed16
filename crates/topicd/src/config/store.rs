//! The section `[store]`: how much is kept, and for how long.

use serde::{Deserialize, Serialize};

use crate::store::Retention;

/// What is kept.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct StoreConfig {
    /// Days that values are kept, by their datetime; 0 is for good. Default 0.
    pub keep_days: u32,
    /// How many values of each resource are kept, the newest by their datetime; 0 is all. Default 0.
    pub keep_values: u32,
    /// Mebibytes that the database may take; writes that need more get 507. 0 is what the disk has.
    /// Default 0.
    pub max_mib: u32,
}

impl StoreConfig {
    /// What is taken out, if anything is.
    pub fn retention(&self) -> Option<Retention> {
        let retention = Retention {
            days: (self.keep_days > 0).then_some(self.keep_days),
            values: (self.keep_values > 0).then_some(self.keep_values),
        };
        (retention != Retention::default()).then_some(retention)
    }
}
