//! A transfer before it is recorded, the rules whose answer is recorded, and what is recorded. Pure.

use super::Stamps;
use crate::actor::Actor;
use crate::journal::digest_of_texts;
use crate::ledger::types::{Command, Failure, HoldTerms, Idempotency, Texts, TextsSeal, Transfer, Wallet, day_of};
use crate::values::{
    BatchId, Currency, Method, Money, Timestamp, TransferId, TransferKind, TransferStatus, UserId, WalletId,
    WalletStatus,
};

/// A transfer that is about to be recorded, with everything but its id, its time and its outcome.
pub(super) struct Draft<'a> {
    pub kind: TransferKind,
    pub source: WalletId,
    pub destination: WalletId,
    pub amount: Money,
    pub method: Option<Method>,
    pub texts: Option<&'a Texts>,
    pub parent: Option<TransferId>,
    pub batch: Option<BatchId>,
    /// What the final capture of a hold, or its release, gives back.
    pub released: Option<Money>,
    /// Of a hold.
    pub terms: Option<HoldTerms>,
    /// The user who asks for it; `None` for the release of an expired hold.
    pub asker: Option<Actor>,
    pub idempotency: Option<Idempotency>,
}

impl<'a> Draft<'a> {
    /// A draft without anything that only some kinds have.
    pub fn new(kind: TransferKind, (source, destination): (WalletId, WalletId), amount: Money) -> Self {
        Self {
            kind,
            source,
            destination,
            amount,
            method: None,
            texts: None,
            parent: None,
            batch: None,
            released: None,
            terms: None,
            asker: None,
            idempotency: None,
        }
    }

    /// The same draft, asked for by a command.
    pub fn asked_by(self, command: &Command) -> Self {
        Self {
            asker: Some(command.actor.clone()),
            idempotency: command.idempotency,
            ..self
        }
    }

    /// The same draft with the caller's texts.
    pub fn with_texts(self, texts: &'a Texts) -> Self {
        Self {
            texts: Some(texts),
            ..self
        }
    }
}

/// The transfer that is recorded. A refused one keeps no texts, gives nothing back and holds nothing.
pub(super) fn transfer_of(
    draft: &Draft<'_>,
    (id, created_at): (TransferId, Timestamp),
    (currency, source_owner): (Currency, Option<UserId>),
    failure: Option<Failure>,
    stamps: &mut impl Stamps,
) -> Transfer {
    let texts = draft.texts.filter(|_| failure.is_none());
    let status = match (failure, draft.kind) {
        (Some(_), _) => TransferStatus::Failed,
        (None, TransferKind::Hold) => TransferStatus::Pending,
        (None, _) => TransferStatus::Completed,
    };
    Transfer {
        id,
        kind: draft.kind,
        status,
        source: draft.source,
        destination: draft.destination,
        amount: draft.amount,
        currency,
        method: draft.method.clone(),
        description: texts.and_then(|texts| texts.description.clone()),
        metadata: texts.and_then(|texts| texts.metadata.clone()),
        failure,
        parent: draft.parent,
        batch: draft.batch,
        created_by: draft.asker.as_ref().and_then(|actor| actor.unless_owner(source_owner)),
        api_key: draft.asker.as_ref().and_then(Actor::api_key).map(|key| key.0),
        request_id: draft.asker.as_ref().and_then(|actor| actor.request.clone()),
        released: draft.released.filter(|_| failure.is_none()),
        key: draft.idempotency.map(|idempotency| idempotency.key),
        request: draft.idempotency.map(|idempotency| idempotency.request),
        texts: texts.and_then(|texts| seal(texts, stamps)),
        created_at,
        expires_at: draft
            .terms
            .filter(|_| failure.is_none())
            .map(|terms| created_at + terms.expires_in),
    }
}

fn seal(texts: &Texts, stamps: &mut impl Stamps) -> Option<TextsSeal> {
    if texts.description.is_none() && texts.metadata.is_none() {
        return None;
    }
    let salt = stamps.salt();
    Some(TextsSeal {
        digest: digest_of_texts(salt, texts.description.as_deref(), texts.metadata.as_deref()),
        salt: Some(salt),
    })
}

/// The rules whose answer is recorded, in their order. Either side may not be frozen or closed; what goes out may not
/// pass a limit of the source; only a customer's source must cover the amount, and a capture is covered by its hold; the
/// new balances of both sides, system wallets too, must stay in range. A reversal or capture counts against no limit.
pub(super) fn check(draft: &Draft<'_>, source: &Wallet, destination: &Wallet, at: Timestamp) -> Result<(), Failure> {
    use WalletStatus::{Closed, Frozen};
    let either_is = |status| source.status == status || destination.status == status;
    if either_is(Frozen) {
        return Err(Failure::WalletFrozen);
    }
    if either_is(Closed) {
        return Err(Failure::WalletClosed);
    }
    if source.currency != destination.currency {
        return Err(Failure::CurrencyMismatch);
    }
    if draft.kind.counts_against_limits()
        && let Some(state) = &source.limits
        && let Some((limit, remaining)) = state.passed_by(draft.amount, day_of(at))
    {
        return Err(Failure::LimitExceeded { limit, remaining });
    }
    let is_covered = source.is_system() || draft.kind == TransferKind::Capture || source.available() >= draft.amount;
    if !is_covered {
        return Err(Failure::InsufficientFunds {
            available: source.available(),
        });
    }
    if draft.kind == TransferKind::Hold {
        return Ok(());
    }
    let balances = (
        source.balance.checked_sub(draft.amount),
        destination.balance.checked_add(draft.amount),
    );
    match balances {
        (Some(_), Some(_)) => Ok(()),
        _ => Err(Failure::BalanceOutOfRange),
    }
}
