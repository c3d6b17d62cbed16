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
    /// Where it is told, `http://…`. Default nowhere.
    pub url: String,
    /// File with the secret that signs it.
    #[serde(with = "optional::path")]
    pub secret_file: Option<PathBuf>,
}

impl WebhooksConfig {
    /// Where it is told, if it is.
    ///
    /// # Errors
    ///
    /// That is no address of a server that speaks HTTP without TLS.
    pub fn receiver(&self) -> Result<Option<Uri>, ConfigError> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let url: Option<Uri> = self.url.parse().ok();
        let is_http = |url: &Uri| url.scheme_str() == Some("http") && url.host().is_some();
        let url = url.filter(is_http);
        let wrong = || {
            format!(
                "webhooks.url: {:?} is no address such as http://HOST/PATH",
                self.url
            )
        };
        url.map(Some).ok_or_else(|| ConfigError(wrong()))
    }
}
