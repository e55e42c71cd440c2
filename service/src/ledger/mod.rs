//! Double entry: every completed transfer takes from one wallet what it gives to another, so each currency sums to
//! zero.
//!
//! Invariants: the answer to a command is final and durable; a commit is written only if each wallet that it rests on
//! is still as it was read; transfers, entries, changes and rows of the journal are written once. Only the committer's
//! own task moves money, opens wallets and changes their status.

mod attempts;
mod bank_clock;
mod batch;
mod batch_committer;
mod book;
mod committer;
mod error;
mod group_commit;
mod handover;
mod in_turn;
mod locked_wallets;
mod memory;
mod metrics;
mod optimistic;
mod repo;
mod settle;
mod skew;
mod stamps;
mod store;
mod types;

mod entries;
mod verify;

pub use bank_clock::bank_clock;
pub use book::{Book, Stamps, WalletUpdate, Writes};
pub use committer::{Ledger, Queue, QueuePlace};
pub use entries::{EntryPage, WalletEntry, entries_of};
pub use error::SubmitError;
pub use metrics::{HistogramSnapshot, JournalLoss, Metrics, MetricsSnapshot};
pub use types::{
    Action, Command, Direction, Entry, Expected, Failure, Idempotency, Movement, Opening, Outcome, Owner, Payment,
    Refusal, StatusRequest, TextsSeal, Transfer, Wallet, WalletChange, WalletRefusal, WalletTag,
};
pub use verify::{Check, JournalSpan, Report, RowDigest, VerifyError, verify, verify_since};

pub(crate) use verify::verify_in;

pub(crate) use bank_clock::clock_skew_ms;
pub(crate) use repo::{transfer_of, wallet_of};
