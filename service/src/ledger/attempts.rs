//! The results of an attempt to write a batch, and what each means for the next attempt; and what the commands of a
//! batch name. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use super::store::Pause;
use super::types::{Action, BatchOutcome, Command, Direction, ItemOutcome, Opening, Original, Outcome, Wallet};
use crate::backoff::doubled;
use crate::db::{Fault, FaultKind};
use crate::journal::Head;
use crate::values::{Digest, TransferId, WalletId};

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
    /// Only expired holds were released, since there were too many for one batch; the commands are decided next.
    Released,
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

/// False for an outcome of which nothing is recorded.
fn uses_key_up(outcome: &Outcome) -> bool {
    let is_recorded = |item: &ItemOutcome| matches!(item, ItemOutcome::Recorded(_));
    match outcome {
        Outcome::Refused(_) => false,
        Outcome::Batch(batch) => match &**batch {
            BatchOutcome::Done { items, .. } => items.iter().any(is_recorded),
            BatchOutcome::Refused { item, .. } => is_recorded(item),
        },
        Outcome::Recorded { .. }
        | Outcome::KeyReused
        | Outcome::Expired
        | Outcome::Wallet(_)
        | Outcome::WalletRefused(_) => true,
    }
}

/// The keys of commands that are refused or dry runs: no row is inserted for them, so the unique index does not find
/// that a key is used up.
pub(super) fn keys_of_refused(commands: &[&Command], outcomes: &[Outcome]) -> Vec<Digest> {
    let refused = commands
        .iter()
        .zip(outcomes)
        .filter(|(command, outcome)| command.is_dry_run || !uses_key_up(outcome));
    refused
        .filter_map(|(command, _)| command.idempotency.map(|idempotency| idempotency.key))
        .collect()
}

/// The transfers that commands of a batch capture, void or reverse, by id.
pub(super) type Originals = HashMap<TransferId, Original>;

/// The wallets that a command needs: those that it names, and both sides of the transfer that it refers to. Of a transfer
/// that does not exist the id stands for a wallet, which does not exist either: so it takes as long as a transfer that the
/// actor may not see.
pub(super) fn wallets_of(command: &Command, originals: &Originals) -> impl Iterator<Item = WalletId> {
    let sides = command.action.original().map(|id| match originals.get(&id) {
        Some(original) => [original.transfer.source, original.transfer.destination],
        None => [WalletId(id.0); 2],
    });
    command.action.wallets().chain(sides.into_iter().flatten())
}

/// The wallets of a batch in id order, each once.
pub(super) fn wallet_ids(commands: &[&Command], originals: &Originals) -> Vec<WalletId> {
    let ids: BTreeSet<WalletId> = commands
        .iter()
        .flat_map(|command| wallets_of(command, originals))
        .collect();
    ids.into_iter().collect()
}

/// Of these wallets, those that a command names and its actor may not use.
pub(super) fn hidden_wallets<'w>(
    commands: &[&Command],
    originals: &Originals,
    known: impl Fn(&WalletId) -> Option<&'w Wallet>,
) -> HashSet<WalletId> {
    let mut hidden = HashSet::new();
    for command in commands {
        let needed = wallets_of(command, originals).filter_map(|id| known(&id));
        let unusable = needed.filter(|wallet| !may_use(command, wallet, originals));
        hidden.extend(unusable.map(|wallet| wallet.id));
    }
    hidden
}

/// False for another customer's wallet as the source, for a system wallet on either side of a movement, and for another
/// customer's wallet as the destination of a hold: to the actor these are as if they did not exist. The book decides by
/// the same rules (`own_wallet`, `customer_wallet`, `rights`): change both together.
pub(super) fn may_use(command: &Command, wallet: &Wallet, originals: &Originals) -> bool {
    let is_own = wallet.owner == Some(command.actor.user);
    match &command.action {
        Action::Move(movement) if wallet.id == movement.source => is_own,
        Action::Move(_) => !wallet.is_system(),
        Action::Batch(batch) if batch.movements.iter().any(|movement| movement.source == wallet.id) => is_own,
        Action::Batch(_) => !wallet.is_system(),
        Action::Pay(payment) if payment.direction == Direction::Out && wallet.id == payment.wallet => {
            is_own || command.actor.is_operator()
        }
        Action::Capture(_) | Action::Void(_) | Action::Reverse(_) => {
            let original = command.action.original().and_then(|id| originals.get(&id));
            let is_destination = original.is_some_and(|original| original.transfer.destination == wallet.id);
            is_own || command.actor.is_operator() || !is_destination
        }
        Action::Pay(_) | Action::Open(_) | Action::SetStatus(_) | Action::SetLimits(_) | Action::Expire(_) => true,
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
