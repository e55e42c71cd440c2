//! What the services ask the ledger to do: the one place that builds commands.

use super::digest;
use super::request::{IdempotencyKey, Metadata, NewTransfer};
use crate::actor::Actor;
use crate::ledger::{Action, Command, Idempotency, Movement, Payment};
use crate::values::Digest;

pub(super) fn of_transfer(actor: Actor, key: Option<&IdempotencyKey>, new: NewTransfer) -> Command {
    let idempotency = idempotency(actor, key, || digest::of_transfer(&new));
    let movement = Movement {
        source: new.source,
        destination: new.destination,
        amount: new.amount,
        description: new.description,
        metadata: new.metadata.map(Metadata::into_inner),
    };
    Command {
        actor,
        idempotency,
        action: Action::Move(movement),
    }
}

pub(super) fn of_payment(actor: Actor, key: Option<&IdempotencyKey>, payment: Payment) -> Command {
    Command {
        actor,
        idempotency: idempotency(actor, key, || digest::of_payment(&payment)),
        action: Action::Pay(payment),
    }
}

fn idempotency(actor: Actor, key: Option<&IdempotencyKey>, request: impl FnOnce() -> Digest) -> Option<Idempotency> {
    key.map(|key| Idempotency {
        key: key.digest(actor.user),
        request: request(),
    })
}
