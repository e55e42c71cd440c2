//! Double entry: every completed transfer takes from one wallet what it gives to another, so each currency sums to
//! zero.
//!
//! Invariants: the answer to a command is final and durable; a commit is written only if each wallet that it rests on
//! is still as it was read; transfers, entries, changes and rows of the journal are written once. Only the committer's
//! own task moves or holds money, opens wallets and changes them.

mod arrivals;
mod attempts;
mod bank_clock;
mod basis;
mod batch;
mod batch_committer;
mod book;
mod committer;
mod error;
mod group_commit;
mod handover;
mod in_turn;
mod latency;
mod locked_wallets;
mod memory;
mod metrics;
mod optimistic;
mod queued;
mod records;
mod repo;
mod settle;
mod shares;
mod skew;
mod stamps;
mod store;
mod types;

mod entries;
mod history;
mod verify;

pub use bank_clock::bank_clock;
pub use book::{BatchRow, Book, HoldUpdate, Stamps, WalletUpdate, Writes};
pub use committer::{Ledger, Queue, QueuePlace};
pub use entries::{EntryPage, WalletEntry, entries_of};
pub use error::SubmitError;
pub use handover::Handovers;
pub use history::{BalanceAt, JournalHead};
pub use latency::CommitTimes;
pub use metrics::{HistogramSnapshot, JournalLoss, Metrics, MetricsSnapshot};
pub use records::{AllRecords, Record, RecordedChange, RecordedTransfer};
pub use types::{
    Action, AskedAmount, BatchOutcome, BatchRequest, BatchResults, CaptureRequest, ChangedState, Command, Destination,
    Direction, Entry, Expected, Failure, Hold, HoldTerms, Idempotency, ItemOutcome, ItemResult, LimitKind, LimitState,
    LimitsRequest, Movement, Opening, Original, Outcome, Outflow, Owner, Payment, Refusal, ReversalRequest,
    StatusRequest, Texts, TextsSeal, Transfer, VoidRequest, Wallet, WalletChange, WalletLimits, WalletRefusal,
    WalletTag, day_of,
};
pub use verify::{
    Check, Extension, JournalSpan, Report, RowDigest, VerifyError, VerifyProgress, verify, verify_extension,
    verify_since,
};

pub(crate) use verify::{BooksSnapshot, verify_in};

pub(crate) use bank_clock::clock_skew_ms;
pub(crate) use group_commit::{leaf_of_transfer, leaf_values_of};
pub(crate) use history::{EntryRange, balance_before, entries_in, head_time, journal_head};
pub(crate) use repo::{
    TextsRange, erase_some_texts, hold_of, leaf_columns, records_by_id, records_in, stored_identity, times_are_finite,
    transfer_in, transfer_of, wallet_of,
};
