//! Which wallets a list shows. Pure.

use crate::actor::{Actor, Permission};
use crate::values::{Currency, UserId, WalletId};

/// Whose wallets a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The wallets of one user.
    User(UserId),
    /// All wallets, system wallets included.
    Anyone,
}

impl Holder {
    /// The wallets that an actor may read: all with `wallets:read_all`, otherwise the actor's own.
    #[must_use]
    pub fn readable_by(actor: &Actor) -> Self {
        Self::of_those_who(Permission::WalletsReadAll, actor)
    }

    /// All wallets for an actor with a permission, otherwise the actor's own.
    pub(crate) fn of_those_who(may: Permission, actor: &Actor) -> Self {
        if actor.may(may) {
            Self::Anyone
        } else {
            Self::User(actor.user)
        }
    }
}

/// Which wallets a list shows: those that all of this admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletFilter {
    /// Whose wallets.
    pub holder: Holder,
    /// Those in this currency; any when `None`.
    pub currency: Option<Currency>,
    /// Those that a search finds; all when `None`.
    pub search: Option<WalletSearch>,
}

/// What a search for wallets finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletSearch {
    /// This wallet.
    pub wallet: Option<WalletId>,
    /// And those of these users: few, since they are sorted as a whole.
    pub owners: Vec<UserId>,
}

impl From<Holder> for WalletFilter {
    fn from(holder: Holder) -> Self {
        Self {
            holder,
            currency: None,
            search: None,
        }
    }
}
