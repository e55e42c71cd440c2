//! A transfer as callers see it: the stored row, which never changes, with what has become of it, and with the API key
//! where the caller may know it. Pure.

use std::sync::Arc;

use crate::actor::{Actor, Permission};
use crate::ledger::{Hold, Transfer};
use crate::values::{ApiKeyId, HoldEnd, Money, Timestamp, TransferKind, TransferStatus, UserId, WalletId};

/// Who looks at transfers that they may see.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Viewer<'a> {
    /// The user who asked for them, in the answer to the request or to a repeated one.
    Asker,
    /// A caller who may read every transfer.
    Staff,
    /// A user who sees those of their own wallets, and those that they asked for.
    Customer {
        user: UserId,
        /// Their wallets, as far as the caller may use them.
        wallets: &'a [WalletId],
    },
}

/// To whom transfers are shown, and when: a hold may end at any time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Showing<'a> {
    pub viewer: Viewer<'a>,
    pub now: Timestamp,
}

/// A transfer with what has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownTransfer {
    /// The stored transfer.
    pub transfer: Arc<Transfer>,
    /// What has become of a hold, at the time of reading; `None` on other kinds, and on a refused hold.
    pub hold: Option<Hold>,
    /// The sum of its completed reversals.
    pub reversed: Money,
    /// The API key of the request; `None` without one, and where the viewer may not know it.
    pub api_key: Option<ApiKeyId>,
}

impl<'a> Viewer<'a> {
    /// An actor, with those of their own wallets that they may use.
    pub fn of(actor: &Actor, wallets: &'a [WalletId]) -> Self {
        if actor.may(Permission::TransfersReadAll) {
            return Self::Staff;
        }
        Self::Customer {
            user: actor.user,
            wallets,
        }
    }

    /// The API key of a transfer's request, if there is one and the viewer may know it. Customers know their own keys, and
    /// learn which key of the staff has put money into their wallet or taken a transfer of theirs back. The key of
    /// another customer, who has paid them or captured their money, they do not learn.
    pub fn api_key_of(self, transfer: &Transfer) -> Option<ApiKeyId> {
        let is_known = match self {
            Self::Asker | Self::Staff => true,
            Self::Customer { user, wallets } => {
                let is_askers = match transfer.created_by {
                    Some(asker) => asker == user,
                    // The source's owner has asked.
                    None => wallets.contains(&transfer.source),
                };
                is_askers || is_by_staff(transfer.kind)
            }
        };
        transfer.api_key.map(ApiKeyId).filter(|_| is_known)
    }
}

/// True for what only the staff ask for.
const fn is_by_staff(kind: TransferKind) -> bool {
    match kind {
        TransferKind::Deposit | TransferKind::Reversal => true,
        TransferKind::Transfer
        | TransferKind::Withdrawal
        | TransferKind::Hold
        | TransferKind::Release
        | TransferKind::Capture => false,
    }
}

impl ShownTransfer {
    /// The transfer as it was decided, before anything became of it: the answer to the request that made it, and to a
    /// repeated one. Only its asker gets either.
    #[must_use]
    pub fn as_decided(transfer: Arc<Transfer>) -> Self {
        Self::as_decided_for(Viewer::Asker, transfer)
    }

    /// The same for any viewer: an event tells of a transfer as it was decided.
    pub(crate) fn as_decided_for(viewer: Viewer<'_>, transfer: Arc<Transfer>) -> Self {
        let expires_at = transfer.expires_at.filter(|_| transfer.failure.is_none());
        let hold = expires_at.map(|expires_at| Hold::begun(&transfer, expires_at));
        Self {
            api_key: viewer.api_key_of(&transfer),
            transfer,
            hold,
            reversed: Money::ZERO,
        }
    }

    /// The status that callers see: of a hold, that of what has become of it.
    #[must_use]
    pub fn status(&self) -> TransferStatus {
        self.hold.map_or(self.transfer.status, |hold| hold.status())
    }

    /// Why it is FAILED: the refusal's code, or how a hold ended of which nothing was captured.
    #[must_use]
    pub fn failure_reason(&self) -> Option<&'static str> {
        if let Some(failure) = self.transfer.failure {
            return Some(failure.code());
        }
        if self.status() != TransferStatus::Failed {
            return None;
        }
        self.hold?.end.map(|(end, _): (HoldEnd, Timestamp)| end.as_str())
    }

    /// When it was completed: when its money moved, or when a hold ended of which something was captured. `None` unless
    /// it is COMPLETED.
    #[must_use]
    pub fn completed_at(&self) -> Option<Timestamp> {
        match self.hold {
            Some(hold) if hold.status() == TransferStatus::Completed => hold.end.map(|(_, at)| at),
            Some(_) => None,
            None => self.transfer.completed_at(),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::values::{Currency, Role, TransferId};

    const KEY: ApiKeyId = ApiKeyId(Uuid::from_u128(9));
    const ANA: UserId = UserId(Uuid::from_u128(1));
    const BEN: UserId = UserId(Uuid::from_u128(2));
    const DESK: UserId = UserId(Uuid::from_u128(3));
    const ANAS: WalletId = WalletId(Uuid::from_u128(11));
    const BENS: WalletId = WalletId(Uuid::from_u128(12));

    /// From ana's wallet to ben's, with a key.
    fn asked_with_key(kind: TransferKind, created_by: Option<UserId>) -> Transfer {
        Transfer {
            id: TransferId(Uuid::from_u128(7)),
            kind,
            status: TransferStatus::Completed,
            source: ANAS,
            destination: BENS,
            amount: Money::MAX,
            currency: Currency::from_code("USD").expect("USD is a currency"),
            method: None,
            description: None,
            metadata: None,
            failure: None,
            parent: None,
            batch: None,
            created_by,
            api_key: Some(KEY.0),
            request_id: None,
            released: None,
            key: None,
            request: None,
            texts: None,
            created_at: Timestamp::default(),
            expires_at: None,
        }
    }

    #[test]
    fn customers_learn_their_own_keys_and_those_of_staff_who_pay_in_or_take_back() {
        for (kind, asker, knows_ana, knows_ben) in [
            (TransferKind::Transfer, None, true, false),
            (TransferKind::Hold, None, true, false),
            (TransferKind::Withdrawal, None, true, false),
            (TransferKind::Withdrawal, Some(DESK), false, false),
            (TransferKind::Capture, Some(BEN), false, true),
            (TransferKind::Capture, Some(DESK), false, false),
            (TransferKind::Release, Some(BEN), false, true),
            (TransferKind::Release, Some(DESK), false, false),
            (TransferKind::Deposit, Some(DESK), true, true),
            (TransferKind::Reversal, Some(DESK), true, true),
            (TransferKind::Reversal, None, true, true),
        ] {
            let transfer = asked_with_key(kind, asker);
            let key_for = |actor: &Actor, wallet| Viewer::of(actor, &[wallet]).api_key_of(&transfer);
            let [ana, ben] = [ANA, BEN].map(|user| Actor::new(user, Role::Customer));
            let known = (key_for(&ana, ANAS), key_for(&ben, BENS));
            let expected = (knows_ana.then_some(KEY), knows_ben.then_some(KEY));
            assert_eq!(known, expected, "{kind} asked for by {asker:?}");
            let support = Actor::new(DESK, Role::Support);
            assert_eq!(Viewer::of(&support, &[]).api_key_of(&transfer), Some(KEY));
            assert_eq!(Viewer::Asker.api_key_of(&transfer), Some(KEY));
            let without = Transfer {
                api_key: None,
                ..transfer
            };
            assert_eq!(Viewer::Staff.api_key_of(&without), None);
        }
    }

    #[test]
    fn a_program_that_may_not_use_the_source_learns_no_key() {
        let transfer = asked_with_key(TransferKind::Transfer, None);
        let program = Viewer::of(&Actor::new(ANA, Role::Customer), &[]);
        assert_eq!(program.api_key_of(&transfer), None);
    }
}
