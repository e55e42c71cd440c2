//! What the committer asks a database. The files that decide (`batch_committer`, `basis`, `optimistic`, `in_turn`,
//! `settle`) send statements and wait only through these traits, so another `Store` can answer them step by step.

use std::time::Duration;

use chrono::TimeDelta;

use super::group_commit::GroupCommit;
use super::types::{Opening, Original, Outflow, Transfer, Wallet};
use crate::db::Fault;
use crate::journal::{Head, LedgerIdentity};
use crate::values::{Digest, Money, RecordId, Sha256Digest, Timestamp, TransferId, Version, WalletId, WalletStatus};

/// A ledger's database.
pub(super) trait Store {
    type Connection: Connection;
    type Turn: Turn;

    /// The most rows that one batch may hold. A single command with more of them is a batch of its own.
    fn batch_max(&self) -> usize;

    /// No further attempt begins this long after the batch's start, however few there were.
    fn attempts_time_max(&self) -> Duration;

    /// Whether a batch may be decided without the turn, and written by a statement that fails if the head has moved.
    /// False on SQLite, where the turn costs nothing more.
    fn is_optimistic(&self) -> bool;

    /// How many connections have been opened. A new one may lead to another database, or to one that lacks commits.
    fn connections_opened(&self) -> u64;

    /// No connection that is open now is used again: its server may be about to stop, or read-only by now.
    fn close_open_connections(&self);

    /// A connection to write on a batch that was decided without the turn.
    async fn acquire(&self) -> Result<Self::Connection, Fault>;

    /// Waits for the turn, then reads what other processes have committed.
    async fn take_turn(&self, request: &TurnRequest) -> Result<(Self::Turn, TurnAnswer), Fault>;

    /// Ends a session that has had the turn for long and does nothing with it; true if there was one.
    async fn end_idle_holder(&self) -> Result<bool, Fault>;

    /// Waits before the next attempt, so that what stopped the last one can pass.
    async fn pause(&self, time: Pause);

    /// Closes the connections, which belong to the thread that they were opened on.
    async fn close(&self);
}

/// How long the committer waits before an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    Exactly(Duration),
    /// A random time below this, so that two replicas do not meet again in step.
    Below(Duration),
}

/// What a batch is decided on, besides its wallets.
pub(super) trait Lookups {
    /// The stored transfers that used up any of these keys; outside of the turn, without a lock.
    async fn find_by_keys(&mut self, keys: &[Digest]) -> Result<Vec<Transfer>, Fault>;

    /// These transfers with what has become of them. Unknown ids are left out.
    async fn read_originals(&mut self, missing: &MissingOriginals) -> Result<Vec<Original>, Fault>;

    /// For each of these wallets with an open hold, the time of its first expiry.
    async fn first_expiries(&mut self, wallets: &[WalletId]) -> Result<Vec<(WalletId, Timestamp)>, Fault>;

    /// Open holds of these wallets that expire up to a time, the first to expire first, at most `limit_each` of each
    /// wallet; more if several expire at once.
    async fn expiring_holds(
        &mut self,
        wallets: &[WalletId],
        until: Timestamp,
        limit_each: usize,
    ) -> Result<Vec<Original>, Fault>;
}

/// The transfers that the commands of a batch refer to, and that are not remembered.
pub(super) struct MissingOriginals {
    /// All of them, each once.
    pub ids: Vec<TransferId>,
    /// Those that are to be reversed: only of these is it read how much went back already.
    pub reversed: Vec<TransferId>,
}

/// A connection of the committer outside of a transaction.
pub(super) trait Connection: Lookups {
    /// Writes and commits a batch that was decided without the turn: once this succeeds, all of it is durable. Gives
    /// the bank's time by the database's clock; `None` if that is this machine's clock.
    async fn write(&mut self, commit: &GroupCommit) -> Result<Option<Timestamp>, Fault>;

    /// The journal's newest row, without a lock.
    async fn head(&mut self) -> Result<Head, Fault>;

    /// Reads wallets as they are, without a lock.
    async fn read_wallets(&mut self, ids: &[WalletId]) -> Result<Vec<Wallet>, Fault>;
}

/// The turn: a transaction in which no other process commits.
pub(super) trait Turn: Lookups {
    /// The ledger's id and salt.
    async fn identity(&mut self) -> Result<LedgerIdentity, Fault>;

    /// Reads wallets. With `skips_locked`, wallets that another session has locked are left out, and the others stay
    /// locked until the turn ends.
    async fn read_wallets(&mut self, ids: &[WalletId], skips_locked: bool) -> Result<Vec<Wallet>, Fault>;

    /// Of these wallets, which were not read, those that exist: another session has locked them.
    async fn locked_among(&mut self, ids: &[WalletId]) -> Result<Vec<Wallet>, Fault>;

    /// Of the wallets that are to be opened, those that exist already.
    async fn find_existing(&mut self, openings: &[&Opening]) -> Result<Vec<Wallet>, Fault>;

    /// What went out of this wallet since the beginning of a UTC day, which is the time given: see `Outflow`.
    async fn outflow_since(&mut self, wallet: WalletId, day: Timestamp) -> Result<Outflow, Fault>;

    /// The digest of the journal's row with this number, if there is one.
    async fn digest_at(&mut self, number: i64) -> Result<Option<Sha256Digest>, Fault>;

    /// Writes a group commit, but does not commit it. The fault is `WalletChanged` if a wallet is no longer as it was
    /// decided on.
    async fn write(&mut self, commit: &GroupCommit) -> Result<(), Fault>;

    /// Commits: from here on what was written is durable. Ends the turn.
    async fn commit(self) -> Result<(), Fault>;

    /// Ends the turn and writes nothing.
    async fn rollback(self) -> Result<(), Fault>;
}

/// How far a process' memory reaches.
pub(super) struct TurnRequest {
    /// The number of the newest row of the journal that it wrote or saw; below 0 if there is none.
    pub last_row: i64,
    /// The wallets that it remembers are right up to this id; `None` if it remembers none.
    pub since: Option<RecordId>,
}

/// The most transfers and changes, together, that a process catches up with. After more it forgets all wallets.
pub(super) const CATCH_UP_MAX: i64 = 2_000;

/// What was read once the turn was held.
pub(super) struct TurnAnswer {
    pub head: Head,
    /// The digest of the row that was asked for; `None` if there is no such row.
    pub last_row_digest: Option<Sha256Digest>,
    /// The bank's time by the database's clock; `None` on SQLite, where that is this machine's clock.
    pub time: Option<Timestamp>,
    /// How long the process waited for the turn; zero on SQLite, and where a test has stopped the bank's clock.
    pub waited: TimeDelta,
    /// The wallets that commits after `since` name, as they are now, none without `since`; `None` if there are too many
    /// such commits.
    pub moved: Option<Vec<ChangedWallet>>,
}

/// A wallet that another process changed, with all that a commit can change of it.
pub(super) struct ChangedWallet {
    pub id: WalletId,
    pub balance: Money,
    pub held: Money,
    pub status: WalletStatus,
    pub version: Version,
    pub updated_at: Timestamp,
    /// A wallet with limits is forgotten and read anew: few have some.
    pub is_limited: bool,
}

impl ChangedWallet {
    /// Brings a remembered wallet without limits up to date.
    pub fn apply_to(self, wallet: &mut Wallet) {
        wallet.limits = None;
        wallet.balance = self.balance;
        wallet.held = self.held;
        wallet.status = self.status;
        wallet.version = self.version;
        wallet.updated_at = self.updated_at;
    }
}

impl From<Wallet> for ChangedWallet {
    fn from(wallet: Wallet) -> Self {
        Self {
            id: wallet.id,
            balance: wallet.balance,
            held: wallet.held,
            status: wallet.status,
            version: wallet.version,
            updated_at: wallet.updated_at,
            is_limited: wallet.limits.is_some(),
        }
    }
}
