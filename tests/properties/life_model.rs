//! The plain bank of the property of all movements of money: its wallets, its records, and what follows from them as
//! time passes. `life_rules` decides. Shares no code with the ledger.

use std::collections::{BTreeMap, HashMap};

use service::values::{HoldEnd, TransferKind, TransferStatus, WalletStatus};

use crate::life_instructions::{Decision, Instruction, Reason};
use crate::model::Name;

/// The most that goes out of a wallet by one transfer, the amount of a UTC day, and the number of a UTC day.
pub type ModelLimits = [Option<i64>; 3];
/// A wallet as callers see it: balance, held, status, limits.
pub type SeenWallet = (i64, i64, WalletStatus, ModelLimits);
/// A wallet after a change, or the code of the refusal.
pub type ChangedWallet = Result<SeenWallet, &'static str>;

const DAY_SECONDS: i64 = 86_400;

/// The whole bank.
#[derive(Clone, Debug)]
pub struct LifeModel {
    /// The clock, in seconds since 1970.
    pub now: i64,
    pub wallets: BTreeMap<Name, ModelWallet>,
    /// In the order of their ids. The releases of holds that ran out are not among them: see `expired`.
    pub records: Vec<Record>,
    /// The number of batches so far, refused ones included.
    pub batches: usize,
    /// What used each asker's keys up.
    pub keys: HashMap<(usize, u8), (Instruction, Decision)>,
}

#[derive(Clone, Debug)]
pub struct ModelWallet {
    /// `None` for a system wallet.
    pub owner: Option<usize>,
    pub currency: u8,
    pub balance: i64,
    pub status: WalletStatus,
    pub limits: ModelLimits,
    /// Of each entry its record, its amount, and the balance after it.
    pub entries: Vec<(usize, i64, i64)>,
}

/// A transfer that was made, or the record of a refused one.
#[derive(Clone, Debug)]
pub struct Record {
    pub kind: TransferKind,
    pub sides: (Name, Name),
    pub units: i64,
    pub failure: Option<Reason>,
    /// What a release, or a final capture, gave back.
    pub released: i64,
    pub parent: Option<usize>,
    pub batch: Option<usize>,
    pub asker: usize,
    /// The UTC day on which it was made.
    pub day: i64,
    /// Of a hold that was made.
    pub hold: Option<HoldState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldState {
    pub remaining: i64,
    pub captured: i64,
    /// The second in which it ends by itself.
    pub expires_at: i64,
    pub end: Option<HoldEnd>,
}

impl ModelWallet {
    fn new(owner: Option<usize>, currency: u8) -> Self {
        Self {
            owner,
            currency,
            balance: 0,
            status: WalletStatus::Active,
            limits: [None; 3],
            entries: Vec::new(),
        }
    }
}

impl Record {
    /// True for a transfer of this kind that was not refused.
    pub fn is_made(&self, kind: TransferKind) -> bool {
        self.kind == kind && self.failure.is_none()
    }

    /// The status that the contract says: of a hold PENDING while something is held, then COMPLETED if anything was
    /// captured.
    pub fn status(&self) -> TransferStatus {
        if self.failure.is_some() {
            return TransferStatus::Failed;
        }
        match self.hold {
            None => TransferStatus::Completed,
            Some(hold) if hold.end.is_none() => TransferStatus::Pending,
            Some(hold) if hold.captured == 0 => TransferStatus::Failed,
            Some(_) => TransferStatus::Completed,
        }
    }
}

impl LifeModel {
    pub fn new(now: i64) -> Self {
        Self {
            now,
            wallets: BTreeMap::new(),
            records: Vec::new(),
            batches: 0,
            keys: HashMap::new(),
        }
    }

    /// Opens a wallet; an open one stays as it is.
    pub fn open(&mut self, name: Name, owner: Option<usize>, currency: u8) {
        self.wallets
            .entry(name)
            .or_insert_with(|| ModelWallet::new(owner, currency));
    }

    /// The UTC day.
    pub fn today(&self) -> i64 {
        self.now.div_euclid(DAY_SECONDS)
    }

    /// Lets at least this many seconds pass. Gives how many did, and how many holds have run out.
    ///
    /// Time never stops in the second in which an open hold ends. The bank dates each record a microsecond after the
    /// one before, so a hold ends some microseconds into its last second, and the answer within that second would
    /// depend on the number of records. In every other second the hold is surely open or surely over. The clock shows
    /// whole seconds, and a UTC day begins with one, so the day of a record is never in doubt.
    pub fn pass(&mut self, seconds: i64) -> (i64, usize) {
        let mut to = self.now + seconds;
        while self.open_holds().any(|hold| hold.expires_at == to) {
            to += 1;
        }
        let passed = to - self.now;
        self.now = to;
        let mut expired = 0;
        for hold in self.records.iter_mut().filter_map(|record| record.hold.as_mut()) {
            if hold.end.is_none() && hold.expires_at < to {
                (hold.remaining, hold.end) = (0, Some(HoldEnd::Expired));
                expired += 1;
            }
        }
        (passed, expired)
    }

    pub fn open_holds(&self) -> impl Iterator<Item = &HoldState> {
        let holds = self.records.iter().filter_map(|record| record.hold.as_ref());
        holds.filter(|hold| hold.end.is_none())
    }

    /// The holds that ran out, and what their releases gave back.
    pub fn expired(&self) -> impl Iterator<Item = (usize, i64)> {
        self.records.iter().enumerate().filter_map(|(index, record)| {
            let hold = record.hold.filter(|hold| hold.end == Some(HoldEnd::Expired))?;
            Some((index, record.units - hold.captured))
        })
    }

    pub fn held(&self, wallet: Name) -> i64 {
        let of_wallet = self.records.iter().filter(|record| record.sides.0 == wallet);
        of_wallet
            .filter_map(|record| record.hold)
            .map(|hold| hold.remaining)
            .sum()
    }

    /// What a wallet's owner can spend; zero without a wallet.
    pub fn available(&self, wallet: Name) -> i64 {
        self.wallets
            .get(&wallet)
            .map_or(0, |account| account.balance - self.held(wallet))
    }

    /// The sum of what reversals took back of a transfer.
    pub fn reversed(&self, original: usize) -> i64 {
        let reversals = self
            .records
            .iter()
            .filter(|record| record.parent == Some(original) && record.is_made(TransferKind::Reversal));
        reversals.map(|reversal| reversal.units).sum()
    }

    /// The amount and the number of what went out of a wallet today: transfers, withdrawals, and of holds what is held
    /// or captured. A hold of today that ended without a capture is not counted.
    pub fn outflow(&self, wallet: Name) -> (i64, i64) {
        let mut sums = (0, 0);
        for record in self.outgoing(wallet) {
            let (amount, count) = match record.hold {
                None => (record.units, 1),
                Some(hold) if hold.end.is_some() && hold.captured == 0 => (0, 0),
                Some(hold) => (hold.remaining + hold.captured, 1),
            };
            sums = (sums.0 + amount, sums.1 + count);
        }
        sums
    }

    /// The first limit that the draft passes. Captures, reversals and deposits count against none.
    pub fn limit_passed(&self, draft: &Record) -> Option<Reason> {
        match draft.kind {
            TransferKind::Transfer | TransferKind::Withdrawal | TransferKind::Hold => {}
            TransferKind::Deposit | TransferKind::Reversal | TransferKind::Release | TransferKind::Capture => {
                return None;
            }
        }
        let [per_transfer, per_day, count] = self.wallets[&draft.sides.0].limits;
        let (gone, transfers) = self.outflow(draft.sides.0);
        let left = |limit: i64| (limit - gone).max(0);
        if let Some(limit) = per_transfer.filter(|limit| draft.units > *limit) {
            return Some(("limit_exceeded/per_transfer", Some(limit)));
        }
        if let Some(limit) = per_day.filter(|limit| draft.units > left(*limit)) {
            return Some(("limit_exceeded/per_day_amount", Some(left(limit))));
        }
        let is_passed = count.is_some_and(|limit| transfers >= limit);
        is_passed.then_some(("limit_exceeded/per_day_count", Some(0)))
    }

    /// True if more went out of a wallet today than its limit allows, which it only can after something came back.
    pub fn has_spent_what_came_back(&self, wallet: Name) -> bool {
        let gone: i64 = self.outgoing(wallet).map(|record| record.units).sum();
        self.wallets[&wallet].limits[1].is_some_and(|limit| gone > limit)
    }

    /// What of today counts against a wallet's limits.
    fn outgoing(&self, wallet: Name) -> impl Iterator<Item = &Record> {
        let today = self.today();
        self.records.iter().filter(move |record| {
            let counts = match record.kind {
                TransferKind::Transfer | TransferKind::Withdrawal | TransferKind::Hold => record.failure.is_none(),
                TransferKind::Deposit | TransferKind::Reversal | TransferKind::Release | TransferKind::Capture => false,
            };
            counts && record.sides.0 == wallet && record.day == today
        })
    }

    pub fn seen(&self, name: Name) -> SeenWallet {
        let wallet = &self.wallets[&name];
        (wallet.balance, self.held(name), wallet.status, wallet.limits)
    }

    /// Freezes, unfreezes or closes a customer's wallet.
    pub fn set_status(&mut self, name: Name, to: WalletStatus) -> ChangedWallet {
        let (balance, held, status, _) = self.seen(name);
        if status != to && status == WalletStatus::Closed {
            return Err("wallet_closed");
        }
        if status != to && to == WalletStatus::Closed && (balance, held) != (0, 0) {
            return Err("wallet_not_empty");
        }
        self.wallet_mut(name).status = to;
        Ok(self.seen(name))
    }

    /// Sets the limits of a customer's wallet.
    pub fn set_limits(&mut self, name: Name, limits: ModelLimits) -> ChangedWallet {
        let (_, _, status, before) = self.seen(name);
        if before != limits && status == WalletStatus::Closed {
            return Err("wallet_closed");
        }
        self.wallet_mut(name).limits = limits;
        Ok(self.seen(name))
    }

    pub fn wallet_mut(&mut self, name: Name) -> &mut ModelWallet {
        self.wallets.get_mut(&name).expect("the wallet was found before")
    }
}
