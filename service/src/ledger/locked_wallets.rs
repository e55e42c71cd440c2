//! Wallets that another session has locked for longer than a batch waits, so that only the commands on them wait.

use std::collections::HashSet;

use super::types::Command;
use crate::values::WalletId;

/// Wallets that were found locked when they were looked at last.
#[derive(Default)]
pub(super) struct LockedWallets(HashSet<WalletId>);

impl LockedWallets {
    /// Beyond this all are forgotten: the next batch that meets a lock finds its wallets again.
    const MAX: usize = 10_000;

    /// Notes which of the wallets that were looked at are locked now.
    pub fn replace(&mut self, looked_at: &[WalletId], locked: Vec<WalletId>) {
        if self.0.is_empty() && locked.is_empty() {
            return;
        }
        for wallet in looked_at {
            self.0.remove(wallet);
        }
        if self.0.len() + locked.len() > Self::MAX {
            self.0.clear();
        }
        self.0.extend(locked);
    }

    /// True when a command needs a locked wallet.
    pub fn stops(&self, command: &Command) -> bool {
        !self.0.is_empty() && command.action.wallets().any(|wallet| self.0.contains(&wallet))
    }
}
