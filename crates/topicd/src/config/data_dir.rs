//! Where the platform wants programs to keep their data.

use std::{env, path::PathBuf};

/// The folder for data of the user, or one below the current folder if the platform names none.
pub fn default_data_dir(name: &str) -> PathBuf {
    base().map_or_else(
        || PathBuf::from(format!("{name}-data")),
        |base| base.join(name),
    )
}

#[cfg(target_os = "windows")]
fn base() -> Option<PathBuf> {
    folder("LOCALAPPDATA")
}

#[cfg(target_os = "macos")]
fn base() -> Option<PathBuf> {
    folder("HOME").map(|home| home.join("Library/Application Support"))
}

#[cfg(not(any(target_os = "windows", target_os = "macos")))]
fn base() -> Option<PathBuf> {
    folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")))
}

/// A variable that names an absolute folder; an empty or relative one says nothing.
fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
