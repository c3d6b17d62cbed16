//! Settings: their defaults, the file, the environment. Flags are applied by the command line.
//!
//! Defaults < file < `TOPICD_…` < flags. A key that we do not know is an error: a misspelt limit
//! would otherwise silently not hold. What each setting is for is in `reference.rs`; where a value
//! came from is told by `layers.rs`.

use std::{
    ffi::OsString,
    fmt, fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use engineio::{ForwardedHeader, Network, TrustedProxies};
use http::Uri;
use serde::{Deserialize, Deserializer, Serialize};
use tracing_subscriber::EnvFilter;

use crate::origin::Origins;

mod admin;
mod data_dir;
mod environment;
mod layers;
mod optional;
mod reference;
mod store;

pub use admin::{AdminConfig, AdminListen};
pub use data_dir::default_data_dir;
pub use layers::{Flags, Layers, Source};
pub use reference::{SETTINGS, Setting, TakesEffect, commented, commented_defaults, table_rows};
pub(crate) use reference::{value, value_mut};
pub use store::StoreConfig;

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
    /// Values written with one thing token, in the long run. Default 200 a second.
    pub values_per_second: u32,
    /// Values written with one thing token at once. Default 1,000, which is also the least: a batch
    /// may be as large.
    pub values_burst: u32,
}

/// Proxies in front of the server.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ProxyConfig {
    /// Whose `X-Forwarded-For` is believed: addresses and networks. Default nobody's.
    pub trusted: Vec<String>,
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

/// The settings cannot be used. The operator can help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

/// Values of one batch: what a bucket holds at least.
const MIN_BURST: u32 = 1000;

impl Config {
    /// The settings of a file.
    ///
    /// # Errors
    ///
    /// It is missing, or something in it is wrong.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display();
        let text =
            fs::read_to_string(path).map_err(|error| ConfigError(unreadable(path, &error)))?;
        Self::from_toml(&text)
            .map_err(|(line, message)| ConfigError(format!("{name}, line {line}: {message}")))
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
        self.log_filter()?;
        self.proxy.proxies()?;
        self.webhooks.receiver()?;
        Origins::new(&self.cors.origins)
            .map_err(|wrong| ConfigError(format!("cors.origins: {wrong:?} is no origin")))
    }

    /// What the log lets through.
    ///
    /// # Errors
    ///
    /// `log.level` is none.
    pub fn log_filter(&self) -> Result<EnvFilter, ConfigError> {
        let level = &self.log.level;
        EnvFilter::try_new(level)
            .map_err(|error| ConfigError(format!("log.level: {level:?} is no level ({error})")))
    }

    /// The settings as a file.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }

    fn from_toml(text: &str) -> Result<Self, (usize, String)> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or("");
            let line = before.matches('\n').count();
            let key = text.lines().nth(line).and_then(|line| line.split_once('='));
            let message = with_hint(error.message());
            let message = match key {
                // Such a message names the key already.
                Some((key, _)) if !message.starts_with("unknown key") => {
                    format!("{}: {message}", key.trim())
                }
                _ => message,
            };
            (line + 1, message)
        })
    }
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

impl AccountsConfig {
    /// Seconds until a session token expires.
    pub fn session_seconds(&self) -> u64 {
        u64::from(self.session_days) * 24 * 60 * 60
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

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Auto,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

fn unreadable(path: &Path, error: &io::Error) -> String {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "; `topicd config default` prints one to begin with",
        _ => "",
    };
    format!("cannot read {}: {error}{hint}", path.display())
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    parse_address(&String::deserialize(deserializer)?)
}

fn parse_address<E: serde::de::Error>(text: &str) -> Result<SocketAddr, E> {
    let wrong = |_| E::custom(format!("{text:?} is not of the form ADDRESS:PORT"));
    text.parse().map_err(wrong)
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or(message)
}

/// Adds the key that was probably meant.
fn with_hint(message: &str) -> String {
    let message = first_line(message);
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names
        .next()
        .filter(|_| message.starts_with("unknown field"));
    let near = unknown.and_then(|unknown| nearest(unknown, names));
    match (unknown, near) {
        (Some(unknown), Some(near)) => format!("unknown key {unknown:?}, did you mean {near:?}?"),
        (Some(unknown), None) => format!("unknown key {unknown:?}"),
        _ => message.to_owned(),
    }
}

/// The name that was probably meant, if there is one.
fn nearest<'a>(unknown: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, near) = names.map(|name| (distance(unknown, name), name)).min()?;
    (distance <= 3).then_some(near)
}

/// Insertions, deletions and replacements between two words.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> (usize, String) {
        Config::from_toml(text).unwrap_err()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_its_neighbour() {
        let text = "listen = \"127.0.0.1:1\"\n\n[realtime]\nauth_timout = 3\n";
        let message = "unknown key \"auth_timout\", did you mean \"auth_timeout\"?";
        assert_eq!(error(text), (4, message.into()));
        assert_eq!(error("colour = 1").1, "unknown key \"colour\"");
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        assert_eq!(error("\nlisten = 3000").0, 2);
        assert_eq!(error("[accounts]\nsession_days = -1").0, 2);
        assert_eq!(error("listen = ").0, 1);
        let message = "listen: \"nowhere\" is not of the form ADDRESS:PORT";
        assert_eq!(error("\nlisten = \"nowhere\""), (2, message.into()));
        let (_, message) = error("[accounts]\nsession_days = -1");
        assert!(message.starts_with("session_days: "), "{message}");
    }

    #[test]
    fn the_defaults_are_a_file_that_is_read_back() {
        let config = Config::default();
        assert_eq!(Config::from_toml(&config.to_toml()), Ok(config));
    }

    #[test]
    fn distances() {
        assert_eq!(distance("lisen", "listen"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
