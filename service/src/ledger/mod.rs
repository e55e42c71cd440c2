//! Double entry: every completed transfer takes from one wallet what it gives to another, so each currency sums to zero.
//!
//! Invariants: the answer to a command is final and durable; a wallet is written only where it is still as it was read;
//! entries are written once. Money is moved by the committer's own task and nowhere else.

mod batch;
mod book;
mod callers;
mod commit;
mod committer;
mod error;
mod in_turn;
mod locked_wallets;
mod memory;
mod metrics;
mod optimistic;
mod outcomes;
mod repo;
mod settle;
mod tries;
mod types;

mod entries;
mod verify;

pub use book::{Book, Changes, Stamps, WalletChange};
pub use committer::{Ledger, Queue};
pub use entries::{EntryPage, EntryView, entries_of};
pub use error::SubmitError;
pub use metrics::{HistogramSnapshot, Metrics, MetricsSnapshot};
pub use outcomes::Completed;
pub use types::{
    Action, Command, Direction, Entry, Failure, Idempotency, Movement, Outcome, Payment, Refusal, Transfer, Wallet,
};
pub use verify::{Check, Report, verify};

pub(crate) use verify::verify_in;

pub(crate) use repo::transfer_of;
