//! How many of something one address may have at once.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::network::network;

/// The places that are taken, by address.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<HashMap<IpAddr, usize>>);

/// One place, free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    /// None if it is not counted.
    network: Option<IpAddr>,
}

/// The address has as many as it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AddressFull;

impl Places {
    /// A place for a client who may have `most`. What comes from this machine comes from a proxy, and
    /// says nothing of the client: it is not counted.
    ///
    /// # Errors
    ///
    /// The client has them all.
    pub(crate) fn take(self: &Arc<Self>, from: IpAddr, most: usize) -> Result<Place, AddressFull> {
        if from.to_canonical().is_loopback() {
            return Ok(self.uncounted());
        }
        let network = network(from);
        let mut taken = self.lock();
        let here = taken.get(&network).copied().unwrap_or(0);
        if here >= most {
            return Err(AddressFull);
        }
        taken.insert(network, here + 1);
        Ok(Place {
            places: Arc::clone(self),
            network: Some(network),
        })
    }

    /// A place for whom nothing is counted.
    pub(crate) fn uncounted(self: &Arc<Self>) -> Place {
        Place {
            places: Arc::clone(self),
            network: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(network) = self.network else {
            return;
        };
        let mut taken = self.places.lock();
        if let Some(here) = taken.get_mut(&network) {
            *here -= 1;
            if *here == 0 {
                taken.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Arc<Places>, from: &str) -> Result<Place, AddressFull> {
        places.take(from.parse().unwrap(), 2)
    }

    #[test]
    fn each_address_has_its_own_and_gives_them_back() {
        let places = Arc::<Places>::default();
        let one = take(&places, "203.0.113.9").unwrap();
        let mapped = take(&places, "::ffff:203.0.113.9").unwrap();
        assert_eq!(take(&places, "203.0.113.9").unwrap_err(), AddressFull);
        let other = take(&places, "203.0.113.8").unwrap();
        drop(one);
        let again = take(&places, "203.0.113.9").unwrap();
        assert!(take(&places, "203.0.113.9").is_err());
        drop((mapped, other, again));
        assert!(places.lock().is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_and_this_machine_is_not_counted() {
        let places = Arc::<Places>::default();
        let _taken = ["2001:db8::1", "2001:db8::2"].map(|from| take(&places, from).unwrap());
        assert!(take(&places, "2001:db8::3").is_err());
        assert!(take(&places, "2001:db8:0:1::1").is_ok());
        let _local: Vec<_> = (0..5)
            .flat_map(|_| ["127.0.0.1", "::1", "::ffff:127.0.0.2"])
            .map(|from| take(&places, from).unwrap())
            .collect();
    }
}
