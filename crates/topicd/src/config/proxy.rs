//! The section `[proxy]`: who may say whose request it is.

use engineio::{ForwardedHeader, Network, TrustedProxies};
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Proxies in front of the server.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ProxyConfig {
    /// Whose `X-Forwarded-For` is believed: addresses and networks. Default nobody's.
    pub trusted: Vec<String>,
}

impl ProxyConfig {
    /// The proxies, to ask who their clients are.
    ///
    /// # Errors
    ///
    /// One of them is neither an address nor a network.
    pub fn proxies(&self) -> Result<TrustedProxies, ConfigError> {
        let network = |text: &String| {
            let wrong = |_| format!("proxy.trusted: {text:?} is no network such as 10.0.0.0/8");
            text.parse().map_err(wrong).map_err(ConfigError)
        };
        let networks = self.trusted.iter().map(network);
        let networks: Vec<Network> = networks.collect::<Result<_, _>>()?;
        Ok(TrustedProxies::new(
            ForwardedHeader::XForwardedFor,
            networks,
        ))
    }
}
