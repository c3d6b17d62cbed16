//! Where the server that uses a data folder listens for its operator: a file in that folder, so that
//! the commands find it.

use std::{fs, io, net::SocketAddr, path::PathBuf};

use crate::{Config, config::ConfigError, token::Token};

/// The way to the operator's listener of a running server.
#[derive(Debug)]
pub struct Access {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it wants to see.
    pub token: Token,
}

/// The address of the operator's listener, in the data folder as long as the server runs.
#[derive(Debug)]
pub(crate) struct Beacon(PathBuf);

const FILE: &str = "admin-address";

impl Beacon {
    /// Says where the listener is.
    pub(crate) fn light(config: &Config, address: SocketAddr) -> io::Result<Self> {
        let path = config.data_dir.join(FILE);
        fs::write(&path, format!("{address}\n"))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        }
        Ok(Self(path))
    }
}

impl Drop for Beacon {
    fn drop(&mut self) {
        // One that stays names an address where nobody answers: the commands say so.
        let _ = fs::remove_file(&self.0);
    }
}

impl Access {
    /// The way to the server that uses the data folder; none if it has no listener for its operator.
    ///
    /// # Errors
    ///
    /// The token's file cannot be used.
    pub fn find(config: &Config) -> Result<Option<Self>, ConfigError> {
        let text = fs::read_to_string(config.data_dir.join(FILE)).ok();
        let Some(address) = text.and_then(|text| text.trim().parse().ok()) else {
            return Ok(None);
        };
        let token = super::load_token(config)?;
        Ok(Some(Self { address, token }))
    }
}
