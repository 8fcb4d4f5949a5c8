//! Who may come in: counts of connections in all, per address and in their handshake, and the rate of newcomers.
//!
//! Knows nothing of QUIC: an address and a time go in, a place or a refusal comes out. A place is given back when it
//! is dropped, so that no way out of a connection's task can leak one.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use tokio::sync::Notify;

use super::EndpointLimits;
use crate::rate::TokenBucket;

/// Why a newcomer is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Every place is taken.
    Full,
    /// Too many come from the same address.
    PerAddress,
    /// Under load an address has to be proven first.
    Retry,
}

impl Refusal {
    /// A stable lower-case word for metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Refusal::Full => "full",
            Refusal::PerAddress => "per_address",
            Refusal::Retry => "retry",
        }
    }
}

/// The counts of one endpoint.
pub(super) struct Admission {
    limits: EndpointLimits,
    counts: Mutex<Counts>,
    emptied: Notify,
}

struct Counts {
    connections: usize,
    handshakes: usize,
    by_address: FxHashMap<AddressKey, usize>,
    newcomers: TokenBucket,
}

/// What counts as one address: an IPv4 address, or the /64 an IPv6 subscriber owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum AddressKey {
    V4(u32),
    V6Prefix(u64),
}

impl AddressKey {
    fn new(address: IpAddr) -> AddressKey {
        match address.to_canonical() {
            IpAddr::V4(address) => AddressKey::V4(address.to_bits()),
            #[allow(clippy::cast_possible_truncation, reason = "the shift leaves the upper 64 bits")]
            IpAddr::V6(address) => AddressKey::V6Prefix((address.to_bits() >> 64) as u64),
        }
    }
}

impl Admission {
    pub(super) fn new(limits: EndpointLimits, now_us: u64) -> Arc<Admission> {
        let per_second = limits.retry_above_per_second;
        let counts = Counts {
            connections: 0,
            handshakes: 0,
            by_address: FxHashMap::default(),
            newcomers: TokenBucket::new(per_second, per_second, now_us),
        };
        Arc::new(Admission { limits, counts: Mutex::new(counts), emptied: Notify::new() })
    }

    /// Gives a place to a newcomer, or says why not. `validated`: the newcomer has proven that it receives at `remote`.
    pub(super) fn admit(self: &Arc<Self>, remote: SocketAddr, validated: bool, now_us: u64) -> Result<Place, Refusal> {
        let mut counts = self.locked();
        let below_rate = counts.newcomers.take(now_us);
        if counts.connections >= self.limits.connections_max {
            return Err(Refusal::Full);
        }
        let address = AddressKey::new(remote.ip());
        let exempt = self.limits.loopback_exempt && remote.ip().to_canonical().is_loopback();
        let of_address = counts.by_address.get(&address).copied().unwrap_or(0);
        if !exempt && of_address >= self.limits.connections_per_address_max {
            return Err(Refusal::PerAddress);
        }
        let loaded = !below_rate || counts.handshakes >= self.limits.retry_above_handshakes;
        if loaded && !validated {
            return Err(Refusal::Retry);
        }
        counts.connections += 1;
        counts.handshakes += 1;
        *counts.by_address.entry(address).or_insert(0) += 1;
        Ok(Place { admission: Arc::clone(self), address, in_handshake: true })
    }

    pub(super) fn connections(&self) -> usize {
        self.locked().connections
    }

    /// Waits until no place is taken.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.connections() == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn locked(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's right to be here.
pub(super) struct Place {
    admission: Arc<Admission>,
    address: AddressKey,
    in_handshake: bool,
}

impl Place {
    /// The handshake is over and no longer counts as load.
    pub(super) fn handshake_done(&mut self) {
        if std::mem::take(&mut self.in_handshake) {
            self.admission.locked().handshakes -= 1;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.handshake_done();
        let mut counts = self.admission.locked();
        counts.connections -= 1;
        if let Some(of_address) = counts.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                counts.by_address.remove(&self.address);
            }
        }
        let empty = counts.connections == 0;
        drop(counts);
        if empty {
            self.admission.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections_max: usize, per_address: usize, loopback_exempt: bool) -> Arc<Admission> {
        let limits = EndpointLimits {
            connections_max,
            connections_per_address_max: per_address,
            loopback_exempt,
            retry_above_per_second: 10,
            retry_above_handshakes: 4,
            sockets: 1,
        };
        Admission::new(limits, 0)
    }

    fn at(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap_or(IpAddr::from([0, 0, 0, 0])), 7_000)
    }

    #[test]
    fn a_place_given_back_can_be_taken_again() {
        let admission = admission(1, 1, false);
        let place = admission.admit(at("192.0.2.1"), false, 0);
        assert!(place.is_ok());
        assert_eq!(admission.admit(at("192.0.2.2"), false, 0).err(), Some(Refusal::Full));
        drop(place);
        assert!(admission.admit(at("192.0.2.2"), false, 0).is_ok());
        assert_eq!(admission.connections(), 0);
    }

    #[test]
    fn one_subscriber_of_ipv6_counts_as_one_address() {
        let admission = admission(9, 1, false);
        let _place = admission.admit(at("2001:db8::1"), false, 0);
        assert_eq!(admission.admit(at("2001:db8::2"), false, 0).err(), Some(Refusal::PerAddress));
        assert!(admission.admit(at("2001:db8:0:1::2"), false, 0).is_ok());
    }

    #[test]
    fn loopback_may_be_exempt_also_when_mapped_into_ipv6() {
        let admission = admission(9, 1, true);
        let _places = [admission.admit(at("127.0.0.1"), false, 0), admission.admit(at("::ffff:127.0.0.1"), false, 0)];
        assert_eq!(admission.connections(), 2);
    }

    #[test]
    fn under_load_only_a_proven_address_comes_in() {
        let admission = admission(99, 99, false);
        let places: Vec<_> = (0..4).map(|_| admission.admit(at("192.0.2.1"), false, 0)).collect();
        assert!(places.iter().all(Result::is_ok));
        assert_eq!(admission.admit(at("192.0.2.1"), false, 0).err(), Some(Refusal::Retry));
        assert!(admission.admit(at("192.0.2.1"), true, 0).is_ok());
    }

    #[test]
    fn a_rush_of_newcomers_is_load_too() {
        let admission = admission(99, 99, false);
        let rush = (0..20).filter(|_| admission.admit(at("192.0.2.1"), false, 0).is_ok()).count();
        assert_eq!(rush, 10);
        assert!(admission.admit(at("192.0.2.1"), false, 1_000_000).is_ok());
    }
}
