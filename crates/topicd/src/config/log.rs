//! The section `[log]`: what is logged, and how a line looks.

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::ConfigError;

/// The log of the binary.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LogConfig {
    /// The level, also by target. Default `info`.
    pub level: String,
    /// How a line looks. Default `auto`.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl LogConfig {
    /// What the log lets through.
    ///
    /// # Errors
    ///
    /// `log.level` is none.
    pub fn filter(&self) -> Result<EnvFilter, ConfigError> {
        let level = &self.level;
        EnvFilter::try_new(level)
            .map_err(|error| ConfigError(format!("log.level: {level:?} is no level ({error})")))
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Auto,
        }
    }
}
