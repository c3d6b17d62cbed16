//! The server under test: where it is and how it is configured.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::case::ServerOption;

/// Longest wait for a TCP connection.
const CONNECT: Duration = Duration::from_secs(2);

/// Address, path and timings of the server; shared by all cases, never changed.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `host:port`, as sent in `Host`.
    pub(crate) authority: String,
    pub(crate) address: SocketAddr,
    /// Request path including the trailing slash, such as `/socket.io/`.
    pub(crate) path: String,
    pub(crate) timings: Timings,
    /// Largest request body in bytes.
    pub(crate) max_payload: usize,
    pub(crate) options: Vec<ServerOption>,
}

/// The server's time limits, which the timing cases measure against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timings {
    pub(crate) ping_interval: Duration,
    pub(crate) ping_timeout: Duration,
    pub(crate) upgrade_timeout: Duration,
    pub(crate) connect_timeout: Duration,
}

impl Timings {
    /// How long a session lives without a sign of its client.
    pub(crate) fn silence(&self) -> Duration {
        self.ping_interval + self.ping_timeout
    }
}

impl Target {
    /// Opens a TCP connection.
    pub(crate) fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, CONNECT)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Longest wait for anything the server owes us: a full heartbeat and a margin for a slow host.
    pub(crate) fn patience(&self) -> Duration {
        self.timings.silence() + Duration::from_secs(2)
    }

    pub(crate) fn has(&self, option: ServerOption) -> bool {
        self.options.contains(&option)
    }
}

/// The parts of `http://host:port/path/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) authority: String,
    pub(crate) path: String,
}

impl std::str::FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text
            .strip_prefix("http://")
            .ok_or("the address must start with http://")?;
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/socket.io/"),
        };
        if authority.is_empty() || path.contains(['?', '#', ' ']) {
            return Err("the address must be http://host:port/path/ without a query".into());
        }
        let port = if has_port(authority) { "" } else { ":80" };
        let slash = if path.ends_with('/') { "" } else { "/" };
        Ok(Self {
            authority: format!("{authority}{port}"),
            path: format!("{path}{slash}"),
        })
    }
}

impl Url {
    /// Looks the host up.
    pub(crate) fn resolve(&self) -> io::Result<SocketAddr> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "host has no address");
        self.authority.to_socket_addrs()?.next().ok_or_else(missing)
    }
}

fn has_port(authority: &str) -> bool {
    // An IPv6 literal has colons inside its brackets.
    authority
        .rsplit(']')
        .next()
        .is_some_and(|tail| tail.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed() {
        let parse = |text: &str| text.parse::<Url>().map(|url| (url.authority, url.path));
        let ok = |authority: &str, path: &str| Ok((authority.to_owned(), path.to_owned()));
        assert_eq!(
            parse("http://h:3000/engine.io/"),
            ok("h:3000", "/engine.io/")
        );
        assert_eq!(parse("http://h"), ok("h:80", "/socket.io/"));
        assert_eq!(parse("http://[::1]/x"), ok("[::1]:80", "/x/"));
        assert_eq!(parse("http://[::1]:8/x"), ok("[::1]:8", "/x/"));
        assert!(parse("https://h/").is_err());
        assert!(parse("http:///x").is_err());
        assert!(parse("http://h/?a=b").is_err());
    }
}
