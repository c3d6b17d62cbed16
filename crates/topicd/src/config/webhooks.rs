//! The section `[webhooks]`: who is told of what happens.

use std::path::PathBuf;

use http::Uri;
use serde::{Deserialize, Serialize};

use super::{ConfigError, optional};

/// Who is told of what happens.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WebhooksConfig {
    /// Where it is told, `http://…` or `https://…`. Default nowhere.
    pub url: String,
    /// File with the secret that signs it.
    #[serde(with = "optional::path")]
    pub secret_file: Option<PathBuf>,
    /// PEM file with the authorities that sign the receiver's certificate. Default those of the
    /// system.
    #[serde(with = "optional::path")]
    pub authority: Option<PathBuf>,
}

impl WebhooksConfig {
    /// Where it is told, if it is.
    ///
    /// # Errors
    ///
    /// That is no address of a server that speaks HTTP.
    pub fn receiver(&self) -> Result<Option<Uri>, ConfigError> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let url: Option<Uri> = self.url.parse().ok();
        let is_http = |url: &Uri| {
            let known = ["http", "https"].map(Some).contains(&url.scheme_str());
            known && url.host().is_some()
        };
        let url = url.filter(is_http);
        let wrong = || {
            format!(
                "webhooks.url: {:?} is no address such as https://HOST/PATH",
                self.url
            )
        };
        url.map(Some).ok_or_else(|| ConfigError(wrong()))
    }
}
