//! The operator's token: in a file, so that it is on no command line and in no settings.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use crate::{
    config::{Config, ConfigError},
    token::Token,
};

/// The file in the data folder, if the settings name none.
const FILE: &str = "admin-token";
/// Fewer characters could be guessed.
const LEAST: usize = 32;

/// The token of the settings' file, which must be there, or of the data folder's, which is made.
///
/// # Errors
///
/// It cannot be read, is too short, or cannot be made.
pub(crate) fn load(config: &Config) -> Result<Token, ConfigError> {
    match &config.admin.token_file {
        Some(path) => read(path)?.ok_or_else(|| missing(path)),
        None => {
            let path = config.data_dir.join(FILE);
            match read(&path)? {
                Some(token) => Ok(token),
                None => make(&path),
            }
        }
    }
}

fn read(path: &Path) -> Result<Option<Token>, ConfigError> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().len() >= LEAST => Ok(Some(Token::presented(text.trim()))),
        Ok(_) => Err(ConfigError(format!(
            "the admin token in {} is shorter than {LEAST} characters",
            path.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

fn make(path: &Path) -> Result<Token, ConfigError> {
    let token = Token::generate().map_err(|_| ConfigError("no random bytes".into()))?;
    let written = private_file(path)
        .and_then(|mut file| file.write_all(format!("{}\n", token.reveal()).as_bytes()));
    match written {
        Ok(()) => Ok(token),
        Err(error) => Err(failed("write", path, &error)),
    }
}

/// A new file that its owner alone reads.
///
/// # Errors
///
/// It is there already, or cannot be made.
pub fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn missing(path: &Path) -> ConfigError {
    ConfigError(format!(
        "admin.token_file: {} is missing; `topicd init` makes one",
        path.display()
    ))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> ConfigError {
    ConfigError(format!(
        "cannot {what} the admin token {}: {error}",
        path.display()
    ))
}
