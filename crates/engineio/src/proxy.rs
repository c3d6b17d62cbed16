//! Who the client is when a proxy speaks for it.
//!
//! A header says what its sender likes, so nothing is believed but what a trusted proxy has added.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Proxies that are believed when they say whom they speak for.
///
/// The client is the last address in the header that is no trusted proxy itself: what stands before
/// it was said by the client. Where a proxy names nobody that can be read as an address, the proxy
/// counts as the client.
///
/// ```
/// use engineio::{Config, ForwardedHeader, TrustedProxies};
///
/// let mut config = Config::default();
/// let networks = ["10.0.0.0/8".parse()?, "::1".parse()?];
/// config.proxies = Some(TrustedProxies::new(ForwardedHeader::XForwardedFor, networks));
/// # Ok::<_, engineio::InvalidNetwork>(())
/// ```
#[derive(Debug, Clone)]
pub struct TrustedProxies {
    header: ForwardedHeader,
    networks: Vec<Network>,
}

/// The headers that the proxies write. A proxy passes those of the other kind on as the client sent them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: 192.0.2.60, 10.0.0.7`, and `X-Forwarded-Proto: https`.
    XForwardedFor,
    /// `Forwarded: for=192.0.2.60;proto=https, for="[2001:db8::1]:4711"` (RFC 7239).
    Forwarded,
}

/// Addresses with the same first bits: `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// Text that is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidNetwork;

impl TrustedProxies {
    /// Proxies with addresses in these networks, which all write this header.
    pub fn new(header: ForwardedHeader, networks: impl IntoIterator<Item = Network>) -> Self {
        let networks = networks.into_iter().collect();
        Self { header, networks }
    }

    /// The client of a request that came from `peer`; its port is 0 where no proxy tells it. For
    /// hosts that need it for other requests, too.
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        self.furthest(peer, headers).0
    }

    /// Whether the client of that request has an encrypted connection to its proxy; none where no
    /// trusted proxy tells.
    pub fn is_secure(&self, peer: SocketAddr, headers: &HeaderMap) -> Option<bool> {
        let scheme = match self.header {
            ForwardedHeader::XForwardedFor if self.trusts(peer.ip()) => last_scheme(headers),
            ForwardedHeader::XForwardedFor => None,
            ForwardedHeader::Forwarded => {
                let (_, element) = self.furthest(peer, headers);
                pair(element?, "proto")
            }
        };
        let secure = ["https", "wss"];
        scheme.map(|scheme| secure.iter().any(|name| name.eq_ignore_ascii_case(scheme)))
    }

    /// The client, and the element of the header that a trusted proxy has written about it.
    fn furthest<'h>(
        &self,
        peer: SocketAddr,
        headers: &'h HeaderMap,
    ) -> (SocketAddr, Option<&'h str>) {
        let (mut client, mut believed) = (peer, None);
        for element in self.header.elements(headers) {
            if !self.trusts(client.ip()) {
                break;
            }
            believed = element;
            match element.and_then(|element| self.header.address(element)) {
                Some(said) => client = said,
                None => break,
            }
        }
        (client, believed)
    }

    /// Whether an address is that of a trusted proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }
}

impl ForwardedHeader {
    /// The elements from the last to the first; none where there is no text.
    fn elements(self, headers: &HeaderMap) -> impl Iterator<Item = Option<&str>> {
        elements(headers, self.name())
    }

    fn address(self, element: &str) -> Option<SocketAddr> {
        match self {
            Self::XForwardedFor => node(element),
            Self::Forwarded => node(pair(element, "for")?),
        }
    }

    fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Self::Forwarded => header::FORWARDED,
        }
    }
}

impl Network {
    /// Whether an address has the first bits of this network. An IPv4 address is the same whether
    /// or not it is written as an IPv6 one.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = address.parse().map_err(|_| InvalidNetwork)?;
        let most = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| InvalidNetwork)?,
            None => most,
        };
        if prefix > most {
            return Err(InvalidNetwork);
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no address, and no network such as 10.0.0.0/8")
    }
}

impl std::error::Error for InvalidNetwork {}

/// The elements of a header from the last to the first. Each by itself: what a client wrote into its own,
/// in whatever bytes, must not hide what a proxy put behind it.
fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = Option<&str>> {
    let lines: Vec<_> = headers.get_all(name).into_iter().collect();
    let lines = lines.into_iter().rev().map(HeaderValue::as_bytes);
    let elements = lines.flat_map(|line| line.rsplit(|byte| *byte == b','));
    elements.map(|element| str::from_utf8(element).ok())
}

/// Proxies set this header anew, so that there is one scheme; where one only adds its own, what stands
/// before it is anybody's.
fn last_scheme(headers: &HeaderMap) -> Option<&str> {
    let name = HeaderName::from_static("x-forwarded-proto");
    let last = elements(headers, name).next()??.trim();
    (!last.is_empty()).then_some(last)
}

/// The value of this name among the pairs of one element of `Forwarded`.
fn pair<'e>(element: &'e str, name: &str) -> Option<&'e str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(found, _)| found.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"'))
}

/// An address with or without a port; of IPv6 in brackets or without.
fn node(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let with_port = text.parse();
    with_port
        .or_else(|_| {
            bare.unwrap_or(text)
                .parse()
                .map(|address| SocketAddr::new(address, 0))
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use ForwardedHeader::{Forwarded, XForwardedFor};

    use super::*;

    fn client(header: ForwardedHeader, lines: &[&'static str], peer: &str) -> String {
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(header.name(), line);
        }
        let proxies = TrustedProxies::new(header, networks);
        let client = proxies.client(SocketAddr::new(peer.parse().unwrap(), 1), &headers);
        client.to_string()
    }

    #[test]
    fn a_header_of_a_stranger_says_nothing() {
        let header = ["192.0.2.60"];
        assert_eq!(
            client(XForwardedFor, &header, "198.51.100.1"),
            "198.51.100.1:1"
        );
        assert_eq!(client(XForwardedFor, &[], "10.0.0.1"), "10.0.0.1:1");
    }

    #[test]
    fn the_client_is_the_last_one_that_is_no_proxy() {
        for (lines, expected) in [
            (&["192.0.2.60"][..], "192.0.2.60:0"),
            (&["127.0.0.1, 192.0.2.60, 10.1.1.1"], "192.0.2.60:0"),
            (&["127.0.0.1", "192.0.2.60:4711"], "192.0.2.60:4711"),
            (&["10.3.0.1, 10.2.0.1"], "10.3.0.1:0"),
            (&["192.0.2.60, unknown"], "10.0.0.1:1"),
            (&["192.0.2.60, unknown, 10.2.0.1"], "10.2.0.1:0"),
            (&[""], "10.0.0.1:1"),
        ] {
            assert_eq!(
                client(XForwardedFor, lines, "::ffff:10.0.0.1"),
                expected.replace("10.0.0.1:1", "[::ffff:10.0.0.1]:1"),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn bytes_that_a_client_wrote_hide_nothing() {
        let line = "caf\u{e9}, 192.0.2.60";
        assert_eq!(client(XForwardedFor, &[line], "10.0.0.1"), "192.0.2.60:0");
        let line = "for=caf\u{e9}, for=192.0.2.60";
        assert_eq!(client(Forwarded, &[line], "10.0.0.1"), "192.0.2.60:0");
        let proxies = TrustedProxies::new(XForwardedFor, ["10.0.0.0/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        let line = HeaderValue::from_bytes(b"\xff, 192.0.2.60").unwrap();
        headers.append("x-forwarded-for", line);
        let client = proxies.client("10.0.0.1:1".parse().unwrap(), &headers);
        assert_eq!(client.ip().to_string(), "192.0.2.60");
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        for (line, expected) in [
            ("for=192.0.2.60;proto=https;by=203.0.113.43", "192.0.2.60:0"),
            (r#"For="[2001:db9::1]:4711""#, "[2001:db9::1]:4711"),
            (r#"for="[2001:db9::1]""#, "[2001:db9::1]:0"),
            (r#"for="a, for=192.0.2.60, for=192.0.2.61"#, "192.0.2.61:0"),
            ("for=_hidden", "10.0.0.1:1"),
            ("proto=https", "10.0.0.1:1"),
        ] {
            assert_eq!(client(Forwarded, &[line], "10.0.0.1"), expected, "{line}");
        }
    }

    fn is_secure(lines: &[(&'static str, &'static str)], peer: &str) -> [Option<bool>; 2] {
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(*name, HeaderValue::from_static(line));
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        [XForwardedFor, Forwarded].map(|header| {
            let proxies = TrustedProxies::new(header, ["10.0.0.0/8".parse().unwrap()]);
            proxies.is_secure(peer, &headers)
        })
    }

    #[test]
    fn a_scheme_is_that_of_a_trusted_proxy_alone() {
        let proto = "x-forwarded-proto";
        let said = [(proto, "https"), ("forwarded", "proto=https")];
        assert_eq!(is_secure(&said, "198.51.100.1"), [None; 2]);
        assert_eq!(is_secure(&said, "10.0.0.1"), [Some(true); 2]);
        // Each header is the proxies' only if they are said to write it.
        assert_eq!(is_secure(&said[..1], "10.0.0.1"), [Some(true), None]);
        assert_eq!(is_secure(&said[1..], "10.0.0.1"), [None, Some(true)]);
        for (line, expected) in [
            ("http", Some(false)),
            ("WSS", Some(true)),
            ("https, http", Some(false)),
            ("http,https ", Some(true)),
            ("https,", None),
        ] {
            assert_eq!(
                is_secure(&[(proto, line)], "10.0.0.1")[0],
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn forwarded_tells_the_scheme_of_the_client() {
        for (line, expected) in [
            (
                "for=192.0.2.60;proto=https, for=10.0.0.7;proto=http",
                Some(true),
            ),
            (
                "for=192.0.2.60;proto=http, for=10.0.0.7;proto=https",
                Some(false),
            ),
            (
                "for=192.0.2.61;proto=https, for=192.0.2.60;proto=http",
                Some(false),
            ),
            ("for=_hidden;Proto=\"https\"", Some(true)),
            ("proto=https, for=192.0.2.60", None),
        ] {
            let found = is_secure(&[("forwarded", line)], "10.0.0.1");
            assert_eq!(found[1], expected, "{line}");
        }
    }

    #[test]
    fn networks_are_addresses_with_the_same_first_bits() {
        let contains = |network: &str, address: &str| {
            let network: Network = network.parse().unwrap();
            network.contains(address.parse().unwrap())
        };
        assert!(contains("0.0.0.0/0", "192.0.2.1") && contains("::/0", "2001:db8::1"));
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("192.0.2.1", "192.0.2.1") && !contains("192.0.2.1", "192.0.2.0"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        for wrong in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/-1",
            "10.0.0.0/",
            "example.com",
        ] {
            assert_eq!(wrong.parse::<Network>(), Err(InvalidNetwork), "{wrong}");
        }
    }
}
