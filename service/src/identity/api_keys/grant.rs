//! What an API key allows, as it was read a moment ago. Pure.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::error::KeyRefusal;
use super::rules::are_around;
use crate::actor::{Actor, Permissions};
use crate::values::{ApiKeyId, Role, Timestamp, UserId, WalletId};

/// A key with what its owner is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyGrant {
    pub key: ApiKeyId,
    pub owner: UserId,
    pub role: Role,
    /// False for a revoked key, and for one whose owner is suspended.
    pub is_live: bool,
    pub scopes: Permissions,
    pub wallets: Option<Arc<[WalletId]>>,
    pub networks: Option<Arc<[IpNet]>>,
    /// When the key ends, or the secret that it was found by, whichever is earlier.
    pub ends_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

impl KeyGrant {
    /// The actor of a request from this address at this time. The time comes last, so that a stolen key tells nothing where
    /// it may not be used.
    pub fn actor(&self, address: Option<IpAddr>, now: Timestamp) -> Result<Actor, KeyRefusal> {
        let is_near = self
            .networks
            .as_ref()
            .is_none_or(|networks| are_around(networks, address));
        if !self.is_live || !is_near {
            return Err(KeyRefusal::Invalid);
        }
        if self.ends_at.is_some_and(|end| end <= now) {
            return Err(KeyRefusal::Expired);
        }
        let wallets = self.wallets.clone();
        Ok(Actor::with_key((self.owner, self.role), self.key, self.scopes, wallets))
    }
}
