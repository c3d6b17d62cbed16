//! Settings from the environment: `TOPICD_REALTIME_AUTH_TIMEOUT` is `auth_timeout` of `[realtime]`.
//!
//! Owns the names. A `TOPICD_…` that is no setting is an error, as an unknown key of the file is.

use std::{collections::BTreeMap, ffi::OsString};

use toml::{Table, Value};

use super::{Config, ConfigError, first_line, nearest};

const PREFIX: &str = "TOPICD_";
/// What the command line reads itself: the file with settings, the level of the log.
const NO_SETTINGS: [&str; 2] = ["TOPICD_CONFIG", "TOPICD_LOG"];

/// Overlays what the variables say.
pub(super) fn overlay(
    config: Config,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Config, ConfigError> {
    let ours = |(name, text): (OsString, OsString)| Some((name.into_string().ok()?, text));
    // Sorted, so that of several errors always the same one is told.
    let ours: BTreeMap<_, _> = variables.into_iter().filter_map(ours).collect();
    ours.iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && !NO_SETTINGS.contains(&name.as_str()))
        .try_fold(config, |config, (name, text)| {
            let text = text.to_str().ok_or_else(|| wrong(name, "no Unicode"))?;
            set(&config, name, text)
        })
}

/// The settings with one value replaced, by one of the same type.
fn set(config: &Config, name: &str, text: &str) -> Result<Config, ConfigError> {
    let mut table = Table::try_from(config).map_err(|error| wrong(name, &error.to_string()))?;
    let names = names(&table, PREFIX);
    let setting = name
        .strip_prefix(PREFIX)
        .and_then(|name| find(&mut table, name))
        .ok_or_else(|| unknown(name, &names))?;
    *setting = read_as(setting, text)
        .ok_or_else(|| wrong(name, &format!("{text:?} is no {}", setting.type_str())))?;
    table
        .try_into()
        .map_err(|error: toml::de::Error| wrong(name, first_line(error.message())))
}

fn find<'a>(table: &'a mut Table, name: &str) -> Option<&'a mut Value> {
    table.iter_mut().find_map(|(key, value)| {
        let rest = name.strip_prefix(&key.to_ascii_uppercase())?;
        match value {
            Value::Table(inner) => find(inner, rest.strip_prefix('_')?),
            value => rest.is_empty().then_some(value),
        }
    })
}

/// The variables of all settings.
fn names(table: &Table, prefix: &str) -> Vec<String> {
    let variables = table.iter().map(|(key, value)| {
        let name = format!("{prefix}{}", key.to_ascii_uppercase());
        match value {
            Value::Table(inner) => names(inner, &format!("{name}_")),
            _ => vec![name],
        }
    });
    variables.flatten().collect()
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

fn unknown(name: &str, names: &[String]) -> ConfigError {
    let known = names.iter().map(String::as_str).chain(NO_SETTINGS);
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
}
