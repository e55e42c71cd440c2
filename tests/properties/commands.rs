//! Random histories for the ledger, as commands for any book or committer. The model decides every request in advance.

use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;
use service::actor::Actor;
use service::ledger::{Action, Command, Destination, Direction, Idempotency, Movement, Outcome, Payment, Texts};
use service::values::{Digest, Role, TransferId, TransferKind, WalletStatus};

use crate::bank_case::failed;
use crate::case_rows::Ids;
use crate::cases::money;
use crate::drawn::{METHODS, Step, funding, keyed};
use crate::model::{Ask, Asker, Model, Name, Verdict};

/// A resolved step, with its expected result.
#[derive(Clone, Debug)]
pub enum Scripted {
    Ask(Ask, Verdict),
    Status(Name, WalletStatus, Result<(), &'static str>),
    /// All earlier requests are answered before the next one is made.
    Pause,
}

/// Plays first deposits and then steps on the model, and records every request and its verdict.
pub fn script(model: &mut Model, funds: &[(i64, u8)], steps: &[Step]) -> Vec<Scripted> {
    let mut past: Vec<Ask> = Vec::new();
    let mut script = Vec::new();
    for (index, fund) in funds.iter().enumerate() {
        let ask = funding(model, Name::Customer(index), *fund);
        let verdict = model.ask(&ask);
        script.push(Scripted::Ask(ask, verdict));
    }
    for step in steps {
        let ask = match step {
            Step::Move(drawn) => drawn.resolve(model),
            Step::Again(index) => match keyed(&past, *index) {
                Some(ask) => ask,
                None => continue,
            },
            Step::Status(pick, status) => {
                let name = pick.name(model, Name::Nobody);
                script.push(Scripted::Status(name, *status, model.set_status(name, *status)));
                continue;
            }
            Step::Open { .. } | Step::Tick(_) => {
                script.push(Scripted::Pause);
                continue;
            }
        };
        let verdict = model.ask(&ask);
        past.push(ask.clone());
        script.push(Scripted::Ask(ask, verdict));
    }
    script
}

/// The requests of a script.
pub fn asks(script: &[Scripted]) -> Vec<(Ask, Verdict)> {
    let asks = script.iter().filter_map(|scripted| match scripted {
        Scripted::Ask(ask, verdict) => Some((ask.clone(), *verdict)),
        Scripted::Status(..) | Scripted::Pause => None,
    });
    asks.collect()
}

/// A request as the services submit it to the ledger.
pub fn command_of(ask: &Ask, ids: &Ids) -> Command {
    let payment = |direction, wallet: Name, system: Name| {
        let method = match system {
            Name::System { method, .. } => method,
            Name::Customer(_) | Name::Nobody => METHODS,
        };
        Action::Pay(Payment {
            direction,
            wallet: ids.id(wallet),
            method: ids.method(method),
            system: ids.find(system),
            amount: ask.units.map(money),
            texts: Texts::default(),
            hold: None,
            is_to_open: false,
        })
    };
    let action = match ask.kind {
        TransferKind::Deposit => payment(Direction::In, ask.destination, ask.source),
        TransferKind::Withdrawal => payment(Direction::Out, ask.source, ask.destination),
        TransferKind::Transfer
        | TransferKind::Reversal
        | TransferKind::Hold
        | TransferKind::Release
        | TransferKind::Capture => Action::Move(Movement {
            source: ids.id(ask.source),
            destination: Destination::Wallet(ids.id(ask.destination)),
            amount: ask.units.map(money),
            texts: Texts {
                description: ask.description.clone(),
                metadata: None,
            },
            hold: None,
        }),
    };
    let role = match ask.asker {
        Asker::Customer(_) => Role::Customer,
        Asker::Operator => Role::Operator,
    };
    Command {
        is_dry_run: false,
        actor: Actor::new(ids.user(ask.asker), role),
        action,
        idempotency: ask.key.map(|key| Idempotency {
            key: digest(&("key", ids.case, ask.asker, key)),
            request: digest(&("request", ask)),
        }),
    }
}

/// Any digest serves that differs when the requests differ.
fn digest(value: &impl Hash) -> Digest {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, value).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    Digest((half(0) << 64 | half(1)).to_be_bytes())
}

/// An outcome's verdict, and the transfer that it names.
pub fn verdict_of(outcome: &Outcome) -> (Verdict, Option<TransferId>) {
    let plain = |code| Verdict {
        code,
        available: None,
        replayed: false,
    };
    match outcome {
        Outcome::Recorded { transfer, replayed } => {
            let verdict = transfer.failure.map_or(plain("completed"), failed);
            (
                Verdict {
                    replayed: *replayed,
                    ..verdict
                },
                Some(transfer.id),
            )
        }
        Outcome::Refused(refusal) => (plain(refusal.code()), None),
        Outcome::KeyReused => (plain("idempotency_key_reused"), None),
        Outcome::Batch(_) | Outcome::Expired | Outcome::Wallet(_) | Outcome::WalletRefused(_) => {
            unreachable!("the model asks for movements of money")
        }
    }
}

/// Steps with long runs of requests between the changes of status.
pub fn long_runs() -> impl Strategy<Value = Step> {
    use crate::drawn::{drawn_request, status_step};
    use proptest::sample::Index;
    prop_oneof![
        30 => drawn_request().prop_map(Step::Move),
        4 => any::<Index>().prop_map(Step::Again),
        2 => status_step(),
        1 => Just(Step::Tick(0)),
    ]
}
