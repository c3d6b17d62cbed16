//! Settings from the environment: `TOPICD_REALTIME_AUTH_TIMEOUT` is `auth_timeout` of `[realtime]`.
//!
//! Owns the names. A `TOPICD_…` that is no setting is an error, as an unknown key of the file is;
//! what Kubernetes sets in every container beside a service whose name begins with `topicd` is not
//! ours and passes.

use std::{collections::BTreeMap, ffi::OsString};

use toml::{Table, Value};

use super::{Config, ConfigError, file::first_line, nearest::nearest, reference};

const PREFIX: &str = "TOPICD_";
/// What the command line reads itself: the file with settings.
const NO_SETTINGS: [&str; 1] = ["TOPICD_CONFIG"];
/// Short for the level of the log.
const LOG: (&str, &str) = ("TOPICD_LOG", "TOPICD_LOG_LEVEL");

/// Overlays what the variables say, and tells the keys that were set with the variables' names.
pub(super) fn overlay(
    config: Config,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Config, Vec<(String, String)>), ConfigError> {
    let ours = |(name, text): (OsString, OsString)| Some((name.into_string().ok()?, text));
    // Sorted, so that of several errors always the same one is told.
    let ours: BTreeMap<_, _> = variables.into_iter().filter_map(ours).collect();
    let (mut config, mut set) = (config, Vec::new());
    for (name, text) in &ours {
        if !name.starts_with(PREFIX) || NO_SETTINGS.contains(&name.as_str()) {
            continue;
        }
        let text = text.to_str().ok_or_else(|| wrong(name, "no Unicode"))?;
        match replace(&config, name, text) {
            Ok((changed, key)) => {
                config = changed;
                set.push((key, name.clone()));
            }
            Err(Unset::Unknown(_)) if is_service_link(name, text) => {}
            Err(Unset::Unknown(error) | Unset::Wrong(error)) => return Err(error),
        }
    }
    Ok((config, set))
}

/// Why a variable sets nothing.
enum Unset {
    Unknown(ConfigError),
    Wrong(ConfigError),
}

/// The settings with one value replaced, by one of the same type, and its key.
fn replace(config: &Config, name: &str, text: &str) -> Result<(Config, String), Unset> {
    let failed = |message: &str| Unset::Wrong(wrong(name, message));
    let mut table = Table::try_from(config).map_err(|error| failed(&error.to_string()))?;
    let full = if name == LOG.0 { LOG.1 } else { name };
    let keys = reference::keys(&table);
    let key = keys.iter().find(|key| variable(key) == full);
    let setting = key.and_then(|key| Some((key, reference::value_mut(&mut table, key)?)));
    let (key, setting) = setting.ok_or_else(|| Unset::Unknown(unknown(name, &keys)))?;
    *setting = read_as(setting, text)
        .ok_or_else(|| failed(&format!("{text:?} is no {}", setting.type_str())))?;
    let config = table.try_into();
    let config = config.map_err(|error: toml::de::Error| failed(first_line(error.message())))?;
    Ok((config, key.clone()))
}

/// The variable of a setting.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "_"))
}

/// Variables that Kubernetes sets for a service named `topicd`, `topicd-admin` and so on:
/// `TOPICD_SERVICE_HOST`, `TOPICD_PORT=tcp://…`, `TOPICD_PORT_3000_TCP_ADDR`.
fn is_service_link(name: &str, text: &str) -> bool {
    let is_url = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    let is_protocol = |word: &str| ["TCP", "UDP", "SCTP"].contains(&word);
    let words: Vec<_> = name.split('_').collect();
    match words.as_slice() {
        [.., "SERVICE", "HOST"] | [.., "SERVICE", "PORT"] => true,
        [.., "PORT", number, protocol] if is_protocol(protocol) => {
            is_url && number.parse::<u16>().is_ok()
        }
        [.., "PORT", number, protocol, "PROTO" | "PORT" | "ADDR"] if is_protocol(protocol) => {
            number.parse::<u16>().is_ok()
        }
        [.., "PORT"] => is_url,
        // The port of a service that has a name: TOPICD_SERVICE_PORT_HTTP=3000.
        _ => name.contains("_SERVICE_PORT_") && text.parse::<u16>().is_ok(),
    }
}

fn read_as(current: &Value, text: &str) -> Option<Value> {
    match current {
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Array(_) => {
            let parts = text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty());
            Some(Value::Array(parts.map(Value::from).collect()))
        }
        _ => Some(text.into()),
    }
}

fn wrong(name: &str, what: &str) -> ConfigError {
    ConfigError(format!("{name}: {what}"))
}

fn unknown(name: &str, keys: &[String]) -> ConfigError {
    let variables: Vec<_> = keys.iter().map(|key| variable(key)).collect();
    let known = variables.iter().map(String::as_str).chain(NO_SETTINGS);
    ConfigError(match nearest(name, known) {
        Some(near) => format!("unknown variable {name}, did you mean {near}?"),
        None => format!("unknown variable {name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables = variables
            .iter()
            .map(|&(name, text)| (name.into(), text.into()));
        Config::default().with_environment(variables)
    }

    fn error(name: &str, text: &str) -> String {
        with(&[(name, text)]).unwrap_err().0
    }

    #[test]
    fn the_environment_overlays() {
        let config = with(&[
            ("HOME", "/"),
            ("TOPICD_LOG", "debug"),
            ("TOPICD_LISTEN", "127.0.0.1:9"),
            ("TOPICD_REALTIME_AUTH_TIMEOUT", "0"),
            (
                "TOPICD_CORS_ORIGINS",
                "https://a.example, https://b.example",
            ),
        ])
        .unwrap();
        assert_eq!(config.listen.port(), 9);
        assert_eq!(config.realtime.auth_timeout(), None);
        assert_eq!(
            config.cors.origins,
            ["https://a.example", "https://b.example"]
        );
    }

    #[test]
    fn errors_name_the_variable() {
        assert_eq!(
            error("TOPICD_ACCOUNTS_REGISTRATION", "yes"),
            r#"TOPICD_ACCOUNTS_REGISTRATION: "yes" is no boolean"#
        );
        assert_eq!(
            error("TOPICD_LISTEN", "nowhere"),
            r#"TOPICD_LISTEN: "nowhere" is not of the form ADDRESS:PORT"#
        );
        let negative = error("TOPICD_ACCOUNTS_SESSION_DAYS", "-1");
        assert!(
            negative.starts_with("TOPICD_ACCOUNTS_SESSION_DAYS: "),
            "{negative}"
        );
    }

    #[test]
    fn an_unknown_variable_is_an_error_with_its_neighbour() {
        assert_eq!(
            error("TOPICD_REALTIME_AUTH_TIMOUT", "3"),
            "unknown variable TOPICD_REALTIME_AUTH_TIMOUT, did you mean TOPICD_REALTIME_AUTH_TIMEOUT?"
        );
        assert_eq!(
            error("TOPICD_COLOUR", "red"),
            "unknown variable TOPICD_COLOUR"
        );
        assert_eq!(
            error("TOPICD_REALTIME", "x"),
            "unknown variable TOPICD_REALTIME"
        );
    }

    #[test]
    fn links_to_services_of_kubernetes_pass() {
        let links = [
            ("TOPICD_SERVICE_HOST", "10.0.0.7"),
            ("TOPICD_SERVICE_PORT", "3000"),
            ("TOPICD_SERVICE_PORT_HTTP", "3000"),
            ("TOPICD_PORT", "tcp://10.0.0.7:3000"),
            ("TOPICD_PORT_3000_TCP", "tcp://10.0.0.7:3000"),
            ("TOPICD_PORT_3000_TCP_PROTO", "tcp"),
            ("TOPICD_PORT_3000_TCP_PORT", "3000"),
            ("TOPICD_PORT_3000_TCP_ADDR", "10.0.0.7"),
            ("TOPICD_ADMIN_SERVICE_HOST", "10.0.0.8"),
            ("TOPICD_ADMIN_PORT", "tcp://10.0.0.8:3001"),
        ];
        assert_eq!(with(&links), Ok(Config::default()));
        for (name, text) in [("TOPICD_PORT", "3000"), ("TOPICD_PORT_HTTP_TCP_ADDR", "x")] {
            assert_eq!(error(name, text), format!("unknown variable {name}"));
        }
    }

    #[test]
    fn the_level_of_the_log_has_a_short_name() {
        assert_eq!(with(&[("TOPICD_LOG", "debug")]).unwrap().log.level, "debug");
    }

    #[test]
    fn what_is_off_can_be_set() {
        let config = with(&[("TOPICD_TLS_LISTEN", "0.0.0.0:443")]).unwrap();
        assert_eq!(config.tls.listen.map(|address| address.port()), Some(443));
        let config = with(&[("TOPICD_PROXY_TRUSTED", "10.0.0.0/8, ::1")]).unwrap();
        assert_eq!(config.proxy.trusted.len(), 2);
    }
}
