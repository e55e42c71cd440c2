//! Wallets that another session has locked for longer than a batch waits, so that only the commands on them wait.

use std::collections::HashSet;

use super::batch::Batches;
use super::metrics::Metrics;
use super::tries::wallet_ids;
use super::types::Command;
use crate::db::Fault;
use crate::values::WalletId;

/// Wallets that were found locked when they were looked at last.
#[derive(Default)]
pub(super) struct LockedWallets(HashSet<WalletId>);

impl LockedWallets {
    /// Beyond this all are forgotten: the next batch that meets a lock finds its wallets again.
    const MAX: usize = 10_000;

    /// Those of the commands' wallets that were found locked, in id order.
    pub fn among<'a>(&self, commands: impl Iterator<Item = &'a Command>) -> Vec<WalletId> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let wallets = commands.flat_map(|command| command.action.wallets());
        let mut found: Vec<WalletId> = wallets.filter(|wallet| self.0.contains(wallet)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Notes which of the wallets that were looked at are locked now.
    pub fn replace(&mut self, looked_at: &[WalletId], locked: Vec<WalletId>) {
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
        command.action.wallets().any(|wallet| self.0.contains(&wallet))
    }
}

impl Batches {
    /// The places of those commands that touch no locked wallet. Wallets that were found locked are looked at again.
    pub(super) async fn free_of_locks(
        &mut self,
        places: Vec<usize>,
        commands: &[Command],
    ) -> Result<Vec<usize>, (Vec<usize>, Fault)> {
        let suspects = self.locked.among(places.iter().map(|place| &commands[*place]));
        if suspects.is_empty() {
            return Ok(places);
        }
        match self.repo.find_locked(&suspects).await {
            Ok(locked) => self.locked.replace(&suspects, locked),
            Err(fault) => return Err((places, fault)),
        }
        let mut places = places;
        let taken = places.len();
        places.retain(|place| !self.locked.stops(&commands[*place]));
        Metrics::add(&self.metrics.set_aside, taken - places.len());
        Ok(places)
    }

    /// Looks which of a batch's wallets are locked by another session; false when none is.
    pub(super) async fn note_locked(&mut self, batch: &[&Command]) -> Result<bool, Fault> {
        let ids = wallet_ids(batch);
        let locked = self.repo.find_locked(&ids).await?;
        let found_any = !locked.is_empty();
        self.locked.replace(&ids, locked);
        Ok(found_any)
    }
}
