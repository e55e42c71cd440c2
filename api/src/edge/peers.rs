//! Which address holds how many connections: one address may hold a share of them, so that it cannot keep all others
//! out. Behind a trusted proxy the address that the proxy forwards counts, for as long as its request or stream lasts.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use ipnet::IpNet;
use parking_lot::{Mutex, MutexGuard};
use poem::http::HeaderMap;

use super::{
    hops::{address_of, for_of, hops},
    limits::ConnectionLimits,
};

/// The connections of a server, by address.
pub struct Peers {
    connections_max: usize,
    share: usize,
    trusted: Vec<IpNet>,
    held: Mutex<HeldPlaces>,
}

#[derive(Default)]
struct HeldPlaces {
    connections: usize,
    by_address: HashMap<IpAddr, usize>,
    /// Connections over the limit, for paths that are always open.
    spare: HashMap<IpAddr, usize>,
}

/// Connections over the limit that one address may hold: the others are left for other addresses.
const SPARE_SHARE: usize = 16;

/// One place of an address' share; it is free again when this is dropped.
pub struct PeerPlace {
    peers: Arc<Peers>,
    /// `None` for a proxy, which has no share of its own.
    address: Option<IpAddr>,
    kind: PlaceKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlaceKind {
    Connection,
    Request,
    Spare,
}

/// The address of the client for which a trusted proxy forwards a request.
#[derive(Debug, Clone, Copy)]
pub struct ForwardedClient(pub IpAddr);

/// Marks a request that is answered only on paths that are always open.
#[derive(Debug, Clone, Copy)]
pub struct OverShare;

impl Peers {
    pub fn new(limits: &ConnectionLimits) -> Arc<Self> {
        let share = limits.connections_max * usize::from(limits.peer_share_percent) / 100;
        Arc::new(Self {
            connections_max: limits.connections_max,
            share: share.max(1),
            trusted: limits.trusted_proxies.clone(),
            held: Mutex::default(),
        })
    }

    /// A place for a connection; `None` when all places are taken, or all that this address may hold.
    pub fn connect(self: &Arc<Self>, remote: IpAddr) -> Option<PeerPlace> {
        let address = (!self.is_trusted(remote)).then(|| share_key(remote));
        let mut held = self.held();
        if held.connections >= self.connections_max || !add(&mut held.by_address, address, self.share) {
            return None;
        }
        held.connections += 1;
        Some(self.place(address, PlaceKind::Connection))
    }

    /// A place for a connection over the limit; `None` when this address already holds its share of these.
    pub fn connect_spare(self: &Arc<Self>, remote: IpAddr) -> Option<PeerPlace> {
        let address = (!self.is_trusted(remote)).then(|| share_key(remote));
        let fits = add(&mut self.held().spare, address, SPARE_SHARE);
        fits.then(|| self.place(address, PlaceKind::Spare))
    }

    /// A place for a request that a proxy forwards; `None` when the client already holds its share.
    pub fn forward(self: &Arc<Self>, client: IpAddr) -> Option<PeerPlace> {
        let address = Some(share_key(client));
        let fits = add(&mut self.held().by_address, address, self.share);
        fits.then(|| self.place(address, PlaceKind::Request))
    }

    /// The address for which a trusted proxy forwards a request. `None` when the connection does not come from such a
    /// proxy, or when the request has neither header.
    pub fn forwarded(&self, remote: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if !self.is_trusted(remote) {
            return None;
        }
        let plain: Vec<&[u8]> = hops(headers, "x-forwarded-for").collect();
        let standard: Vec<&[u8]> = hops(headers, "forwarded").map(for_of).collect();
        match (plain.is_empty(), standard.is_empty()) {
            (true, true) => None,
            (false, true) => Some(self.nearest(remote, &plain)),
            (true, false) => Some(self.nearest(remote, &standard)),
            // A proxy writes one of them and passes the other on, which the client may have forged: they must agree.
            (false, false) => {
                let (plain, standard) = (self.nearest(remote, &plain), self.nearest(remote, &standard));
                Some(if plain == standard { plain } else { remote })
            }
        }
    }

    /// The last hop that is not a trusted proxy; the client may have forged the hops before it. A hop that cannot be
    /// read ends the search: then the hop after it counts, or the proxy itself.
    fn nearest(&self, remote: IpAddr, hops: &[&[u8]]) -> IpAddr {
        let mut nearest = remote;
        for hop in hops.iter().rev() {
            let Some(address) = address_of(hop) else { break };
            nearest = address;
            if !self.is_trusted(address) {
                break;
            }
        }
        nearest
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }

    fn place(self: &Arc<Self>, address: Option<IpAddr>, kind: PlaceKind) -> PeerPlace {
        PeerPlace {
            peers: self.clone(),
            address,
            kind,
        }
    }

    fn held(&self) -> MutexGuard<'_, HeldPlaces> {
        self.held.lock()
    }
}

/// Counts one more for an address; false when it already holds its share.
fn add(counts: &mut HashMap<IpAddr, usize>, address: Option<IpAddr>, share: usize) -> bool {
    let Some(address) = address else { return true };
    let count = counts.entry(address).or_default();
    let fits = *count < share;
    *count += usize::from(fits);
    fits
}

impl PeerPlace {
    /// True for a connection over the limit: it answers one request, and only on paths that are always open.
    pub fn is_spare(&self) -> bool {
        self.kind == PlaceKind::Spare
    }
}

impl Drop for PeerPlace {
    fn drop(&mut self) {
        let mut held = self.peers.held();
        held.connections -= usize::from(self.kind == PlaceKind::Connection);
        let counts = match self.kind {
            PlaceKind::Connection | PlaceKind::Request => &mut held.by_address,
            PlaceKind::Spare => &mut held.spare,
        };
        if let Some(address) = self.address
            && let Some(count) = counts.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}

/// The address that a share is counted for. An IPv6 client usually has a whole /64 network: all of it counts as one.
fn share_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn forwarded(headers: &[(&'static str, &[u8])]) -> Option<IpAddr> {
        let limits = ConnectionLimits {
            trusted_proxies: vec!["10.0.0.0/8".parse().expect("a network")],
            ..ConnectionLimits::default()
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value).expect("a header takes it"));
        }
        let peers = Peers::new(&limits);
        assert_eq!(
            peers.forwarded(address("192.0.2.9"), &map),
            None,
            "a stranger is believed"
        );
        peers.forwarded(address("10.0.0.1"), &map)
    }

    #[test]
    fn the_last_address_that_is_no_proxy_counts() {
        for (headers, expected) in [
            (&[][..], None),
            (&[("x-forwarded-for", "192.0.2.1")], Some("192.0.2.1")),
            (
                &[("x-forwarded-for", "1.1.1.1, 192.0.2.1, 10.0.0.2")],
                Some("192.0.2.1"),
            ),
            (
                &[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "192.0.2.1:80")],
                Some("192.0.2.1"),
            ),
            (&[("x-forwarded-for", "192.0.2.1, unknown, 10.0.0.2")], Some("10.0.0.2")),
            (&[("x-forwarded-for", "nonsense")], Some("10.0.0.1")),
            (
                &[("forwarded", "for=1.1.1.1, For=\"[2001:db8::1]:80\";proto=https")],
                Some("2001:db8::1"),
            ),
            (&[("forwarded", "proto=https")], Some("10.0.0.1")),
            (
                &[("forwarded", "for=192.0.2.1"), ("x-forwarded-for", "192.0.2.1")],
                Some("192.0.2.1"),
            ),
            (
                &[("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "192.0.2.1")],
                Some("10.0.0.1"),
            ),
        ] {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            assert_eq!(forwarded(&headers), expected.map(address), "{headers:?}");
        }
    }

    #[test]
    fn a_hop_that_cannot_be_read_hides_no_hop_behind_it() {
        for (headers, expected) in [
            (&[("x-forwarded-for", &b"\xff, 192.0.2.1"[..])][..], "192.0.2.1"),
            (&[("x-forwarded-for", b"1.1.1.1\x80,192.0.2.1, 10.0.0.2")], "192.0.2.1"),
            (
                &[("x-forwarded-for", b"\xff"), ("x-forwarded-for", b"192.0.2.1")],
                "192.0.2.1",
            ),
            (&[("x-forwarded-for", b"192.0.2.1, \xff, 10.0.0.2")], "10.0.0.2"),
            (&[("x-forwarded-for", b"192.0.2.1, \xff")], "10.0.0.1"),
            (&[("x-forwarded-for", b"\xff")], "10.0.0.1"),
            (&[("x-forwarded-for", b"")], "10.0.0.1"),
            (&[("forwarded", b"for=\xff, for=192.0.2.1;host=\xff")], "192.0.2.1"),
            (&[("forwarded", b"for=\xff")], "10.0.0.1"),
            (
                &[("forwarded", b"for=192.0.2.1;host=\"a, for=1.1.1.1, b\"")],
                "10.0.0.1",
            ),
            (&[("forwarded", b"\xff"), ("x-forwarded-for", b"192.0.2.1")], "10.0.0.1"),
        ] {
            assert_eq!(forwarded(headers), Some(address(expected)), "{headers:?}");
        }
    }

    #[test]
    fn a_share_is_held_and_given_back() {
        let limits = ConnectionLimits {
            connections_max: 5,
            ..ConnectionLimits::default()
        };
        let peers = Peers::new(&limits);
        let mut ana = vec![
            peers.connect(address("2001:db8::1")),
            peers.connect(address("2001:db8::2")),
        ];
        assert!(ana.iter().all(Option::is_some));
        assert!(
            peers.connect(address("2001:db8::3")).is_none(),
            "one network is one holder"
        );
        let ben: Vec<_> = (0..2).map(|_| peers.connect(address("192.0.2.1"))).collect();
        let _eve = peers.connect(address("192.0.2.2"));
        assert!(peers.connect(address("192.0.2.3")).is_none(), "all five are taken");
        ana.clear();
        assert!(peers.connect(address("2001:db8::3")).is_some());
        drop(ben);
        assert_eq!(peers.held().by_address.len(), 1);
    }
    #[test]
    fn spare_connections_are_shared_as_well() {
        let peers = Peers::new(&ConnectionLimits::default());
        let mut ana: Vec<_> = (0..SPARE_SHARE)
            .map(|_| peers.connect_spare(address("192.0.2.1")))
            .collect();
        assert!(ana.iter().all(Option::is_some));
        assert!(peers.connect_spare(address("192.0.2.1")).is_none());
        assert!(peers.connect_spare(address("192.0.2.2")).is_some());
        ana.pop();
        assert!(peers.connect_spare(address("192.0.2.1")).is_some());
        ana.clear();
        assert!(peers.held().spare.is_empty(), "places are given back");
    }
}
