//! The operator's listener: where it is.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{optional, parse_address};

/// The operator's listener.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AdminConfig {
    /// Where it is. Default `auto`.
    pub listen: AdminListen,
    /// File with its token. Default: one in the data folder, which is made.
    #[serde(with = "optional::path")]
    pub token_file: Option<PathBuf>,
}

/// Where the operator's listener is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AdminListen {
    /// On loopback, on the port after that of `listen`, or any free one.
    #[default]
    Auto,
    /// Nowhere.
    Off,
    /// Here.
    At(SocketAddr),
}

impl AdminListen {
    /// The addresses to try, in this order.
    pub fn candidates(self, public: SocketAddr) -> Vec<SocketAddr> {
        let loopback = |port| (Ipv4Addr::LOCALHOST, port).into();
        match self {
            Self::Off => Vec::new(),
            Self::At(address) => vec![address],
            // Port 0 is any free one already.
            Self::Auto => match public.port() {
                0 | u16::MAX => vec![loopback(0)],
                port => vec![loopback(port + 1), loopback(0)],
            },
        }
    }
}

impl fmt::Display for AdminListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Off => f.write_str("off"),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl Serialize for AdminListen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AdminListen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            text => parse_address(text).map(Self::At),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_is_loopback_on_the_next_port_or_any() {
        let candidates = |public: &str| AdminListen::Auto.candidates(public.parse().unwrap());
        let texts =
            |list: Vec<SocketAddr>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            texts(candidates("0.0.0.0:3000")),
            ["127.0.0.1:3001", "127.0.0.1:0"]
        );
        assert_eq!(texts(candidates("127.0.0.1:0")), ["127.0.0.1:0"]);
        assert_eq!(texts(candidates("[::]:65535")), ["127.0.0.1:0"]);
        assert!(
            AdminListen::Off
                .candidates(([0, 0, 0, 0], 1).into())
                .is_empty()
        );
    }
}
