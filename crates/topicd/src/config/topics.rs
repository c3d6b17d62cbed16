//! The section `[topics]`: which forms of topics sockets may subscribe to.

use serde::{Deserialize, Serialize};

use crate::topic::Topic;

/// The forms of topics that sockets may subscribe to. One that is switched off is refused with 403.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TopicsConfig {
    /// `/me/resources/KEY`. Default true.
    pub resources: bool,
    /// `/things/THING_TOKEN`, in which the secret is part of the topic. Default true.
    pub things: bool,
}

impl TopicsConfig {
    pub(crate) fn allow(&self, topic: &Topic) -> bool {
        match topic {
            Topic::Resource(_) => self.resources,
            Topic::Thing(_) => self.things,
        }
    }
}

impl Default for TopicsConfig {
    fn default() -> Self {
        Self {
            resources: true,
            things: true,
        }
    }
}
