//! Wallets that another session has locked for longer than a batch waits, so that only the commands on them wait.

use std::collections::HashMap;

use super::attempts::{Originals, may_use, wallets_of};
use super::types::{Command, Wallet};
use crate::values::WalletId;

/// Wallets that another session had locked when they were last read, as they were then.
#[derive(Default)]
pub(super) struct LockedWallets(HashMap<WalletId, Wallet>);

impl LockedWallets {
    /// Beyond this number all are forgotten: the next batch that meets a lock finds its wallets again.
    const MAX: usize = 10_000;

    /// Notes which of the wallets that were checked are locked now.
    pub fn replace(&mut self, looked_at: &[WalletId], locked: Vec<Wallet>) {
        if self.0.is_empty() && locked.is_empty() {
            return;
        }
        for wallet in looked_at {
            self.0.remove(wallet);
        }
        if self.0.len() + locked.len() > Self::MAX {
            self.0.clear();
        }
        self.0.extend(locked.into_iter().map(|wallet| (wallet.id, wallet)));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if a command needs a locked wallet. It does not need one that its actor may not use: that is answered at
    /// once, like a wallet that does not exist.
    pub fn stops(&self, command: &Command, originals: &Originals) -> bool {
        let is_locked = |id| {
            self.0
                .get(&id)
                .is_some_and(|wallet| may_use(command, wallet, originals))
        };
        !self.0.is_empty() && wallets_of(command, originals).any(is_locked)
    }

    /// True if a command may need a locked wallet, before it is known which transfer it refers to.
    pub fn may_stop(&self, command: &Command) -> bool {
        !self.0.is_empty() && (command.action.original().is_some() || self.stops(command, &Originals::new()))
    }
}
