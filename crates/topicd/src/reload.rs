//! Other settings while the server runs: what SIGHUP does.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use crate::{
    Config,
    config::ConfigError,
    live::{Live, Reloaded},
    realtime::Realtime,
    rest::Api,
    tls::Tls,
};

/// Gives a running server other settings. It keeps no server: one that ends closes its store.
#[derive(Clone)]
pub struct Reloader {
    pub(crate) live: Arc<Live>,
    pub(crate) api: Weak<Api>,
    pub(crate) realtime: Weak<Realtime>,
    pub(crate) tls: Option<Arc<Tls>>,
}

impl Reloader {
    /// Takes what can change while the server runs, and reads the certificate again even if its
    /// files have the same names.
    ///
    /// # Errors
    ///
    /// The settings or the certificate cannot be used; everything stays as it was then.
    pub fn reload(&self, wanted: &Config) -> Result<Reloaded, ConfigError> {
        wanted.check()?;
        if let Some(tls) = &self.tls {
            tls.reload(&wanted.tls)?;
        }
        let reloaded = self.live.replace(wanted)?;
        if let (Some(api), Some(realtime)) = (self.api.upgrade(), self.realtime.upgrade()) {
            api.reload();
            realtime.reload();
        }
        Ok(reloaded)
    }
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reloader")
    }
}
