//! Which events a caller sees, and what of each. Pure.
//!
//! A customer sees what happens to their own wallets; a refusal is for the owner of its source, and for the user who asked,
//! where the destination is theirs. The asker of a record is its `created_by`, else the owner of the source: of a wallet of
//! another customer they do not learn whose it is, and of a change of their wallet not which of the staff made it. The id of a
//! request is for the user who sent it, and for the staff.

use std::collections::HashMap;
use std::sync::Arc;

use super::cursor::{EventCursor, LedgerTag};
use super::event::{Event, EventSubject};
use super::kinds::{EventType, EventTypes};
use super::scope::{EventFilter, EventScope};
use crate::ledger::{Record, RecordedTransfer};
use crate::transfers::{ShownTransfer, Viewer};
use crate::values::{ChangeKind, HoldEnd, TransferId, TransferStatus, UserId, WalletId};

/// The owners of wallets.
pub(super) type Owners = HashMap<WalletId, UserId>;

/// What of the journal a caller's list has, with the caller's wallets as they were looked up.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    types: Option<EventTypes>,
    transfer: Option<TransferId>,
    /// The wallets whose events the list has, in order; `None` for those of every wallet.
    wallets: Option<Arc<[WalletId]>>,
    viewer: EventViewer,
}

#[derive(Clone, Debug)]
enum EventViewer {
    Staff,
    Customer {
        user: UserId,
        /// Their wallets, as far as the caller may use them.
        usable: Arc<[WalletId]>,
    },
}

impl Sight {
    /// What a caller sees who has these wallets, which count for `EventScope::Own` only. A wallet of the filter that the
    /// caller may not see has no events.
    pub fn new(scope: &EventScope, mut own: Vec<WalletId>, filter: &EventFilter) -> Self {
        let (viewer, visible) = match scope {
            EventScope::All => (EventViewer::Staff, None),
            EventScope::Only(only) => (EventViewer::Staff, Some(in_order(only.to_vec()))),
            EventScope::Own { user, only } => {
                own.retain(|wallet| only.as_ref().is_none_or(|only| only.contains(wallet)));
                let usable = in_order(own);
                let viewer = EventViewer::Customer {
                    user: *user,
                    usable: usable.clone(),
                };
                (viewer, Some(usable))
            }
        };
        let wallets = match (visible, filter.wallets.clone()) {
            (visible, None) => visible,
            (None, Some(asked)) => Some(in_order(asked)),
            (Some(visible), Some(mut asked)) => {
                asked.retain(|wallet| has(&visible, *wallet));
                Some(in_order(asked))
            }
        };
        Self {
            types: filter.types,
            transfer: filter.transfer,
            wallets,
            viewer,
        }
    }

    /// The wallets whose events the list has; `None` for those of every wallet.
    pub fn wallets(&self) -> Option<&[WalletId]> {
        self.wallets.as_deref()
    }

    /// True if one of these wallets, which the filter names, has no events for the caller, who may not see it. For a caller who
    /// sees every wallet it is false.
    pub fn hides_one_of(&self, asked: &[WalletId]) -> bool {
        let wallets = self.wallets();
        wallets.is_some_and(|wallets| asked.iter().any(|wallet| !has(wallets, *wallet)))
    }

    /// The only transfer whose events the list has, with its captures, releases and reversals.
    pub fn transfer(&self) -> Option<TransferId> {
        self.transfer
    }

    /// The user who also sees refusals of what they asked for on wallets of others.
    pub fn asker(&self) -> Option<UserId> {
        match self.viewer {
            EventViewer::Staff => None,
            EventViewer::Customer { user, .. } => Some(user),
        }
    }

    /// True if every caller of this sight sees the same of an event.
    pub fn is_of_staff(&self) -> bool {
        matches!(self.viewer, EventViewer::Staff)
    }

    /// True if the list may have events of one of these types.
    pub fn wants(&self, types: &[EventType]) -> bool {
        self.types
            .is_none_or(|wanted| types.iter().any(|kind| wanted.contains(*kind)))
    }

    /// True if the list has the event of a record.
    pub fn admits(&self, record: &Record) -> bool {
        self.wants(&[EventType::of(record)])
            && self.transfer.is_none_or(|transfer| is_of_transfer(record, transfer))
            && self.reaches(record)
    }

    fn reaches(&self, record: &Record) -> bool {
        let Some(wallets) = &self.wallets else {
            return true;
        };
        match record {
            Record::Change(recorded) => has(wallets, recorded.change.subject),
            Record::Transfer(RecordedTransfer { transfer, .. }) => {
                let is_refused = transfer.status == TransferStatus::Failed;
                let is_asker = transfer.created_by.is_some() && transfer.created_by == self.asker();
                has(wallets, transfer.source) || (has(wallets, transfer.destination) && (!is_refused || is_asker))
            }
        }
    }

    /// The event of a record that the list has. `owners` has the owner of `source_of_unnamed`, and is not looked at for
    /// customers.
    pub fn event(&self, record: &Record, owners: &Owners, ledger: LedgerTag) -> Event {
        let asker = self.known_asker(record, owners);
        let may_know_request = match self.viewer {
            EventViewer::Staff => true,
            EventViewer::Customer { user, .. } => asker == Some(user),
        };
        let (subject, request) = match record {
            Record::Transfer(RecordedTransfer { transfer, .. }) => {
                let shown = ShownTransfer::as_decided_for(self.viewer_of_transfers(), transfer.clone());
                (EventSubject::Transfer(shown), &transfer.request_id)
            }
            Record::Change(recorded) => {
                let wallet = Box::new(recorded.wallet.clone());
                (EventSubject::Wallet(wallet), &recorded.change.request_id)
            }
        };
        Event {
            id: EventCursor::new(ledger, record.id()),
            kind: EventType::of(record),
            at: record.at(),
            subject,
            actor: asker,
            request_id: request.clone().filter(|_| may_know_request),
        }
    }

    /// The user who asked for a record, if there is one and the viewer may know it.
    fn known_asker(&self, record: &Record, owners: &Owners) -> Option<UserId> {
        match record {
            Record::Change(recorded) => {
                let asker = recorded.change.created_by.or(recorded.wallet.owner);
                match self.viewer {
                    EventViewer::Staff => asker,
                    EventViewer::Customer { user, .. } => asker.filter(|asker| *asker == user),
                }
            }
            Record::Transfer(RecordedTransfer { transfer, .. }) => transfer.created_by.or_else(|| {
                let source = source_of_unnamed(record)?;
                match &self.viewer {
                    EventViewer::Staff => owners.get(&source).copied(),
                    EventViewer::Customer { user, usable } => has(usable, source).then_some(*user),
                }
            }),
        }
    }

    fn viewer_of_transfers(&self) -> Viewer<'_> {
        match &self.viewer {
            EventViewer::Staff => Viewer::Staff,
            EventViewer::Customer { user, usable } => Viewer::Customer {
                user: *user,
                wallets: usable,
            },
        }
    }
}

/// The source of a transfer that its owner asked for, since the record names no other user. An expiry has no asker.
pub(super) fn source_of_unnamed(record: &Record) -> Option<WalletId> {
    match record {
        Record::Transfer(RecordedTransfer { transfer, hold_end }) => {
            let is_expiry = *hold_end == Some(HoldEnd::Expired);
            (transfer.created_by.is_none() && !is_expiry).then_some(transfer.source)
        }
        Record::Change(_) => None,
    }
}

/// The wallets that a record is about.
pub(super) fn wallets_of(record: &Record) -> Vec<WalletId> {
    match record {
        Record::Transfer(RecordedTransfer { transfer, .. }) => vec![transfer.source, transfer.destination],
        Record::Change(recorded) => vec![recorded.change.subject],
    }
}

/// The user for whom a record opens a wallet.
pub(super) fn opened_for(record: &Record) -> Option<UserId> {
    match record {
        Record::Change(recorded) if recorded.change.kind == ChangeKind::Opened => recorded.wallet.owner,
        Record::Change(_) | Record::Transfer(_) => None,
    }
}

fn is_of_transfer(record: &Record, id: TransferId) -> bool {
    match record {
        Record::Transfer(RecordedTransfer { transfer, .. }) => transfer.id == id || transfer.parent == Some(id),
        Record::Change(_) => false,
    }
}

fn in_order(mut wallets: Vec<WalletId>) -> Arc<[WalletId]> {
    wallets.sort_unstable();
    wallets.dedup();
    wallets.into()
}

fn has(ordered: &[WalletId], wallet: WalletId) -> bool {
    ordered.binary_search(&wallet).is_ok()
}

#[cfg(test)]
mod tests;
