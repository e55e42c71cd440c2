//! What a try to write a batch can come to, and what that means for the next one. No function here sends a statement.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use super::types::{Action, Command, Direction, Outcome, Wallet};
use crate::clock::random_bytes;
use crate::db::{Fault, FaultKind};
use crate::journal::Head;
use crate::values::{Digest, WalletId};

/// The longest pause before a try, doubled from one millisecond.
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// What one try came to.
pub(super) enum Try {
    /// Durable. The outcomes stand.
    Done(Vec<Outcome>),
    /// Nothing was written; the next try must be in turn, or look up keys.
    Again(FaultKind),
    /// Nothing was sent: what is remembered is not known to be right.
    TakeTurn,
    /// Nothing was written: another session holds a lock for longer than a batch waits.
    Locked(Fault),
    /// The connection was lost around the commit.
    Unknown(Doubt, Fault),
    /// Nothing was written, and trying again will not help.
    Failed(Fault),
}

/// A commit whose answer was lost: its outcomes stand if the journal has its digest under its number.
pub(super) struct Doubt {
    pub places: Vec<usize>,
    pub outcomes: Vec<Outcome>,
    pub head: Head,
}

impl Doubt {
    pub fn new(places: &[usize], outcomes: Vec<Outcome>, head: Head) -> Self {
        Self {
            places: places.to_vec(),
            outcomes,
            head,
        }
    }
}

/// A fault of COMMIT, or of a single statement that is its own transaction.
pub(super) fn of_commit(fault: Fault, doubt: impl FnOnce() -> Doubt) -> Try {
    let fault = fault.of_commit();
    if fault.kind == FaultKind::OutcomeUnknown {
        return Try::Unknown(doubt(), fault);
    }
    before_commit(fault)
}

/// A fault before COMMIT was asked for: nothing is durable.
pub(super) fn before_commit(fault: Fault) -> Try {
    match fault.kind {
        // The next row of the journal is another's.
        FaultKind::Unique(_) if fault.is_unique_violation_of("journal") => Try::Again(FaultKind::Stale),
        // The other unique values of a commit are keys: another writer used one up first.
        FaultKind::Conflict | FaultKind::Unique(_) | FaultKind::Stale => Try::Again(fault.kind),
        FaultKind::Locked => Try::Locked(fault),
        FaultKind::Unreachable | FaultKind::OutcomeUnknown | FaultKind::Constraint | FaultKind::Broken => {
            Try::Failed(fault)
        }
    }
}

pub(super) fn keys_of_refused(commands: &[&Command], outcomes: &[Outcome]) -> Vec<Digest> {
    let refused = commands
        .iter()
        .zip(outcomes)
        .filter(|(_, outcome)| matches!(outcome, Outcome::Refused(_)));
    refused
        .filter_map(|(command, _)| command.idempotency.map(|idempotency| idempotency.key))
        .collect()
}

/// The wallets of a batch in id order, each once.
pub(super) fn wallet_ids(commands: &[&Command]) -> Vec<WalletId> {
    let ids: BTreeSet<WalletId> = commands.iter().flat_map(|command| command.action.wallets()).collect();
    ids.into_iter().collect()
}

/// Remembered wallets that a command names and its actor may not use: another customer's as the source, a system wallet on
/// either side of a movement.
pub(super) fn hidden_wallets(commands: &[&Command], remembered: &HashMap<WalletId, Wallet>) -> HashSet<WalletId> {
    let mut hidden = HashSet::new();
    for command in commands {
        let is = |id: WalletId, what: &dyn Fn(&Wallet) -> bool| remembered.get(&id).is_some_and(what);
        let is_foreign = |wallet: &Wallet| wallet.owner != Some(command.actor.user);
        match &command.action {
            Action::Move(movement) => {
                hidden.extend(Some(movement.source).filter(|id| is(*id, &is_foreign)));
                hidden.extend(Some(movement.destination).filter(|id| is(*id, &Wallet::is_system)));
            }
            Action::Pay(payment) if payment.direction == Direction::Out && !command.actor.is_operator() => {
                hidden.extend(Some(payment.wallet).filter(|id| is(*id, &is_foreign)));
            }
            Action::Pay(_) => {}
        }
    }
    hidden
}

pub(super) fn keys(commands: &[&Command]) -> Vec<Digest> {
    commands
        .iter()
        .filter_map(|command| command.idempotency.map(|idempotency| idempotency.key))
        .collect()
}

/// A random time below a bound that doubles with every try, so that two replicas do not meet again in step.
pub(super) fn pause(tried: u32) -> Duration {
    let bound = PAUSE_MAX.min(Duration::from_millis(1) * 2_u32.saturating_pow(tried));
    let [dice] = random_bytes::<1>();
    bound * u32::from(dice) / u32::from(u8::MAX)
}
