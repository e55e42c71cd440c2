//! What the committer remembers between batches: the head, the wallets, and the open holds. They are right while that
//! head is the journal's newest row. Once other processes have moved the head, the next turn gives the wallets that they
//! changed, and the holds are forgotten.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use quick_cache::unsync::Cache;

use super::attempts::{Originals, hidden_wallets, wallet_ids};
use super::book::Writes;
use super::store::{ChangedWallet, TurnRequest};
use super::types::{Action, Command, Hold, Original, Transfer, Wallet};
use crate::journal::{Head, LedgerIdentity};
use crate::values::{Money, Timestamp, TransferId, WalletId};

/// The most wallets that are remembered; each takes about 250 bytes.
const REMEMBERED_MAX: usize = 100_000;
/// The most open holds that are remembered; each takes about 500 bytes, since its texts are left out.
const HOLDS_REMEMBERED_MAX: usize = 20_000;

pub(super) struct Memory {
    /// Read with the first turn, and again after a lost connection.
    pub identity: Option<LedgerIdentity>,
    /// `None` until the first turn, and after `forget`.
    pub head: Option<Head>,
    /// The newest row that this process wrote or saw. If the database lacks it, or has another digest under its number,
    /// it has lost commits.
    pub last_row: Option<Head>,
    /// Beyond its bound it drops the wallets that are used least.
    wallets: Cache<WalletId, RememberedWallet>,
    /// Open holds that this process made, for their captures, without their texts.
    holds: Cache<TransferId, Original>,
    /// What was read about wallets of the batch that is being decided: the first expiry of their open holds.
    expiries_read: HashMap<WalletId, Timestamp>,
}

struct RememberedWallet {
    wallet: Wallet,
    /// No open hold of the wallet expires before this; `None` if that is not known.
    first_expiry: Option<Timestamp>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            identity: None,
            head: None,
            last_row: None,
            wallets: Cache::new(REMEMBERED_MAX),
            holds: Cache::new(HOLDS_REMEMBERED_MAX),
            expiries_read: HashMap::new(),
        }
    }
}

impl Memory {
    /// Notes a commit of this process: its row is the head now, and its wallets and holds are remembered as it wrote
    /// them.
    pub fn note_commit(&mut self, head: Head, writes: Writes) {
        self.note_head(head);
        let mut expiries = HashMap::new();
        for hold in &writes.begun_holds {
            let first = expiries.entry(hold.wallet).or_insert(hold.expires_at);
            *first = hold.expires_at.min(*first);
        }
        for update in writes.updated {
            let before = if update.read.held == Money::ZERO {
                Some(Timestamp::MAX_UTC)
            } else {
                self.first_expiry(update.read.id)
            };
            let begun = expiries.get(&update.now.id).copied().unwrap_or(Timestamp::MAX_UTC);
            let remembered = RememberedWallet {
                first_expiry: before.map(|before| before.min(begun)),
                wallet: update.now,
            };
            self.wallets.insert(remembered.wallet.id, remembered);
        }
        for wallet in writes.opened {
            let first_expiry = Some(Timestamp::MAX_UTC);
            self.wallets
                .insert(wallet.id, RememberedWallet { wallet, first_expiry });
        }
        if !writes.begun_holds.is_empty() {
            let begun: HashMap<TransferId, Hold> = writes.begun_holds.iter().map(|hold| (hold.id, *hold)).collect();
            for transfer in &writes.transfers {
                if let Some(hold) = begun.get(&transfer.id).filter(|hold| hold.end.is_none()) {
                    let original = Original {
                        transfer: without_texts(transfer),
                        hold: Some(*hold),
                        reversed: Money::ZERO,
                    };
                    self.holds.insert(transfer.id, original);
                }
            }
        }
        for update in &writes.changed_holds {
            if update.now.end.is_some() {
                self.holds.remove(&update.now.id);
            } else if let Some(mut original) = self.holds.peek_mut(&update.now.id) {
                original.hold = Some(update.now);
            }
        }
        self.expiries_read.clear();
    }

    /// The transfers that these commands refer to, as far as they are remembered, and the ids of the others. Among the
    /// others is a hold that a command may not end or take back: otherwise its answer would come sooner than that for one
    /// that does not exist, and so reveal it.
    pub fn recall_originals(&self, commands: &[&Command]) -> (Originals, Vec<TransferId>) {
        let (mut known, mut missing) = (Originals::new(), HashSet::new());
        for command in commands {
            let Some(id) = command.action.original() else {
                continue;
            };
            let actor = &command.actor;
            let may_ask = |Original { transfer, .. }: &Original| {
                if matches!(command.action, Action::Reverse(_)) {
                    return transfer.is_reversed_by(actor);
                }
                let destination = self.wallets.peek(&transfer.destination);
                let owner = destination.and_then(|remembered| remembered.wallet.owner);
                transfer.is_settled_by(actor) || actor.owns(transfer.destination, owner)
            };
            match self.holds.get(&id) {
                Some(original) if may_ask(original) => {
                    known.insert(id, original.clone());
                }
                _ => {
                    missing.insert(id);
                }
            }
        }
        known.retain(|id, _| !missing.contains(id));
        (known, missing.into_iter().collect())
    }

    /// Of these wallets, those of which an open hold may expire up to a time.
    pub fn may_expire(&self, wallets: &[Wallet], until: Timestamp) -> Vec<WalletId> {
        let holding = wallets.iter().filter(|wallet| wallet.held > Money::ZERO);
        let due = holding.filter(|wallet| self.first_expiry(wallet.id).is_none_or(|first| first <= until));
        due.map(|wallet| wallet.id).collect()
    }

    /// Notes the first expiry of the open holds of these wallets, of which the database has told those that have any.
    pub fn note_expiries(&mut self, wallets: &[WalletId], expiries: &[(WalletId, Timestamp)]) {
        let none = wallets.iter().map(|wallet| (*wallet, Timestamp::MAX_UTC));
        for (wallet, first) in none.chain(expiries.iter().copied()) {
            self.expiries_read.insert(wallet, first);
            if let Some(mut remembered) = self.wallets.peek_mut(&wallet) {
                remembered.first_expiry = Some(first);
            }
        }
    }

    fn first_expiry(&self, wallet: WalletId) -> Option<Timestamp> {
        let read = self.expiries_read.get(&wallet).copied();
        read.or_else(|| {
            self.wallets
                .peek(&wallet)
                .and_then(|remembered| remembered.first_expiry)
        })
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
    /// - a wallet whose status or limits are to change: if they are as requested already, nothing is written, and no
    ///   check would find that a person has changed the wallet meanwhile.
    pub fn recall(&self, commands: &[&Command], originals: &Originals) -> (Vec<Wallet>, Vec<WalletId>) {
        let changes = commands.iter().filter(|command| command.action.is_change());
        let known = |id: &WalletId| self.wallets.peek(id).map(|remembered| &remembered.wallet);
        let mut to_read = hidden_wallets(commands, originals, known);
        to_read.extend(changes.flat_map(|command| command.action.wallets()));
        let (mut wallets, mut missing) = (Vec::new(), Vec::new());
        for id in wallet_ids(commands, originals) {
            match self.wallets.get(&id) {
                Some(remembered) if !to_read.contains(&id) => wallets.push(remembered.wallet.clone()),
                _ => missing.push(id),
            }
        }
        (wallets, missing)
    }

    /// Notes the head, and the wallets that other processes changed up to it. `None` means too many: all wallets are
    /// forgotten.
    pub fn catch_up(&mut self, head: Head, moved: Option<Vec<ChangedWallet>>) {
        self.expiries_read.clear();
        match moved {
            Some(moved) => {
                if !moved.is_empty() {
                    self.holds.clear();
                }
                for moved in moved {
                    if moved.is_limited {
                        self.wallets.remove(&moved.id);
                    } else if let Some(mut remembered) = self.wallets.peek_mut(&moved.id) {
                        remembered.first_expiry = None;
                        moved.apply_to(&mut remembered.wallet);
                    }
                }
            }
            None => self.forget_wallets(),
        }
        self.note_head(head);
    }

    /// Forgets the head and the wallets, and keeps the identity and the newest row that was seen.
    pub fn forget(&mut self) {
        self.head = None;
        self.forget_wallets();
    }

    /// Forgets the wallets and the holds.
    pub fn forget_wallets(&mut self) {
        self.wallets.clear();
        self.holds.clear();
        self.expiries_read.clear();
    }

    fn note_head(&mut self, head: Head) {
        self.head = Some(head);
        self.last_row = Some(head);
    }
}

/// No rule reads a hold's description and metadata, which may be 6 KB; a repeated request reads them from the database.
fn without_texts(transfer: &Arc<Transfer>) -> Arc<Transfer> {
    if transfer.description.is_none() && transfer.metadata.is_none() {
        return transfer.clone();
    }
    Arc::new(Transfer {
        description: None,
        metadata: None,
        ..Transfer::clone(transfer)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{
        Currency, RecordId, Sha256Digest, TransferKind, TransferStatus, UserId, Version, WalletStatus,
    };

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
            limits: None,
        }
    }

    /// A busy bank has more wallets than are remembered. Forgetting all of them at once would slow it down at each bound.
    #[test]
    fn wallets_beyond_the_bound_push_out_single_ones() {
        let mut memory = Memory::default();
        for number in 0..REMEMBERED_MAX + 1_000 {
            let wallet = wallet(number);
            let first_expiry = None;
            memory
                .wallets
                .insert(wallet.id, RememberedWallet { wallet, first_expiry });
        }
        assert!(memory.wallets.len() > REMEMBERED_MAX * 9 / 10);
        assert!(memory.wallets.len() <= REMEMBERED_MAX);
    }

    fn hold_with_texts(wallet: &Wallet) -> Transfer {
        Transfer {
            id: TransferId(uuid::Uuid::from_u128(2)),
            kind: TransferKind::Hold,
            status: TransferStatus::Pending,
            source: wallet.id,
            destination: wallet.id,
            amount: Money::MAX,
            currency: wallet.currency,
            method: None,
            description: Some("for the rent".to_owned()),
            metadata: Some(r#"{"order":"A-17"}"#.to_owned()),
            failure: None,
            parent: None,
            batch: None,
            created_by: None,
            api_key: None,
            request_id: None,
            released: None,
            key: None,
            request: None,
            texts: None,
            created_at: Timestamp::default(),
            expires_at: Some(Timestamp::MAX_UTC),
        }
    }

    #[test]
    fn a_hold_is_remembered_without_its_texts() {
        let transfer = Arc::new(hold_with_texts(&wallet(1)));
        let writes = Writes {
            transfers: vec![transfer.clone()],
            begun_holds: vec![Hold::begun(&transfer, Timestamp::MAX_UTC)],
            ..Writes::default()
        };
        let head = Head {
            number: 1,
            digest: Sha256Digest([0; 32]),
            last_id: RecordId(transfer.id.0),
            at: Timestamp::default(),
        };
        let mut memory = Memory::default();
        memory.note_commit(head, writes);
        let remembered = memory.holds.get(&transfer.id).expect("an open hold is remembered");
        let expected = Transfer {
            description: None,
            metadata: None,
            ..Transfer::clone(&transfer)
        };
        assert_eq!(*remembered.transfer, expected);
    }
}
