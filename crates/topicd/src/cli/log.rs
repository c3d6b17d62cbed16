//! The log of a server: to the error output, in the form and at the level of the settings.

use std::io::{self, IsTerminal};

use topicd::{
    Config,
    config::{ConfigError, LogFormat},
};
use tracing_subscriber::EnvFilter;

/// Below this level the WebSocket library writes whole frames: the tokens in them are not for logs,
/// whatever level is asked for.
const FRAME_LOGS: [&str; 2] = ["tungstenite=info", "tokio_tungstenite=info"];

/// The log that has been started.
pub(super) struct Log(Box<dyn Fn(EnvFilter) + Send>);

/// Starts the log.
///
/// # Errors
///
/// The level is none.
pub(super) fn start(config: &Config) -> Result<Log, ConfigError> {
    let filter = filter(config)?;
    let is_text = match config.log.format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let log = tracing_subscriber::fmt().with_writer(io::stderr);
    Ok(Log(if is_text {
        let log = log.with_env_filter(filter).with_filter_reloading();
        let handle = log.reload_handle();
        log.init();
        Box::new(move |filter| drop(handle.reload(filter)))
    } else {
        let log = log.json().with_env_filter(filter).with_filter_reloading();
        let handle = log.reload_handle();
        log.init();
        Box::new(move |filter| drop(handle.reload(filter)))
    }))
}

impl Log {
    /// Takes the level of other settings.
    ///
    /// # Errors
    ///
    /// The level is none.
    pub(super) fn reload(&self, config: &Config) -> Result<(), ConfigError> {
        (self.0)(filter(config)?);
        Ok(())
    }
}

fn filter(config: &Config) -> Result<EnvFilter, ConfigError> {
    let directives = FRAME_LOGS
        .iter()
        .filter_map(|directive| directive.parse().ok());
    Ok(directives.fold(config.log.filter()?, EnvFilter::add_directive))
}
