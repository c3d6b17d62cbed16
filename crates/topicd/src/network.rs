//! What counts as one address.

use std::net::{IpAddr, Ipv6Addr};

/// What one client has at least: an address of IPv4, a /64 of IPv6.
pub(crate) fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_same(one: &str, other: &str) -> bool {
        network(one.parse().unwrap()) == network(other.parse().unwrap())
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        assert!(is_same(
            "2001:db8:0:1::1",
            "2001:db8:0:1:ffff:ffff:ffff:ffff"
        ));
        assert!(!is_same("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(!is_same("192.0.2.1", "192.0.2.2"));
        assert!(is_same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!is_same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    }
}
