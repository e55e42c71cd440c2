//! Makes the ledger's commands of the callers' requests.

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
    Command::new(actor, Action::Move(movement)).keyed(idempotency)
}

pub(super) fn of_payment(actor: Actor, key: Option<&IdempotencyKey>, payment: Payment) -> Command {
    let idempotency = idempotency(actor, key, || digest::of_payment(&payment));
    Command::new(actor, Action::Pay(payment)).keyed(idempotency)
}

fn idempotency(actor: Actor, key: Option<&IdempotencyKey>, request: impl FnOnce() -> Digest) -> Option<Idempotency> {
    key.map(|key| Idempotency {
        key: digest::of_key(actor.user, key.as_str()),
        request: request(),
    })
}
