//! Settings put together from their layers, with where each value came from.

use std::{collections::BTreeMap, ffi::OsString, fmt, net::SocketAddr, path::PathBuf};

use toml::Table;

use super::{Config, ConfigError, environment, file::File, reference};

/// Settings, and where each came from.
#[derive(Clone, Debug)]
pub struct Layers {
    config: Config,
    sources: BTreeMap<String, Source>,
}

/// Where a value came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The file with settings.
    File,
    /// The variable of this name.
    Environment(String),
    /// The flag of this name.
    Flag(&'static str),
}

/// What the command line said.
#[derive(Clone, Default, Debug)]
pub struct Flags {
    /// The file with settings.
    pub file: Option<PathBuf>,
    /// The folder of the store.
    pub data_dir: Option<PathBuf>,
    /// Address and port.
    pub listen: Option<SocketAddr>,
    /// Address and port of the operator's listener.
    pub admin_listen: Option<SocketAddr>,
}

impl Layers {
    /// Puts defaults, file, environment and flags together.
    ///
    /// # Errors
    ///
    /// The file is missing, or something is wrong in one of them.
    pub fn load(
        flags: &Flags,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut sources = BTreeMap::new();
        let file = match &flags.file {
            Some(path) => {
                let File { config, keys } = File::read(path)?;
                sources.extend(keys.into_iter().map(|key| (key, Source::File)));
                config
            }
            None => Config::default(),
        };
        let (mut config, set) = environment::overlay(file, variables)?;
        let set = set.into_iter();
        sources.extend(set.map(|(key, variable)| (key, Source::Environment(variable))));
        flags.apply(&mut config, &mut sources);
        Ok(Self { config, sources })
    }

    /// The settings that hold.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The same, without where they came from.
    pub fn into_config(self) -> Config {
        self.config
    }

    /// The settings, each with where it came from.
    pub fn with_sources(&self) -> String {
        let table = Table::try_from(&self.config).unwrap_or_default();
        let line = |key: &str| {
            let value = reference::value(&table, key).map_or_else(String::new, ToString::to_string);
            let source = self.sources.get(key).unwrap_or(&Source::Default);
            format!("{key} = {value}  # {source}\n")
        };
        let settings = super::SETTINGS.iter();
        settings.map(|setting| line(setting.key)).collect()
    }
}

impl Flags {
    fn apply(&self, config: &mut Config, sources: &mut BTreeMap<String, Source>) {
        let mut from_flag = |key: &str, flag| sources.insert(key.into(), Source::Flag(flag));
        if let Some(folder) = &self.data_dir {
            config.data_dir.clone_from(folder);
            from_flag("data_dir", "--data-dir");
        }
        if let Some(address) = self.listen {
            config.listen = address;
            from_flag("listen", "--listen");
        }
        if let Some(address) = self.admin_listen {
            config.admin.listen = super::AdminListen::At(address);
            from_flag("admin.listen", "--admin-listen");
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Environment(variable) => write!(f, "environment: {variable}"),
            Self::Flag(flag) => write!(f, "flag: {flag}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn later_layers_win_and_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("topicd.toml");
        let text = "listen = \"127.0.0.1:1\"\n[accounts]\nsession_days = 3\n[realtime]\nauth_timeout = 5\n";
        fs::write(&file, text).unwrap();
        let flags = Flags {
            file: Some(file),
            listen: Some(([127, 0, 0, 1], 9).into()),
            ..Flags::default()
        };
        let variables = [("TOPICD_REALTIME_AUTH_TIMEOUT".into(), "7".into())];
        let layers = Layers::load(&flags, variables).unwrap();
        assert_eq!(layers.config().listen.port(), 9);
        assert_eq!(layers.config().realtime.auth_timeout, 7);
        assert_eq!(layers.config().accounts.session_days, 3);
        let text = layers.with_sources();
        for line in [
            "listen = \"127.0.0.1:9\"  # flag: --listen",
            "realtime.auth_timeout = 7  # environment: TOPICD_REALTIME_AUTH_TIMEOUT",
            "accounts.session_days = 3  # file",
            "realtime.legacy_eio = true  # default",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
