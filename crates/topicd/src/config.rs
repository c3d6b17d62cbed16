//! Settings: their defaults, the file, the environment. Flags are applied by the command line.
//!
//! Defaults < file < `TOPICD_…` < flags. A key that we do not know is an error: a misspelt limit
//! would otherwise silently not hold.

use std::{
    ffi::OsString,
    fmt, fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::origin::Origins;

mod data_dir;
mod environment;
mod store;

pub use data_dir::default_data_dir;
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
    /// Who may have an account.
    pub accounts: AccountsConfig,
    /// The Socket.IO side.
    pub realtime: RealtimeConfig,
    /// What is kept.
    pub store: StoreConfig,
    /// Web pages of other hosts.
    pub cors: CorsConfig,
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

/// The settings cannot be used. The operator can help.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

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
        environment::overlay(self, variables)
    }

    /// Looks for what no type can say.
    ///
    /// # Errors
    ///
    /// A value cannot be used.
    pub fn check(&self) -> Result<Origins, ConfigError> {
        Origins::new(&self.cors.origins)
            .map_err(|wrong| ConfigError(format!("cors.origins: {wrong:?} is no origin")))
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

impl AccountsConfig {
    /// Whether users of an app may log in.
    pub fn accepts_app(&self, app: &str) -> bool {
        self.apps.is_empty() || self.apps.iter().any(|known| known == app)
    }

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
            accounts: AccountsConfig::default(),
            realtime: RealtimeConfig::default(),
            store: StoreConfig::default(),
            cors: CorsConfig::default(),
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
    let text = String::deserialize(deserializer)?;
    let wrong = |_| D::Error::custom(format!("{text:?} is not of the form ADDRESS:PORT"));
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
