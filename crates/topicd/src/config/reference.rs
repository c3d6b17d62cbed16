//! What each setting is for: one list for `topicd init`, `config default` and the documentation.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::Config;

/// One setting, as the operator is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key; what stands before the dot is the table.
    pub key: &'static str,
    /// What it does, in which unit.
    pub about: &'static str,
    /// When a change takes effect.
    pub takes_effect: TakesEffect,
}

/// When a change of a setting takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TakesEffect {
    /// At SIGHUP.
    OnReload,
    /// When the server starts anew.
    AtStart,
}

use TakesEffect::{AtStart, OnReload};

const fn setting(key: &'static str, takes_effect: TakesEffect, about: &'static str) -> Setting {
    Setting {
        key,
        about,
        takes_effect,
    }
}

/// All settings, in the order of the file.
pub const SETTINGS: &[Setting] = &[
    setting(
        "listen",
        AtStart,
        "address and port for REST, streams and Socket.IO, without TLS",
    ),
    setting(
        "data_dir",
        AtStart,
        "folder of the store; one server at a time",
    ),
    setting(
        "console",
        AtStart,
        "serves the console at `/`, a page in which users sign in",
    ),
    setting(
        "accounts.registration",
        OnReload,
        "whether anybody may register",
    ),
    setting(
        "accounts.apps",
        OnReload,
        "app ids that are accepted, besides those of `topicd app create`; if there are none at all, any is",
    ),
    setting(
        "accounts.session_days",
        OnReload,
        "days until a session token expires",
    ),
    setting(
        "accounts.idle_days",
        OnReload,
        "days until a session token expires that nobody uses; 0 is never",
    ),
    setting(
        "realtime.auth_timeout",
        OnReload,
        "seconds until a socket is closed on which nobody has logged in; 0 is never",
    ),
    setting(
        "realtime.legacy_eio",
        AtStart,
        "takes clients that name no Engine.IO revision, or 2, as 3",
    ),
    setting(
        "realtime.max_connections",
        OnReload,
        "sessions at once, and as many HTTP connections; the next one gets 503",
    ),
    setting(
        "cors.origins",
        OnReload,
        "web pages of other hosts that may use the server, as scheme, host and port; \"*\" is everybody, without credentials",
    ),
    setting(
        "limits.sessions_per_address",
        OnReload,
        "Socket.IO sessions at once from one address (IPv6: one /64), this machine excepted",
    ),
    setting(
        "limits.connections_per_address",
        OnReload,
        "HTTP connections at once from one address, WebSockets not counted, and streams; this machine and trusted proxies excepted; the next one gets 503",
    ),
    setting(
        "limits.values_per_second",
        OnReload,
        "values written with one thing token, in the long run",
    ),
    setting(
        "limits.values_burst",
        OnReload,
        "values written with one thing token at once",
    ),
    setting(
        "topics.resources",
        OnReload,
        "whether sockets may subscribe to `/me/resources/KEY`; else 403",
    ),
    setting(
        "topics.things",
        OnReload,
        "whether sockets may subscribe to `/things/THING_TOKEN`; else 403",
    ),
    setting(
        "store.keep_days",
        AtStart,
        "days that values are kept, by their datetime; 0 is for good",
    ),
    setting(
        "store.keep_values",
        AtStart,
        "values of each resource that are kept, the newest by their datetime; 0 is all",
    ),
    setting(
        "store.max_mib",
        AtStart,
        "mebibytes that the database may take; a write that needs more gets 507; 0 is what the disk has",
    ),
    setting(
        "proxy.trusted",
        OnReload,
        "addresses and networks of proxies whose X-Forwarded-For is believed, such as \"10.0.0.0/8\"",
    ),
    setting(
        "tls.listen",
        AtStart,
        "address and port for the same with TLS; empty is none",
    ),
    setting(
        "tls.certificate",
        OnReload,
        "PEM file with the certificate and those that sign it",
    ),
    setting("tls.key", OnReload, "PEM file with the certificate's key"),
    setting(
        "admin.listen",
        AtStart,
        "address and port for health, metrics and the admin API; \"auto\" is loopback on the port after `listen`'s, or any free one; \"off\" is none",
    ),
    setting(
        "admin.token_file",
        AtStart,
        "file with the token for metrics and the admin API; empty is `admin-token` in the data folder, made at the first start",
    ),
    setting(
        "shutdown.drain_seconds",
        OnReload,
        "over how long sessions are ended after SIGTERM",
    ),
    setting(
        "shutdown.deadline_seconds",
        OnReload,
        "how long the end may take in all",
    ),
    setting(
        "log.level",
        OnReload,
        "error, warn, info, debug or trace, also by target, as `info,topicd=debug`",
    ),
    setting(
        "log.format",
        AtStart,
        "text, json, or auto: text on a terminal, else json",
    ),
    setting(
        "webhooks.url",
        AtStart,
        "http or https address that is told of values written and things linked; empty is none",
    ),
    setting(
        "webhooks.secret_file",
        AtStart,
        "file with the secret that signs what is told",
    ),
    setting(
        "webhooks.authority",
        AtStart,
        "PEM file with the authorities that may sign the receiver's certificate; empty is those of the system",
    ),
];

/// The defaults as a file, each with what it is for.
pub fn commented_defaults() -> String {
    commented(&Config::default())
}

/// Settings as a file, each with what it is for.
pub fn commented(config: &Config) -> String {
    let table = Table::try_from(config).unwrap_or_default();
    let mut text = String::from("# Settings of topicd. Whatever is left out has its default.\n");
    let mut section = "";
    for setting in SETTINGS {
        let (own, key) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
        if own != section {
            let _ = write!(text, "\n[{own}]\n");
            section = own;
        }
        let value = value(&table, setting.key).map(Value::to_string);
        let _ = writeln!(text, "# {}", setting.about);
        let _ = writeln!(text, "{key} = {}", value.unwrap_or_default());
    }
    text
}

/// The rows of the documentation's table.
pub fn table_rows() -> Vec<String> {
    let table = Table::try_from(Config::default()).unwrap_or_default();
    let row = |setting: &Setting| {
        let default = match setting.key {
            // Another one on each platform.
            "data_dir" => "the platform's place for data".to_owned(),
            key => format!(
                "`{}`",
                value(&table, key).map_or_else(String::new, Value::to_string)
            ),
        };
        let (key, about) = (setting.key, setting.about);
        let reload = match setting.takes_effect {
            OnReload => "yes",
            AtStart => "no",
        };
        format!("| `{key}` | {default} | {about} | {reload} |")
    };
    SETTINGS.iter().map(row).collect()
}

/// The setting of a key.
pub(crate) fn value<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        Some((section, key)) => value(table.get(section)?.as_table()?, key),
        None => table.get(key),
    }
}

/// The same, to be replaced.
pub(crate) fn value_mut<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    match key.split_once('.') {
        Some((section, key)) => value_mut(table.get_mut(section)?.as_table_mut()?, key),
        None => table.get_mut(key),
    }
}

/// The keys of all values, with those of the tables before them.
pub(super) fn keys(table: &Table) -> Vec<String> {
    let keys = table.iter().map(|(key, value)| match value {
        Value::Table(inner) => {
            let inner = keys(inner).into_iter();
            inner.map(|name| format!("{key}.{name}")).collect()
        }
        _ => vec![key.clone()],
    });
    keys.flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_setting_is_described_and_nothing_else() {
        let own = keys(&Table::try_from(Config::default()).unwrap());
        let own: BTreeSet<_> = own.iter().map(String::as_str).collect();
        let described: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.key).collect();
        assert_eq!(own, described);
        assert_eq!(described.len(), SETTINGS.len());
    }

    #[test]
    fn the_commented_defaults_are_the_defaults() {
        let text = commented_defaults();
        let read: Config = toml::from_str(&text).unwrap();
        assert_eq!(read, Config::default(), "{text}");
    }
}
