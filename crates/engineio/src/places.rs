//! How many sessions there may be: in all, and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Limits, refused::Refused};

/// The places that are taken, and how many there are.
pub(crate) struct Places {
    taken: Mutex<Taken>,
}

struct Taken {
    all: usize,
    by_network: HashMap<IpAddr, usize>,
    most: usize,
    most_here: usize,
}

/// The place of one session, free again when this is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    network: Option<IpAddr>,
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            taken: Mutex::new(Taken {
                all: 0,
                by_network: HashMap::new(),
                most: limits.max_sessions,
                most_here: limits.max_sessions_per_address,
            }),
        }
    }

    /// Other bounds from now on. Who has a place keeps it.
    pub(crate) fn limit(&self, most: usize, most_here: usize) {
        let mut taken = self.taken();
        (taken.most, taken.most_here) = (most, most_here);
    }

    /// A place for a session of this client, whose address may be unknown.
    pub(crate) fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Place, Refused> {
        let network = address.and_then(network);
        let mut taken = self.taken();
        if taken.all >= taken.most {
            return Err(Refused::ServerFull);
        }
        if let Some(network) = network {
            let here = taken.by_network.get(&network).copied().unwrap_or(0);
            if here >= taken.most_here {
                return Err(Refused::AddressFull);
            }
            taken.by_network.insert(network, here + 1);
        }
        taken.all += 1;
        Ok(Place {
            places: Arc::clone(self),
            network,
        })
    }

    /// No call that could panic half way is made under this lock.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        let Some(network) = self.network else {
            return;
        };
        if let Some(here) = taken.by_network.get_mut(&network) {
            *here -= 1;
            if *here == 0 {
                taken.by_network.remove(&network);
            }
        }
    }
}

/// What counts as one address: whoever has an IPv6 address has the 2⁶⁴ of its network. What comes
/// from this machine comes from a proxy, and says nothing of the client.
fn network(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        local if local.is_loopback() => None,
        IpAddr::V6(address) => {
            let bits = address.to_bits() & !u128::from(u64::MAX);
            Some(IpAddr::V6(Ipv6Addr::from_bits(bits)))
        }
        v4 => Some(v4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let mut limits = Limits::default();
        limits.max_sessions = 3;
        limits.max_sessions_per_address = 2;
        limits
    }

    fn name(result: Result<Place, Refused>) -> &'static str {
        result.err().map_or("taken", |refused| refused.name())
    }

    #[test]
    fn a_place_is_free_again_when_its_session_has_gone() {
        let places = Arc::new(Places::new(&limits()));
        let take = |address: &str| places.take(address.parse().ok());
        let one = take("192.0.2.1").unwrap();
        let two = take("::ffff:192.0.2.1").unwrap();
        assert_eq!(name(take("192.0.2.1")), "too_many_sessions_of_address");
        let other = take("192.0.2.2").unwrap();
        assert_eq!(name(take("192.0.2.3")), "too_many_sessions");
        drop(one);
        assert_eq!(name(take("192.0.2.1")), "taken");
        drop((two, other));
        assert!(places.taken().by_network.is_empty());
        assert_eq!(places.taken().all, 0);
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address_and_this_machine_as_none() {
        let places = Arc::new(Places::new(&limits()));
        let take = |address: Option<&str>| {
            let address = address.and_then(|address| address.parse().ok());
            places.take(address)
        };
        let _held = [take(Some("2001:db8::1")), take(Some("2001:db8::2:1"))];
        assert_eq!(
            name(take(Some("2001:db8::3"))),
            "too_many_sessions_of_address"
        );
        for uncounted in [None, Some("127.0.0.1"), Some("::1")] {
            assert_eq!(name(take(uncounted)), "taken");
        }
        assert_eq!(name(take(Some("2001:db8:0:1::1"))), "taken");
    }

    #[test]
    fn other_bounds_hold_for_those_who_come_later() {
        let places = Arc::new(Places::new(&limits()));
        let take = |address: &str| places.take(address.parse().ok());
        let held = [take("192.0.2.1"), take("192.0.2.1"), take("192.0.2.2")];
        assert!(held.iter().all(Result::is_ok));
        places.limit(4, 2);
        assert_eq!(name(take("192.0.2.1")), "too_many_sessions_of_address");
        let fourth = take("192.0.2.2");
        assert!(fourth.is_ok());
        places.limit(1, 1);
        drop(fourth);
        assert_eq!(name(take("192.0.2.3")), "too_many_sessions");
    }
}
