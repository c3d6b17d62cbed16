//! The file with settings: it is read once, and what is wrong in it is told with its line.

use std::{fs, io, path::Path};

use toml::Table;

use super::{Config, ConfigError, nearest::nearest, reference};

/// What a file says.
#[derive(PartialEq, Debug)]
pub(super) struct File {
    /// The settings, with the defaults where it says nothing.
    pub(super) config: Config,
    /// The keys that it sets.
    pub(super) keys: Vec<String>,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It is missing, or something in it is wrong.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display();
        let text =
            fs::read_to_string(path).map_err(|error| ConfigError(unreadable(path, &error)))?;
        Self::parse(&text)
            .map_err(|(line, message)| ConfigError(format!("{name}, line {line}: {message}")))
    }

    /// What is wrong is told with its line.
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let located = |error| located(text, &error);
        let config = toml::from_str(text).map_err(located)?;
        let table: Table = text.parse().map_err(located)?;
        let keys = reference::keys(&table);
        Ok(Self { config, keys })
    }
}

/// The line of an error, and a message that names the key.
fn located(text: &str, error: &toml::de::Error) -> (usize, String) {
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
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "; `topicd config default` prints one to begin with",
        _ => "",
    };
    format!("cannot read {}: {error}{hint}", path.display())
}

/// Of a message: the rest of it shows the text.
pub(super) fn first_line(message: &str) -> &str {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> (usize, String) {
        File::parse(text).unwrap_err()
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
        let file = File::parse(&config.to_toml());
        assert_eq!(file.map(|file| file.config), Ok(config));
    }
}
