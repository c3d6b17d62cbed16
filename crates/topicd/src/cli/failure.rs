//! Why a command failed: one plain line, and the exit code.

use std::{fmt, io, process::ExitCode};

use topicd::{StartError, config::ConfigError, dev::DevError};

/// The message says what is wrong and what helps.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// It failed while running: 1.
    Runtime,
    /// Something it needs is not available: 69, as `EX_UNAVAILABLE` of sysexits.
    Unavailable,
    /// The settings are wrong: 78, as `EX_CONFIG`.
    Config,
}

impl Failure {
    pub(crate) fn runtime(message: impl fmt::Display) -> Self {
        Self::new(Kind::Runtime, message)
    }

    pub(crate) fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    pub(crate) fn config(message: impl fmt::Display) -> Self {
        Self::new(Kind::Config, message)
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Runtime => 1,
            Kind::Unavailable => 69,
            Kind::Config => 78,
        })
    }

    fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::config(error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(error) => error.into(),
            StartError::Store(error) => Self::unavailable(error),
        }
    }
}

impl From<DevError> for Failure {
    fn from(error: DevError) -> Self {
        match error {
            DevError::Start(error) => error.into(),
            DevError::Damaged(_) => Self::config(error),
            DevError::Setup(_) => Self::runtime(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::runtime(error)
    }
}
