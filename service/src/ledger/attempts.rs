//! The results of an attempt to write a batch, and what each means for the next attempt; and what the commands of a
//! batch name. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use super::store::Pause;
use super::types::{Action, Command, Direction, Opening, Original, Outcome, Wallet};
use crate::actor::Permission;
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
    match outcome {
        Outcome::Refused(_) => false,
        Outcome::Batch(batch) => batch.is_recorded(),
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

/// False for another customer's wallet as the source, for a system wallet on either side of a movement, for another
/// customer's wallet as the destination of a hold, for both wallets of a transfer that the actor may not take back, and for
/// a wallet that an API key may not use: to the actor these are as if they did not exist. The book decides by the same
/// rules (`own_wallet`, `customer_wallet`, `payment_parties`, `rights`, `amount_to_reverse`): change both together.
pub(super) fn may_use(command: &Command, wallet: &Wallet, originals: &Originals) -> bool {
    let actor = &command.actor;
    let is_own = actor.owns(wallet.id, wallet.owner);
    let original = command.action.original().and_then(|id| originals.get(&id));
    let original = original.map(|original| &original.transfer);
    match &command.action {
        Action::Move(movement) if wallet.id == movement.source => is_own,
        Action::Move(_) => !wallet.is_system(),
        Action::Batch(batch) if batch.movements.iter().any(|movement| movement.source == wallet.id) => is_own,
        Action::Batch(_) => !wallet.is_system(),
        Action::Pay(payment) if wallet.id == payment.wallet => {
            let pays_for_all = payment.direction == Direction::In || actor.may(Permission::TransfersSettle);
            is_own || (pays_for_all && actor.may_use(wallet.id))
        }
        Action::Capture(_) | Action::Void(_) => {
            let is_destination = original.is_some_and(|hold| hold.destination == wallet.id);
            is_own || !is_destination || original.is_some_and(|hold| hold.is_settled_by(actor))
        }
        Action::Reverse(_) => original.is_some_and(|original| original.is_reversed_by(actor)),
        Action::Pay(_) | Action::Open(_) | Action::SetStatus(_) | Action::SetLimits(_) | Action::Expire(_) => true,
    }
}

/// The wallets of which a command needs to know what is available, or which it changes: their expired holds are released
/// before it is decided. Wallets that its actor may not use are not among them: such a command is refused at once, as if
/// they did not exist.
pub(super) fn payers<'w>(
    command: &Command,
    originals: &Originals,
    known: impl Fn(&WalletId) -> Option<&'w Wallet>,
) -> Vec<WalletId> {
    let may_use = |id: &WalletId| known(id).is_some_and(|wallet| may_use(command, wallet, originals));
    let original = command.action.original().and_then(|id| originals.get(&id));
    let mut payers = match &command.action {
        Action::Move(movement) => vec![movement.source],
        Action::Batch(batch) => batch.movements.iter().map(|movement| movement.source).collect(),
        Action::Pay(payment) => match payment.direction {
            Direction::In => Vec::new(),
            Direction::Out => vec![payment.wallet],
        },
        Action::Capture(_) | Action::Void(_) => {
            let hold = original.filter(|hold| may_use(&hold.transfer.destination));
            hold.map(|hold| hold.transfer.source).into_iter().collect()
        }
        Action::Reverse(_) => original
            .map(|original| original.transfer.destination)
            .into_iter()
            .collect(),
        Action::SetStatus(request) => vec![request.wallet],
        Action::SetLimits(request) => vec![request.wallet],
        Action::Expire(wallets) => wallets.clone(),
        Action::Open(_) => Vec::new(),
    };
    payers.retain(may_use);
    payers
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
