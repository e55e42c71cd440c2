//! Finds the wallets of people whom a caller names by e-mail addresses. Unknown addresses are throttled, so that the bank is
//! no directory of its customers: while a caller has no miss left, none of their addresses is looked up.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::TransferError;
use super::misses::{Misses, PendingMisses};
use super::request::{NewDestination, NewTransfer};
use crate::actor::Actor;
use crate::db::{Db, Fault};
use crate::identity::users_with;
use crate::ledger::{Command, Destination, Outcome, Queue};
use crate::values::{Currency, WalletId};
use crate::wallets::Wallets;

/// The look-up of payees.
#[derive(Clone)]
pub(super) struct Payees {
    db: Db,
    wallets: Wallets,
    misses: Arc<Misses>,
}

/// What a look-up found.
pub(super) struct PayeeLookup {
    /// The destinations of the transfers, in their order.
    pub destinations: Vec<Destination>,
    pub cost: LookupCost,
}

/// What a look-up costs the caller.
pub(super) enum LookupCost {
    /// One miss for each address without a wallet, however often the request names it.
    Misses(PendingMisses),
    /// Nothing was looked up, since the caller has no miss left.
    Throttled {
        /// After how many seconds the caller may ask again.
        retry_after_s: u32,
    },
}

impl Payees {
    pub fn new(db: Db, wallets: Wallets) -> Self {
        Self {
            db,
            wallets,
            misses: Arc::new(Misses::new()),
        }
    }

    /// The wallets that transfers name: by id, or by the e-mail address of the person who has it, in the currency of the
    /// source. At most three statements, however many transfers there are.
    pub async fn find(&self, actor: &Actor, transfers: &[NewTransfer]) -> Result<PayeeLookup, Fault> {
        let is_by_email = |transfer: &NewTransfer| matches!(transfer.destination, NewDestination::Email(_));
        if !transfers.iter().any(is_by_email) {
            return Ok(PayeeLookup {
                destinations: destinations(transfers, |_| None),
                cost: LookupCost::Misses(PendingMisses::new(&self.misses, actor.user, 0)),
            });
        }
        if let Some(wait) = self.misses.wait(actor.user) {
            let retry_after_s = u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX);
            return Ok(PayeeLookup {
                destinations: destinations(transfers, |_| None),
                cost: LookupCost::Throttled { retry_after_s },
            });
        }
        let currencies = self.wallets.currencies_of(actor.user).await?;
        let payees = transfers.iter().filter_map(|transfer| payee_of(transfer, &currencies));
        let payees: HashSet<(&str, Currency)> = payees.collect();
        let emails: HashSet<&str> = payees.iter().map(|(email, _)| *email).collect();
        let users = users_with(&self.db.read, &emails).await?;
        let owners = payees
            .iter()
            .filter_map(|(email, currency)| Some((*users.get(*email)?, *currency)));
        let wallets = self.wallets.of_users(&owners.collect::<Vec<_>>()).await?;
        let wallet_of = |(email, currency): (&str, Currency)| {
            let user = users.get(email)?;
            wallets.get(&(*user, currency)).copied()
        };
        let unknown = payees.iter().filter(|payee| wallet_of(**payee).is_none());
        let misses = unknown.map(|(email, _)| *email).collect::<HashSet<&str>>().len();
        Ok(PayeeLookup {
            destinations: destinations(transfers, |transfer| {
                payee_of(transfer, &currencies).and_then(wallet_of)
            }),
            cost: LookupCost::Misses(PendingMisses::new(&self.misses, actor.user, misses)),
        })
    }
}

impl LookupCost {
    /// Submits the command that the payees were looked up for. A used-up key is answered first, throttled or not, and
    /// costs no miss.
    pub async fn submit(self, queue: &Queue, command: Command) -> Result<Outcome, TransferError> {
        let retry_after_s = match self {
            Self::Misses(misses) => {
                let outcome = queue.submit(command).await?;
                if is_of_used_key(&outcome) {
                    misses.forgive();
                }
                return Ok(outcome);
            }
            Self::Throttled { retry_after_s } => retry_after_s,
        };
        if command.idempotency.is_some() {
            // Its payees are missing, so nothing may be recorded.
            let outcome = queue.submit(command.dry(true)).await?;
            if is_of_used_key(&outcome) {
                return Ok(outcome);
            }
        }
        Err(TransferError::TooManyLookups { retry_after_s })
    }
}

/// True for the answer to a key that an earlier request has used up.
fn is_of_used_key(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Recorded { replayed, .. } => *replayed,
        Outcome::KeyReused => true,
        Outcome::Refused(_) | Outcome::Batch(_) | Outcome::Expired | Outcome::Wallet(_) | Outcome::WalletRefused(_) => {
            false
        }
    }
}

/// The address that a transfer names, and the currency of its source. `None` when it names a wallet by its id, and when
/// the source is not the caller's: the ledger refuses that before it looks at the destination.
fn payee_of<'t>(transfer: &'t NewTransfer, currencies: &HashMap<WalletId, Currency>) -> Option<(&'t str, Currency)> {
    match &transfer.destination {
        NewDestination::Wallet(_) => None,
        NewDestination::Email(email) => Some((email.as_str(), *currencies.get(&transfer.source)?)),
    }
}

fn destinations(
    transfers: &[NewTransfer],
    payee_wallet: impl Fn(&NewTransfer) -> Option<WalletId>,
) -> Vec<Destination> {
    let destination = |transfer: &NewTransfer| match transfer.destination {
        NewDestination::Wallet(id) => Destination::Wallet(id),
        NewDestination::Email(_) => Destination::Payee(payee_wallet(transfer)),
    };
    transfers.iter().map(destination).collect()
}
