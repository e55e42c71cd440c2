//! Makes the ledger's commands of the callers' requests.

use super::digest;
use super::request::{Asking, Metadata, NewBatch, NewCapture, NewPayment, NewReversal, NewTransfer};
use crate::actor::Permission;
use crate::ledger::{
    Action, BatchRequest, CaptureRequest, Command, Destination, Direction, Idempotency, Movement, Payment,
    ReversalRequest, Texts, VoidRequest,
};
use crate::values::{Digest, TransferId, WalletId};

/// `destination` is the wallet that `new.destination` names.
pub(super) fn of_transfer(asking: &Asking, new: NewTransfer, destination: Destination) -> Command {
    let idempotency = idempotency(asking, || digest::of_transfer(&new));
    command(asking, idempotency, Action::Move(movement(new, destination)))
}

/// `system` is the wallet of the payment's method.
pub(super) fn of_payment(asking: &Asking, direction: Direction, new: &NewPayment, system: Option<WalletId>) -> Command {
    let payment = Payment {
        direction,
        wallet: new.wallet,
        method: new.method.clone(),
        system,
        amount: new.amount,
        texts: texts(new.description.clone(), new.metadata.clone()),
        hold: new.hold,
        is_to_open: asking.is_dry_run && asking.actor.may(Permission::DepositsWrite),
    };
    let idempotency = idempotency(asking, || digest::of_payment(direction, new));
    command(asking, idempotency, Action::Pay(payment))
}

pub(super) fn of_capture(asking: &Asking, new: &NewCapture) -> Command {
    let request = CaptureRequest {
        hold: new.hold,
        amount: new.amount,
        is_final: new.is_final,
    };
    let idempotency = idempotency(asking, || digest::of_capture(new));
    command(asking, idempotency, Action::Capture(request))
}

pub(super) fn of_void(asking: &Asking, hold: TransferId) -> Command {
    let idempotency = idempotency(asking, || digest::of_void(hold));
    command(asking, idempotency, Action::Void(VoidRequest { hold }))
}

pub(super) fn of_reversal(asking: &Asking, new: &NewReversal) -> Command {
    let request = ReversalRequest {
        original: new.original,
        amount: new.amount,
        texts: texts(new.description.clone(), None),
    };
    let idempotency = idempotency(asking, || digest::of_reversal(new));
    command(asking, idempotency, Action::Reverse(request))
}

/// `destinations` are the wallets that the transfers name, in their order.
pub(super) fn of_batch(asking: &Asking, new: NewBatch, destinations: Vec<Destination>) -> Command {
    let idempotency = idempotency(asking, || digest::of_batch(&new));
    let movements = new.transfers.into_iter().zip(destinations);
    let batch = BatchRequest {
        is_atomic: new.is_atomic,
        movements: movements.map(|(new, destination)| movement(new, destination)).collect(),
    };
    command(asking, idempotency, Action::Batch(batch))
}

fn movement(new: NewTransfer, destination: Destination) -> Movement {
    Movement {
        source: new.source,
        destination,
        amount: new.amount,
        texts: texts(new.description, new.metadata),
        hold: new.hold,
    }
}

fn texts(description: Option<String>, metadata: Option<Metadata>) -> Texts {
    Texts {
        description,
        metadata: metadata.map(Metadata::into_inner),
    }
}

fn command(asking: &Asking, idempotency: Option<Idempotency>, action: Action) -> Command {
    Command::new(asking.actor.clone(), action)
        .keyed(idempotency)
        .dry(asking.is_dry_run)
}

/// The digests of the caller's key and request; the request's is only computed for a caller with a key.
fn idempotency(asking: &Asking, request: impl FnOnce() -> Digest) -> Option<Idempotency> {
    asking.key.as_ref().map(|key| Idempotency {
        key: digest::of_key(asking.actor.idempotency_scope(), key.as_str()),
        request: request(),
    })
}
