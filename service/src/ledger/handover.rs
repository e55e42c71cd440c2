//! Publishes each durable commit to the followers of the journal in this process.

use std::cmp::Ordering;
use std::sync::Arc;

use super::group_commit::GroupCommit;
use super::records::{Record, RecordedChange, RecordedTransfer};
use super::types::{Transfer, Wallet, WalletChange};
use crate::clock::time_of_id;
use crate::feed::{Completed, Handover, Mark, counted_kind};
use crate::values::{HoldEnd, TransferKind, TransferStatus, WalletId};

/// The channels to the followers: those that count movements of money, and those that want every record. Cloning clones
/// handles.
#[derive(Clone, Default)]
pub struct Handovers {
    /// Completed movements of money.
    pub completed: Handover<Completed>,
    /// Every record.
    pub records: Handover<Record>,
}

impl Handovers {
    /// Publishes a commit that is durable already. Call it before the commit's callers are answered.
    pub(super) fn publish(&self, commit: &GroupCommit) {
        let (before, after) = (Mark::of(&commit.previous_head), Mark::of(&commit.new_head));
        self.completed.publish(before, after, || {
            let transfers = commit.writes.transfers.iter();
            let completed = transfers.filter(|transfer| transfer.status == TransferStatus::Completed);
            completed.filter_map(|transfer| completed_of(transfer)).collect()
        });
        self.records.publish(before, after, || records_of(commit));
    }
}

fn completed_of(transfer: &Transfer) -> Option<Completed> {
    Some(Completed {
        kind: counted_kind(transfer.kind, transfer.method.as_ref())?,
        currency: transfer.currency,
        amount: transfer.amount,
        method: transfer.method.clone(),
        at: transfer.created_at,
    })
}

/// The records of a commit, in the order of their ids.
fn records_of(commit: &GroupCommit) -> Vec<Record> {
    let transfers = commit.writes.transfers.iter().map(|transfer| {
        Record::Transfer(RecordedTransfer {
            transfer: transfer.clone(),
            hold_end: end_of_hold(commit, transfer),
        })
    });
    let mut records: Vec<Record> = transfers.collect();
    if !commit.writes.changes.is_empty() {
        let changes = commit.writes.changes.iter().map(|change| recorded(commit, change));
        records.extend(changes.map(|change| Record::Change(Arc::new(change))));
        records.sort_unstable_by_key(Record::id);
    }
    records
}

/// How the hold ended that a RELEASE gives back. It may have begun in the same commit.
fn end_of_hold(commit: &GroupCommit, transfer: &Transfer) -> Option<HoldEnd> {
    let hold = transfer.parent.filter(|_| transfer.kind == TransferKind::Release)?;
    let (changed, begun) = (&commit.writes.changed_holds, &commit.writes.begun_holds);
    let changed = found(changed, |change| change.now.id.cmp(&hold)).map(|change| &change.now);
    let ended = changed.or_else(|| found(begun, |begun| begun.id.cmp(&hold)));
    ended?.end.map(|(end, _)| end)
}

fn recorded(commit: &GroupCommit, change: &WalletChange) -> RecordedChange {
    let wallet = wallet_of(commit, change.subject);
    RecordedChange {
        wallet: change.applied_to(wallet, time_of_id(change.id.0)),
        change: change.clone(),
    }
}

/// A wallet that a commit opens or changes.
fn wallet_of(commit: &GroupCommit, id: WalletId) -> &Wallet {
    let updated = found(&commit.writes.updated, |update| update.now.id.cmp(&id)).map(|update| &update.now);
    let written = updated.or_else(|| found(&commit.writes.opened, |wallet| wallet.id.cmp(&id)));
    written.expect("a commit that changes a wallet writes it")
}

/// The row of an id, of rows that are sorted by it.
fn found<T>(rows: &[T], compare: impl FnMut(&T) -> Ordering) -> Option<&T> {
    rows.binary_search_by(compare).ok().map(|place| &rows[place])
}
