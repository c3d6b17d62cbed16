//! The settings of a server and their defaults.
//!
//! Defaults < file < `TOPICD_…` < flags. A key that we do not know is an error: a misspelt limit
//! would otherwise silently not hold. What each setting is for is in `reference.rs`; where a value
//! came from is told by `layers.rs`.

use std::{
    ffi::OsString,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize};

use crate::origin::Origins;

mod admin;
mod data_dir;
mod environment;
mod file;
mod layers;
mod log;
mod nearest;
mod optional;
mod proxy;
mod reference;
mod store;
mod topics;
mod webhooks;

pub use admin::{AdminConfig, AdminListen};
pub use data_dir::default_data_dir;
pub use layers::{Flags, Layers, Source};
pub use log::{LogConfig, LogFormat};
pub use proxy::ProxyConfig;
pub use reference::{SETTINGS, Setting, TakesEffect, commented, commented_defaults, table_rows};
pub(crate) use reference::{value, value_mut};
pub use store::StoreConfig;
pub use topics::TopicsConfig;
pub use webhooks::WebhooksConfig;

use file::File;

/// The settings of a server.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Address and port for REST, streams and Socket.IO. Default 127.0.0.1:3000.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The folder of the store. Default: the platform's place for data of programs.
    pub data_dir: PathBuf,
    /// Whether the console is served, a page at `/` in which users sign in. Default false.
    pub console: bool,
    /// Who may have an account.
    pub accounts: AccountsConfig,
    /// The Socket.IO side.
    pub realtime: RealtimeConfig,
    /// The topics that may be subscribed to.
    pub topics: TopicsConfig,
    /// What is kept.
    pub store: StoreConfig,
    /// Web pages of other hosts.
    pub cors: CorsConfig,
    /// How much one client may do.
    pub limits: LimitsConfig,
    /// Proxies in front of the server.
    pub proxy: ProxyConfig,
    /// The listener with TLS.
    pub tls: TlsConfig,
    /// The operator's listener.
    pub admin: AdminConfig,
    /// The end of the server.
    pub shutdown: ShutdownConfig,
    /// The log of the binary.
    pub log: LogConfig,
    /// Who is told of what happens.
    pub webhooks: WebhooksConfig,
}

/// Who may have an account.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AccountsConfig {
    /// Whether anybody may register. Default false.
    pub registration: bool,
    /// The app ids that are accepted; any is if there are none. Default none.
    pub apps: Vec<String>,
    /// Days until a session token expires. Default 30.
    pub session_days: u32,
    /// Days until a session token expires that nobody uses; 0 is never. Default 7.
    pub idle_days: u32,
}

/// The Socket.IO side.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RealtimeConfig {
    /// Seconds until a socket is closed on which nobody has logged in; 0 is never. Default 10.
    pub auth_timeout: u64,
    /// Takes clients that name no Engine.IO revision, or revision 2, as 3. Default true.
    pub legacy_eio: bool,
    /// Connections at once. Default 10,000.
    pub max_connections: usize,
}

/// Web pages of other hosts.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CorsConfig {
    /// Scheme, host and port as browsers send them; `*` is everybody, without credentials. Default
    /// none: only pages of our own host.
    pub origins: Vec<String>,
}

/// How much one client may do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LimitsConfig {
    /// Socket.IO sessions at once from one address. Default 200.
    pub sessions_per_address: usize,
    /// HTTP connections at once from one address, and streams. Default 200.
    pub connections_per_address: usize,
    /// Values written with one thing token, in the long run. Default 200 a second.
    pub values_per_second: u32,
    /// Values written with one thing token at once. Default 1,000, which is also the least: a batch
    /// may be as large.
    pub values_burst: u32,
}

/// The listener with TLS. It serves the same as the one without.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TlsConfig {
    /// Its address and port. Default none.
    #[serde(with = "optional::address")]
    pub listen: Option<SocketAddr>,
    /// PEM file with the certificate, and those that sign it behind it.
    #[serde(with = "optional::path")]
    pub certificate: Option<PathBuf>,
    /// PEM file with its key.
    #[serde(with = "optional::path")]
    pub key: Option<PathBuf>,
}

/// The end of the server.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ShutdownConfig {
    /// Over how long sessions are ended, so that their clients do not come back all at once.
    /// Default 10.
    pub drain_seconds: u64,
    /// How long the end may take in all. Default 30.
    pub deadline_seconds: u64,
}

/// The settings cannot be used. The operator can help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

/// Seconds.
const DAY: u64 = 24 * 60 * 60;
/// Values of one batch: what a bucket holds at least.
const MIN_BURST: u32 = 1000;

impl Config {
    /// The settings of a file.
    ///
    /// # Errors
    ///
    /// It is missing, or something in it is wrong.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        File::read(path).map(|file| file.config)
    }

    /// Overlays what the environment says: `TOPICD_REALTIME_AUTH_TIMEOUT` is `auth_timeout` of
    /// `[realtime]`.
    ///
    /// # Errors
    ///
    /// A value is of another type, or no setting has the name of a `TOPICD_…` variable.
    pub fn with_environment(
        self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        environment::overlay(self, variables).map(|(config, _)| config)
    }

    /// Looks for what no type can say.
    ///
    /// # Errors
    ///
    /// A value cannot be used.
    pub fn check(&self) -> Result<Origins, ConfigError> {
        let wrong = |message: String| Err(ConfigError(message));
        let tls = &self.tls;
        if tls.listen.is_some() && (tls.certificate.is_none() || tls.key.is_none()) {
            return wrong("tls.listen needs tls.certificate and tls.key".into());
        }
        let ShutdownConfig {
            drain_seconds,
            deadline_seconds,
        } = self.shutdown;
        if drain_seconds >= deadline_seconds {
            return wrong(format!(
                "shutdown.drain_seconds ({drain_seconds}) must be less than shutdown.deadline_seconds ({deadline_seconds})"
            ));
        }
        if self.limits.values_burst < MIN_BURST || self.limits.values_per_second == 0 {
            return wrong(format!(
                "limits.values_burst must be {MIN_BURST} at least, a batch may be as large, and limits.values_per_second 1"
            ));
        }
        self.log.filter()?;
        self.proxy.proxies()?;
        self.webhooks.receiver()?;
        Origins::new(&self.cors.origins)
            .map_err(|wrong| ConfigError(format!("cors.origins: {wrong:?} is no origin")))
    }

    /// The settings as a file.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }
}

impl AccountsConfig {
    /// Seconds until a session token expires.
    pub fn session_seconds(&self) -> u64 {
        u64::from(self.session_days) * DAY
    }

    /// Seconds until one expires that nobody uses, if it does.
    pub fn idle_seconds(&self) -> Option<u64> {
        (self.idle_days > 0).then(|| u64::from(self.idle_days) * DAY)
    }
}

impl RealtimeConfig {
    /// How long a socket may stay without a login; as long as it likes if none.
    pub fn auth_timeout(&self) -> Option<Duration> {
        (self.auth_timeout > 0).then(|| Duration::from_secs(self.auth_timeout))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 3000).into(),
            data_dir: default_data_dir("topicd"),
            console: false,
            accounts: AccountsConfig::default(),
            realtime: RealtimeConfig::default(),
            topics: TopicsConfig::default(),
            store: StoreConfig::default(),
            cors: CorsConfig::default(),
            limits: LimitsConfig::default(),
            proxy: ProxyConfig::default(),
            tls: TlsConfig::default(),
            admin: AdminConfig::default(),
            shutdown: ShutdownConfig::default(),
            log: LogConfig::default(),
            webhooks: WebhooksConfig::default(),
        }
    }
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            registration: false,
            apps: Vec::new(),
            session_days: 30,
            idle_days: 7,
        }
    }
}

impl Default for RealtimeConfig {
    fn default() -> Self {
        Self {
            auth_timeout: 10,
            legacy_eio: true,
            max_connections: 10_000,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            sessions_per_address: 200,
            connections_per_address: 200,
            values_per_second: 200,
            values_burst: MIN_BURST,
        }
    }
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        Self {
            drain_seconds: 10,
            deadline_seconds: 30,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    parse_address(&String::deserialize(deserializer)?)
}

fn parse_address<E: serde::de::Error>(text: &str) -> Result<SocketAddr, E> {
    let wrong = |_| E::custom(format!("{text:?} is not of the form ADDRESS:PORT"));
    text.parse().map_err(wrong)
}
