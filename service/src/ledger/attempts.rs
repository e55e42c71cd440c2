//! The results of an attempt to write a batch, and what each means for the next attempt; and what the commands of a
//! batch name. Pure.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use super::store::Pause;
use super::types::{Action, Command, Direction, Opening, Outcome, Wallet};
use crate::backoff::doubled;
use crate::db::{Fault, FaultKind};
use crate::journal::Head;
use crate::values::{Digest, WalletId};

/// The shortest and the longest bound of the random pause before an attempt.
const PAUSE: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// The result of one attempt.
pub(super) enum Attempt {
    /// The outcomes are durable.
    Done(Vec<Outcome>),
    /// Nothing was written; the next attempt is in turn. After a used-up key it looks keys up, after a changed wallet
    /// it reads all wallets anew.
    Again(FaultKind),
    /// Nothing was written, since no head is remembered; the next attempt is in turn.
    TakeTurn,
    /// Nothing was written: another session has held the turn for longer than a batch waits.
    TurnTimeout(Fault),
    /// Nothing was written: another session has held a lock on a wallet, or on the owner of a new one, for longer than
    /// a batch waits.
    Locked(Fault),
    /// The connection was lost around the commit, which may be durable.
    Unknown(InDoubt, Fault),
    /// Nothing was written, and another attempt at once will not help.
    Failed(Fault),
}

/// A commit whose answer was lost: its outcomes are final if the journal has its digest under its number.
pub(super) struct InDoubt {
    pub places: Vec<usize>,
    pub outcomes: Vec<Outcome>,
    pub head: Head,
}

impl InDoubt {
    pub fn new(places: &[usize], outcomes: Vec<Outcome>, head: Head) -> Self {
        Self {
            places: places.to_vec(),
            outcomes,
            head,
        }
    }
}

/// The result of an attempt that met a fault of COMMIT, or of a single statement that is its own transaction.
pub(super) fn after_commit_fault(fault: Fault, doubt: impl FnOnce() -> InDoubt) -> Attempt {
    let fault = fault.of_commit();
    if fault.kind == FaultKind::OutcomeUnknown {
        return Attempt::Unknown(doubt(), fault);
    }
    after_early_fault(fault)
}

/// The result of an attempt that met a fault while it waited for the turn.
pub(super) fn after_turn_fault(fault: Fault) -> Attempt {
    if fault.kind == FaultKind::Locked {
        return Attempt::TurnTimeout(fault);
    }
    after_early_fault(fault)
}

/// The result of an attempt that met a fault before COMMIT was asked for: nothing is durable.
pub(super) fn after_early_fault(fault: Fault) -> Attempt {
    match fault.kind {
        // Another process has written the next row of the journal.
        FaultKind::Unique(_) if fault.is_unique_violation_of("journal") => Attempt::Again(FaultKind::Stale),
        // Another writer was first: with a key, an opening, a commit, or a change of a wallet.
        FaultKind::Conflict | FaultKind::Unique(_) | FaultKind::Stale | FaultKind::WalletChanged => {
            Attempt::Again(fault.kind)
        }
        FaultKind::Locked => Attempt::Locked(fault),
        FaultKind::Unreachable
        | FaultKind::OutcomeUnknown
        | FaultKind::ForeignKey
        | FaultKind::Constraint
        | FaultKind::Skew
        | FaultKind::Broken => Attempt::Failed(fault),
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

/// Of these wallets, those that a command names and its actor may not use.
pub(super) fn hidden_wallets<'w>(
    commands: &[&Command],
    known: impl Fn(&WalletId) -> Option<&'w Wallet>,
) -> HashSet<WalletId> {
    let mut hidden = HashSet::new();
    for command in commands {
        let named = command.action.wallets().filter_map(|id| known(&id));
        hidden.extend(named.filter(|wallet| !may_use(command, wallet)).map(|wallet| wallet.id));
    }
    hidden
}

/// False for another customer's wallet as the source, and for a system wallet on either side of a movement: to the
/// actor these are as if they did not exist. The book decides by the same rules (`own_wallet`, `customer_wallet`):
/// change both together.
pub(super) fn may_use(command: &Command, wallet: &Wallet) -> bool {
    let is_own = wallet.owner == Some(command.actor.user);
    match &command.action {
        Action::Move(movement) if wallet.id == movement.source => is_own,
        Action::Move(_) => !wallet.is_system(),
        Action::Pay(payment) if payment.direction == Direction::Out && wallet.id == payment.wallet => {
            is_own || command.actor.is_operator()
        }
        Action::Pay(_) | Action::Open(_) | Action::SetStatus(_) => true,
    }
}

/// The wallets that are to be opened.
pub(super) fn openings<'c>(commands: &[&'c Command]) -> Vec<&'c Opening> {
    commands.iter().filter_map(|command| command.action.opening()).collect()
}

pub(super) fn keys(commands: &[&Command]) -> Vec<Digest> {
    commands
        .iter()
        .filter_map(|command| command.idempotency.map(|idempotency| idempotency.key))
        .collect()
}

/// A random pause whose bound doubles with every attempt.
pub(super) fn pause(tried: u32) -> Pause {
    Pause::Below(doubled(PAUSE, PAUSE_MAX, tried))
}
