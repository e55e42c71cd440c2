//! To which addresses webhooks may go. Pure.
//!
//! A customer names the host, and the bank connects from inside its own network. So by default only addresses that the
//! whole internet can reach are allowed, and not those that a network translates into others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ::url::Host;
use ipnet::{Ipv4Net, Ipv6Net};

/// To which addresses webhooks may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressPolicy {
    /// To public addresses.
    PublicOnly,
    /// To every address, also of the bank's own network and machine. For development, and for receivers in the same
    /// network.
    PrivateToo,
}

impl AddressPolicy {
    /// True when private addresses are allowed, and requests without TLS with them.
    #[must_use]
    pub fn allows_private(self) -> bool {
        match self {
            Self::PublicOnly => false,
            Self::PrivateToo => true,
        }
    }

    /// Whether a connection to this address is allowed.
    #[must_use]
    pub fn admits(self, address: IpAddr) -> bool {
        self.allows_private() || is_public(address)
    }

    /// Whether a name with these addresses is allowed: it has at least one, and each is allowed. One private address
    /// refuses the whole name: otherwise chance, or a failing public address, would lead a connection to the private one.
    #[must_use]
    pub fn admits_all(self, addresses: &[IpAddr]) -> bool {
        !addresses.is_empty() && addresses.iter().all(|address| self.admits(*address))
    }

    /// Whether the host of a URL is allowed, as far as its text says. The addresses of a name are checked when it is
    /// connected to.
    pub(super) fn admits_host(self, host: &Host<&str>) -> bool {
        match host {
            Host::Ipv4(address) => self.admits(IpAddr::V4(*address)),
            Host::Ipv6(address) => self.admits(IpAddr::V6(*address)),
            Host::Domain(name) => self.allows_private() || !is_localhost(name),
        }
    }
}

/// True for the names that mean the machine itself wherever they are looked up (RFC 6761). URLs have them in lower case.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// True for an address that the whole internet can reach, and that is not the way to another address.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !CLOSED_V4.iter().any(|closed| closed.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !CLOSED_V6.iter().any(|closed| closed.contains(&address))
        }
    }
}

/// After IANA's registry of special-purpose addresses.
const CLOSED_V4: [Ipv4Net; 16] = [
    // This network. Linux connects 0.0.0.0 to the machine itself.
    v4([0, 0, 0, 0], 8),
    // Private networks.
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    // Behind a provider's address translation; one cloud has its metadata there.
    v4([100, 64, 0, 0], 10),
    // The machine itself.
    v4([127, 0, 0, 0], 8),
    // The link, and the metadata of most clouds.
    v4([169, 254, 0, 0], 16),
    // Of protocols; one cloud has its metadata there.
    v4([192, 0, 0, 0], 24),
    // The host of a virtual machine in one cloud, although the range is a public one.
    v4([168, 63, 129, 16], 32),
    // Relays from IPv6, which are given up.
    v4([192, 88, 99, 0], 24),
    // Measurements inside a network.
    v4([198, 18, 0, 0], 15),
    // Documentation.
    v4([192, 0, 2, 0], 24),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    // Groups of receivers.
    v4([224, 0, 0, 0], 4),
    // Reserved, and all machines of a network.
    v4([240, 0, 0, 0], 4),
];

/// All global addresses of single machines. Outside of it are the machine itself, the link (`fe80::/10`), private networks
/// (`fc00::/7`), groups (`ff00::/8`), and IPv4 addresses in IPv6 (`::/96`, `::ffff:0:0/96`, `64:ff9b::/96`,
/// `64:ff9b:1::/48`).
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

const CLOSED_V6: [Ipv6Net; 4] = [
    // Of protocols. One of them, Teredo (`2001::/32`), carries an IPv4 address.
    v6([0x2001, 0, 0], 23),
    // Documentation.
    v6([0x2001, 0xdb8, 0], 32),
    v6([0x3fff, 0, 0], 20),
    // An IPv4 address follows, to which a relay passes the packet on (6to4).
    v6([0x2002, 0, 0], 16),
];

const fn v4(address: [u8; 4], bits: u8) -> Ipv4Net {
    let [a, b, c, d] = address;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(begin: [u16; 3], bits: u8) -> Ipv6Net {
    let [a, b, c] = begin;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text} is an address"))
    }

    #[test]
    fn addresses_that_only_a_part_of_the_internet_reaches_are_refused() {
        for text in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:93.184.215.14",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff::",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:5db8:d70e::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!AddressPolicy::PublicOnly.admits(address(text)), "{text}");
            assert!(AddressPolicy::PrivateToo.admits(address(text)), "{text}");
        }
    }

    #[test]
    fn public_addresses_are_allowed_up_to_the_edges_of_the_others() {
        for text in [
            "1.0.0.0",
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "93.184.215.14",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "3ffe:ffff::1",
        ] {
            assert!(AddressPolicy::PublicOnly.admits(address(text)), "{text}");
        }
    }

    #[test]
    fn one_refused_address_refuses_the_name() {
        let admits = |texts: &[&str]| {
            let addresses: Vec<IpAddr> = texts.iter().map(|text| address(text)).collect();
            [AddressPolicy::PublicOnly, AddressPolicy::PrivateToo].map(|policy| policy.admits_all(&addresses))
        };
        assert_eq!(admits(&["93.184.215.14", "2606:4700:4700::1111"]), [true, true]);
        assert_eq!(admits(&["93.184.215.14", "127.0.0.1"]), [false, true]);
        assert_eq!(admits(&["fd00::1", "93.184.215.14"]), [false, true]);
        assert_eq!(admits(&[]), [false, false]);
    }

    #[test]
    fn the_machine_is_refused_by_its_name_too() {
        for (name, is_refused) in [
            ("localhost", true),
            ("localhost.", true),
            ("bank.localhost", true),
            ("localhost.example", false),
            ("notlocalhost", false),
            ("example.com", false),
        ] {
            let host = Host::Domain(name);
            assert_eq!(AddressPolicy::PublicOnly.admits_host(&host), !is_refused, "{name}");
            assert!(AddressPolicy::PrivateToo.admits_host(&host), "{name}");
        }
    }
}
