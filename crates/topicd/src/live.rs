//! The settings that hold at this moment. A reload replaces those that can change while the server
//! runs; the others keep their values until the next start.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use engineio::TrustedProxies;
use toml::Table;

use crate::{
    Config,
    config::{ConfigError, SETTINGS, Setting, TakesEffect},
    origin::Origins,
};

/// Read by everybody, replaced by a reload.
#[derive(Debug)]
pub(crate) struct Live(RwLock<Arc<Effective>>);

/// Settings that have been checked.
#[derive(Debug)]
pub(crate) struct Effective {
    pub(crate) config: Config,
    pub(crate) origins: Origins,
    pub(crate) proxies: TrustedProxies,
}

/// What a reload did, by the keys of the settings.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Reloaded {
    /// What holds from now on.
    pub changed: Vec<&'static str>,
    /// What differs, and holds when the server starts anew.
    pub needs_restart: Vec<&'static str>,
}

impl Live {
    /// # Errors
    ///
    /// The settings cannot be used.
    pub(crate) fn new(config: Config) -> Result<Self, ConfigError> {
        Effective::new(config).map(|effective| Self(RwLock::new(Arc::new(effective))))
    }

    pub(crate) fn now(&self) -> Arc<Effective> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How long a socket may stay without a login; as long as it likes if none.
    pub(crate) fn auth_timeout(&self) -> Option<Duration> {
        self.now().config.realtime.auth_timeout()
    }

    /// Takes of `wanted` what can change while the server runs.
    ///
    /// # Errors
    ///
    /// The settings cannot be used; those that held go on.
    pub(crate) fn replace(&self, wanted: &Config) -> Result<Reloaded, ConfigError> {
        let (config, reloaded) = merge(&self.now().config, wanted)?;
        let effective = Arc::new(Effective::new(config)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = effective;
        Ok(reloaded)
    }
}

impl Effective {
    fn new(config: Config) -> Result<Self, ConfigError> {
        let origins = config.check()?;
        let proxies = config.proxy.proxies()?;
        Ok(Self {
            config,
            origins,
            proxies,
        })
    }
}

/// The settings that hold after a reload: `wanted`, but for those that cannot change.
fn merge(current: &Config, wanted: &Config) -> Result<(Config, Reloaded), ConfigError> {
    let table = |config| Table::try_from(config).map_err(|error| ConfigError(error.to_string()));
    let (held, mut merged) = (table(current)?, table(wanted)?);
    let mut reloaded = Reloaded::default();
    for Setting {
        key, takes_effect, ..
    } in SETTINGS
    {
        let (Some(held), Some(place)) = (
            crate::config::value(&held, key),
            crate::config::value_mut(&mut merged, key),
        ) else {
            continue;
        };
        if held == place {
            continue;
        }
        match takes_effect {
            TakesEffect::OnReload => reloaded.changed.push(key),
            TakesEffect::AtStart => {
                place.clone_from(held);
                reloaded.needs_restart.push(key);
            }
        }
    }
    let config = merged.try_into();
    let config = config.map_err(|error: toml::de::Error| ConfigError(error.to_string()))?;
    Ok((config, reloaded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_takes_what_can_change_and_names_what_cannot() {
        let live = Live::new(Config::default()).unwrap();
        let mut wanted = Config::default();
        wanted.realtime.auth_timeout = 3;
        wanted.listen.set_port(9);
        let reloaded = live.replace(&wanted).unwrap();
        assert_eq!(reloaded.changed, ["realtime.auth_timeout"]);
        assert_eq!(reloaded.needs_restart, ["listen"]);
        let config = &live.now().config;
        assert_eq!(config.realtime.auth_timeout, 3);
        assert_eq!(config.listen, Config::default().listen);
    }

    #[test]
    fn settings_that_cannot_be_used_leave_the_old_ones() {
        let live = Live::new(Config::default()).unwrap();
        let mut wanted = Config::default();
        wanted.realtime.auth_timeout = 3;
        wanted.cors.origins = vec!["nowhere".into()];
        assert!(live.replace(&wanted).is_err());
        assert_eq!(live.now().config, Config::default());
    }
}
