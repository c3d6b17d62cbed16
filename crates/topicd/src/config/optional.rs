//! Settings that may be off: an empty text in the file, nothing in here. So each setting is in the
//! defaults, and the environment can set what the file leaves off.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Deserializer, Serializer};

/// A path or none.
pub(super) mod path {
    use super::*;

    pub(in crate::config) fn serialize<S: Serializer>(
        path: &Option<PathBuf>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let path = path.as_ref().map(|path| path.to_string_lossy());
        serializer.serialize_str(path.as_deref().unwrap_or(""))
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PathBuf>, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok((!text.is_empty()).then(|| text.into()))
    }
}

/// An address with its port, or none.
pub(super) mod address {
    use super::*;
    use crate::config::parse_address;

    pub(in crate::config) fn serialize<S: Serializer>(
        address: &Option<SocketAddr>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = address.map(|address| address.to_string());
        serializer.serialize_str(&text.unwrap_or_default())
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SocketAddr>, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "" => Ok(None),
            text => parse_address(text).map(Some),
        }
    }
}
