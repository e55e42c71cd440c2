//! What a new API key may be: the rules for each of its fields. Pure.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{SubsecRound, TimeDelta};
use ipnet::{IpNet, Ipv4Net};

use crate::actor::{Actor, Permission, Permissions};
use crate::characters::plain_name;
use crate::values::{Timestamp, WalletId};

/// The most characters of a key's name.
pub const KEY_NAME_MAX: usize = 100;
/// The most wallets that a key may be limited to.
pub const KEY_WALLETS_MAX: usize = 100;
/// The most addresses and networks that a key may be limited to.
pub const KEY_ADDRESSES_MAX: usize = 20;
/// The most days until a key expires: ten years.
pub const KEY_DAYS_MAX: i64 = 3_653;

/// A key as a person asks for it.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// What the key is for, in the owner's words.
    pub name: String,
    /// Words of permissions.
    pub scopes: Vec<String>,
    /// The only wallets that it may use; `None` for every wallet that the owner may use.
    pub wallets: Option<Vec<WalletId>>,
    /// IP addresses and networks, from which alone it may be used; `None` for any.
    pub addresses: Option<Vec<String>>,
    /// When it ends by itself; `None` for never.
    pub expires_at: Option<Timestamp>,
}

/// Why a field of a new key is refused. An index counts from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewKeyFault {
    /// The name is not 1 to `KEY_NAME_MAX` visible characters.
    Name,
    /// No scope is named, or more than there are.
    ScopeCount,
    /// A scope is not the word of a permission.
    UnknownScope {
        /// Its place in the list.
        index: usize,
        /// What the caller named.
        word: String,
    },
    /// A key never has this permission: only a person who has signed in does.
    UngrantableScope {
        /// Its place in the list.
        index: usize,
        /// The permission.
        permission: Permission,
    },
    /// The owner does not have this permission.
    ScopeNotHeld {
        /// Its place in the list.
        index: usize,
        /// The permission.
        permission: Permission,
    },
    /// A key that is limited to some wallets may open no others.
    OpensWallets {
        /// The place of `wallets:open` in the list of scopes.
        index: usize,
    },
    /// The list of wallets is empty, or has more than `KEY_WALLETS_MAX`.
    WalletCount,
    /// There is no such wallet, or the owner may not use it.
    UnknownWallet {
        /// Its place in the list.
        index: usize,
    },
    /// The list of addresses is empty, or has more than `KEY_ADDRESSES_MAX`.
    AddressCount,
    /// A text is neither an IP address nor a network.
    Address {
        /// Its place in the list.
        index: usize,
    },
    /// The key would have expired already.
    ExpiresTooEarly,
    /// The key would expire more than ten years from now.
    ExpiresTooLate,
}

/// A new key whose fields are good, but for its wallets: only the database knows them.
pub(super) struct CheckedKey {
    pub name: String,
    pub scopes: Permissions,
    pub wallets: Option<Vec<WalletId>>,
    pub networks: Option<Arc<[IpNet]>>,
    pub expires_at: Option<Timestamp>,
}

/// Checks every field, and names all that are refused, in their order.
pub(super) fn check(new: NewApiKey, actor: &Actor, now: Timestamp) -> Result<CheckedKey, Vec<NewKeyFault>> {
    let mut faults = Vec::new();
    let name = key_name(&new.name);
    if name.is_none() {
        faults.push(NewKeyFault::Name);
    }
    let scopes = scopes_of(&new.scopes, actor, &mut faults);
    if new.wallets.is_some() && scopes.contains(Permission::WalletsOpen) {
        let opens = |word: &String| word == Permission::WalletsOpen.as_str();
        let index = new.scopes.iter().position(opens);
        faults.extend(index.map(|index| NewKeyFault::OpensWallets { index }));
    }
    if let Some(wallets) = &new.wallets
        && !(1..=KEY_WALLETS_MAX).contains(&wallets.len())
    {
        faults.push(NewKeyFault::WalletCount);
    }
    let networks = new.addresses.map(|texts| networks_of(&texts, &mut faults));
    let expires_at = new.expires_at.map(|time| time.trunc_subsecs(6));
    match expires_at {
        Some(time) if time <= now => faults.push(NewKeyFault::ExpiresTooEarly),
        Some(time) if time - now > TimeDelta::days(KEY_DAYS_MAX) => faults.push(NewKeyFault::ExpiresTooLate),
        Some(_) | None => {}
    }
    match name {
        Some(name) if faults.is_empty() => Ok(CheckedKey {
            name,
            scopes,
            wallets: new.wallets,
            networks,
            expires_at,
        }),
        Some(_) | None => Err(faults),
    }
}

fn key_name(text: &str) -> Option<String> {
    plain_name(text, KEY_NAME_MAX)
}

fn scopes_of(words: &[String], actor: &Actor, faults: &mut Vec<NewKeyFault>) -> Permissions {
    if !(1..=Permission::ALL.len()).contains(&words.len()) {
        faults.push(NewKeyFault::ScopeCount);
        return Permissions::NONE;
    }
    let mut scopes = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        match Permission::from_word(word) {
            None => {
                let word = word.clone();
                faults.push(NewKeyFault::UnknownScope { index, word });
            }
            Some(permission) if !permission.is_grantable() => {
                faults.push(NewKeyFault::UngrantableScope { index, permission });
            }
            Some(permission) if !actor.may(permission) => {
                faults.push(NewKeyFault::ScopeNotHeld { index, permission });
            }
            Some(permission) => scopes.push(permission),
        }
    }
    Permissions::from_iter(scopes)
}

fn networks_of(texts: &[String], faults: &mut Vec<NewKeyFault>) -> Arc<[IpNet]> {
    if !(1..=KEY_ADDRESSES_MAX).contains(&texts.len()) {
        faults.push(NewKeyFault::AddressCount);
        return Arc::default();
    }
    let mut networks = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match network_of(text) {
            Some(network) => networks.push(network),
            None => faults.push(NewKeyFault::Address { index }),
        }
    }
    networks.sort_unstable();
    networks.dedup();
    networks.into()
}

/// Reads an address, which is a network of one, or a network such as `192.0.2.0/24`. Bits behind the prefix are cleared.
pub(super) fn network_of(text: &str) -> Option<IpNet> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let network = match prefix {
        None => IpNet::from(address),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            IpNet::new(address, digits.parse().ok()?).ok()?
        }
        Some(_) => return None,
    };
    Some(canonical(network.trunc()))
}

/// IPv4 inside of IPv6 as IPv4: a server that listens on both sees the clients of either so.
fn canonical(network: IpNet) -> IpNet {
    const MAPPED_PREFIX: u8 = 96;
    let mapped = match network {
        IpNet::V4(_) => None,
        IpNet::V6(network) => network.addr().to_ipv4_mapped().and_then(|address| {
            let prefix = network.prefix_len().checked_sub(MAPPED_PREFIX)?;
            Ipv4Net::new(address, prefix).ok()
        }),
    };
    mapped.map_or(network, IpNet::V4)
}

/// The text that `network_of` reads back: of a network of one, the address alone.
#[must_use]
pub fn network_text(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

/// True when the address is in one of the networks. An address that is not known is in none.
pub(super) fn are_around(networks: &[IpNet], address: Option<IpAddr>) -> bool {
    address.is_some_and(|address| {
        let address = address.to_canonical();
        networks.iter().any(|network| network.contains(&address))
    })
}

/// For how long the old secret of a key stays valid beside the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollOverlap(TimeDelta);

impl RollOverlap {
    /// The longest: seven days.
    pub const SECONDS_MAX: i64 = 7 * 24 * 60 * 60;
    /// What counts when the caller names none: a day.
    pub const SECONDS_DEFAULT: i64 = 24 * 60 * 60;

    /// From 0, which ends the old secret at once, to `SECONDS_MAX`; `None` for any other number.
    #[must_use]
    pub fn try_new(seconds: i64) -> Option<Self> {
        (0..=Self::SECONDS_MAX)
            .contains(&seconds)
            .then(|| Self(TimeDelta::seconds(seconds)))
    }

    /// When the old secret ends; `None` when that is at once.
    pub(super) fn end(self, now: Timestamp) -> Option<Timestamp> {
        (self.0 > TimeDelta::zero()).then(|| now + self.0)
    }
}

impl Default for RollOverlap {
    fn default() -> Self {
        Self(TimeDelta::seconds(Self::SECONDS_DEFAULT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Option<String> {
        network_of(text).map(|network| network_text(&network))
    }

    #[test]
    fn addresses_and_networks_have_one_form() {
        for (text, form) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8::1", "2001:db8::1"),
            ("2001:db8::1/64", "2001:db8::/64"),
            ("::/0", "::/0"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
            ("::ffff:0.0.0.0/95", "::fffe:0:0/95"),
        ] {
            assert_eq!(network(text).as_deref(), Some(form), "{text}");
            assert_eq!(network(form).as_deref(), Some(form), "{form}");
        }
        for bad in [
            "",
            "/",
            "/8",
            "192.0.2",
            "192.0.2.07",
            "192.0.2.0/",
            "192.0.2.0/33",
            "192.0.2.0/+8",
            "192.0.2.0/ 8",
            " 192.0.2.7",
            "192.0.2.0/24/8",
            "fe80::1%eth0",
            "::/129",
            "example.com",
            "192.0.2.7:80",
            "*",
        ] {
            assert_eq!(network(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_in_its_networks_however_it_is_written() {
        let networks = ["192.0.2.0/24", "2001:db8::/32"].map(|text| network_of(text).expect("it is a network"));
        let is_in = |text: &str| are_around(&networks, Some(text.parse().expect("it is an address")));
        assert!(is_in("192.0.2.255") && is_in("::ffff:192.0.2.1") && is_in("2001:db8:ffff::"));
        assert!(!is_in("192.0.3.0") && !is_in("2001:db9::") && !is_in("::ffff:192.0.3.0"));
        assert!(!are_around(&networks, None));
    }

    #[test]
    fn names_are_composed_and_have_plain_blanks() {
        assert_eq!(
            key_name(" cash\u{a0}register\u{3000}7 ").as_deref(),
            Some("cash register 7")
        );
        assert_eq!(key_name("Caf\u{65}\u{301}"), key_name("Caf\u{e9}"));
        assert!(key_name(&"\u{e4}".repeat(100)).is_some());
        for bad in ["", " ", "a\u{0}", "a\nb", "\u{200b}", "\u{301}", &"n".repeat(101)] {
            assert_eq!(key_name(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_overlap_has_bounds() {
        for good in [0, 1, RollOverlap::SECONDS_MAX] {
            assert!(RollOverlap::try_new(good).is_some());
        }
        for bad in [-1, RollOverlap::SECONDS_MAX + 1, i64::MIN, i64::MAX] {
            assert_eq!(RollOverlap::try_new(bad), None);
        }
        assert_eq!(RollOverlap::try_new(86_400), Some(RollOverlap::default()));
    }
}
