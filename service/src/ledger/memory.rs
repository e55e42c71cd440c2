//! What the committer remembers between batches: the head and the wallets. The wallets are right while that head is the
//! journal's newest row. Once other processes have moved the head, the next turn gives the wallets that they changed.

use quick_cache::unsync::Cache;

use super::attempts::{hidden_wallets, wallet_ids};
use super::book::Writes;
use super::store::{ChangedWallet, TurnRequest};
use super::types::{Command, Wallet};
use crate::journal::{Head, LedgerIdentity};
use crate::values::WalletId;

/// The most wallets that are remembered; each takes about 250 bytes.
const REMEMBERED_MAX: usize = 100_000;

pub(super) struct Memory {
    /// Read with the first turn, and again after a lost connection.
    pub identity: Option<LedgerIdentity>,
    /// `None` until the first turn, and after `forget`.
    pub head: Option<Head>,
    /// The newest row that this process wrote or saw. If the database lacks it, or has another digest under its number,
    /// it has lost commits.
    pub last_row: Option<Head>,
    /// Beyond its bound it drops the wallets that are used least.
    wallets: Cache<WalletId, Wallet>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            identity: None,
            head: None,
            last_row: None,
            wallets: Cache::new(REMEMBERED_MAX),
        }
    }
}

impl Memory {
    /// Notes a commit of this process: its row is the head now, and its wallets are remembered as it wrote them.
    pub fn note_commit(&mut self, head: Head, writes: Writes) {
        self.note_head(head);
        let updated = writes.updated.into_iter().map(|update| update.now);
        for wallet in updated.chain(writes.opened) {
            self.wallets.insert(wallet.id, wallet);
        }
    }

    /// How far this memory reaches, so that the turn gives only what came after.
    pub fn turn_request(&self) -> TurnRequest {
        TurnRequest {
            last_row: self.last_row.map_or(-1, |row| row.number),
            since: self.head.filter(|_| !self.wallets.is_empty()).map(|head| head.last_id),
        }
    }

    /// The wallets of these commands that are remembered, and the ids of the others. Some wallets are always among the
    /// others, because they must be read:
    /// - a wallet that a command may not use: otherwise its answer would come sooner than that for a wallet that does
    ///   not exist, and so reveal it;
    /// - a wallet whose status is to change: if it has that status already, nothing is written, and no check would find
    ///   that a person has changed the wallet meanwhile.
    pub fn recall(&self, commands: &[&Command]) -> (Vec<Wallet>, Vec<WalletId>) {
        let changes = commands.iter().filter(|command| command.action.is_change());
        let mut to_read = hidden_wallets(commands, |id| self.wallets.peek(id));
        to_read.extend(changes.flat_map(|command| command.action.wallets()));
        let (mut wallets, mut missing) = (Vec::new(), Vec::new());
        for id in wallet_ids(commands) {
            match self.wallets.get(&id) {
                Some(wallet) if !to_read.contains(&id) => wallets.push(wallet.clone()),
                _ => missing.push(id),
            }
        }
        (wallets, missing)
    }

    /// Notes the head, and the wallets that other processes changed up to it. `None` means too many: all wallets are
    /// forgotten.
    pub fn catch_up(&mut self, head: Head, moved: Option<Vec<ChangedWallet>>) {
        match moved {
            Some(moved) => {
                for moved in moved {
                    if let Some(mut wallet) = self.wallets.peek_mut(&moved.id) {
                        moved.apply_to(&mut wallet);
                    }
                }
            }
            None => self.wallets.clear(),
        }
        self.note_head(head);
    }

    /// Forgets the head and the wallets, and keeps the identity and the newest row that was seen.
    pub fn forget(&mut self) {
        self.head = None;
        self.wallets.clear();
    }

    pub fn forget_wallets(&mut self) {
        self.wallets.clear();
    }

    fn note_head(&mut self, head: Head) {
        self.head = Some(head);
        self.last_row = Some(head);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Currency, Money, Timestamp, UserId, Version, WalletStatus};

    fn wallet(number: usize) -> Wallet {
        let id = WalletId(uuid::Uuid::from_u128(number as u128));
        Wallet {
            id,
            owner: Some(UserId(id.0)),
            method: None,
            currency: Currency::from_code("USD").expect("USD is a currency"),
            status: WalletStatus::Active,
            balance: Money::ZERO,
            held: Money::ZERO,
            version: Version(0),
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }

    /// A busy bank has more wallets than are remembered. Forgetting all of them at once would slow it down at each bound.
    #[test]
    fn wallets_beyond_the_bound_push_out_single_ones() {
        let mut memory = Memory::default();
        for number in 0..REMEMBERED_MAX + 1_000 {
            let wallet = wallet(number);
            memory.wallets.insert(wallet.id, wallet);
        }
        assert!(memory.wallets.len() > REMEMBERED_MAX * 9 / 10);
        assert!(memory.wallets.len() <= REMEMBERED_MAX);
    }
}
