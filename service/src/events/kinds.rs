//! The types of events, and which record of the journal has which. Pure.

use std::fmt;

use crate::ledger::{Record, Transfer};
use crate::values::{ChangeKind, HoldEnd, TransferKind, TransferStatus};

macro_rules! event_types {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What an event tells.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventType {
            $($(#[$doc])* $name,)*
        }

        impl EventType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

event_types! {
    /// Money moved between two customers' wallets.
    TransferCompleted = "transfer.completed";
    /// What was to move or hold money, of any kind, was refused.
    TransferFailed = "transfer.failed";
    /// Money was held.
    HoldCreated = "hold.created";
    /// Held money, or a part of it, was taken.
    HoldCaptured = "hold.captured";
    /// What remained of a hold was given back.
    HoldReleased = "hold.released";
    /// What remained of a hold was given back when its time had run out.
    HoldExpired = "hold.expired";
    /// Money came into the bank.
    DepositCompleted = "deposit.completed";
    /// Money was paid out of the bank.
    WithdrawalCompleted = "withdrawal.completed";
    /// A transfer, or a part of it, was taken back.
    ReversalCompleted = "reversal.completed";
    /// A wallet was opened.
    WalletOpened = "wallet.opened";
    /// From here on no money moves in or out of a wallet.
    WalletFrozen = "wallet.frozen";
    /// Money may move in and out of a wallet again.
    WalletUnfrozen = "wallet.unfrozen";
    /// A wallet was closed for good.
    WalletClosed = "wallet.closed";
    /// The limits of a wallet were set.
    WalletLimitsChanged = "wallet.limits_changed";
}

impl EventType {
    /// Reads the word; `None` when it is not in the list.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    /// What a record tells.
    pub(crate) fn of(record: &Record) -> Self {
        match record {
            Record::Transfer(recorded) => Self::of_transfer(&recorded.transfer, recorded.hold_end),
            Record::Change(recorded) => Self::of_change(recorded.change.kind),
        }
    }

    fn of_transfer(transfer: &Transfer, hold_end: Option<HoldEnd>) -> Self {
        if transfer.status == TransferStatus::Failed {
            return Self::TransferFailed;
        }
        match transfer.kind {
            TransferKind::Transfer => Self::TransferCompleted,
            TransferKind::Deposit => Self::DepositCompleted,
            TransferKind::Withdrawal => Self::WithdrawalCompleted,
            TransferKind::Reversal => Self::ReversalCompleted,
            TransferKind::Hold => Self::HoldCreated,
            TransferKind::Capture => Self::HoldCaptured,
            TransferKind::Release => match hold_end {
                Some(HoldEnd::Expired) => Self::HoldExpired,
                Some(HoldEnd::Voided | HoldEnd::Captured) | None => Self::HoldReleased,
            },
        }
    }

    const fn of_change(kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::Opened => Self::WalletOpened,
            ChangeKind::Frozen => Self::WalletFrozen,
            ChangeKind::Unfrozen => Self::WalletUnfrozen,
            ChangeKind::Closed => Self::WalletClosed,
            ChangeKind::Limited => Self::WalletLimitsChanged,
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventTypes(u16);

impl EventTypes {
    /// True if the type is in the set.
    #[must_use]
    pub const fn contains(self, kind: EventType) -> bool {
        self.0 & kind.bit() != 0
    }

    /// True if no type is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The types in the set, in the order of the list.
    pub fn iter(self) -> impl Iterator<Item = EventType> {
        let all = EventType::ALL.iter().copied();
        all.filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<EventType> for EventTypes {
    fn from_iter<I: IntoIterator<Item = EventType>>(types: I) -> Self {
        Self(types.into_iter().fold(0, |bits, kind| bits | kind.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{change, failed, transfer, with_end};
    use super::*;

    #[test]
    fn every_type_fits_into_the_set_and_has_a_word_of_its_own() {
        assert!(EventType::ALL.len() <= 16);
        for kind in EventType::ALL {
            assert_eq!(EventType::parse(kind.as_str()), Some(*kind));
            let only = EventTypes::from_iter([*kind]);
            assert_eq!(only.iter().collect::<Vec<_>>(), [*kind]);
        }
        assert_eq!(EventType::parse("webhook.test"), None);
        let all: EventTypes = EventType::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), EventType::ALL.len());
        assert!(EventTypes::default().is_empty() && !all.is_empty());
    }

    #[test]
    fn each_record_has_one_type() {
        for (kind, expected) in [
            (TransferKind::Transfer, EventType::TransferCompleted),
            (TransferKind::Deposit, EventType::DepositCompleted),
            (TransferKind::Withdrawal, EventType::WithdrawalCompleted),
            (TransferKind::Reversal, EventType::ReversalCompleted),
            (TransferKind::Hold, EventType::HoldCreated),
            (TransferKind::Capture, EventType::HoldCaptured),
        ] {
            assert_eq!(EventType::of(&transfer(1, kind, (1, 2))), expected);
            assert_eq!(EventType::of(&failed(1, kind, (1, 2))), EventType::TransferFailed);
        }
        let release = |end| EventType::of(&with_end(transfer(1, TransferKind::Release, (1, 2)), end));
        assert_eq!(release(HoldEnd::Voided), EventType::HoldReleased);
        assert_eq!(release(HoldEnd::Expired), EventType::HoldExpired);
        for (kind, expected) in [
            (ChangeKind::Opened, EventType::WalletOpened),
            (ChangeKind::Frozen, EventType::WalletFrozen),
            (ChangeKind::Unfrozen, EventType::WalletUnfrozen),
            (ChangeKind::Closed, EventType::WalletClosed),
            (ChangeKind::Limited, EventType::WalletLimitsChanged),
        ] {
            assert_eq!(EventType::of(&change(1, kind, 1, 1)), expected);
        }
    }
}
