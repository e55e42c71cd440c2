//! Everything that one request can do with money, but batches: for what must hold for all of it.

use service::Services;
use service::identity::Actor;
use service::transfers::{AskedAmount, Asking, HoldTerms, NewCapture, NewPayment, NewReversal};
use service::values::{Method, TransferId};

use super::acts::made;
use super::{Answer, LifeStage};
use crate::requests::{money, new_transfer};

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Pay,
    Hold,
    Deposit,
    Withdraw,
    WithdrawLater,
    Capture,
    Void,
    Reverse,
}

pub const OPERATIONS: [Operation; 8] = [
    Operation::Pay,
    Operation::Hold,
    Operation::Deposit,
    Operation::Withdraw,
    Operation::WithdrawLater,
    Operation::Capture,
    Operation::Void,
    Operation::Reverse,
];

impl Operation {
    /// A user who may ask for it.
    pub fn asker(self, stage: &LifeStage) -> Actor {
        match self {
            Self::Pay | Self::Hold | Self::Withdraw | Self::WithdrawLater => stage.ana.0.clone(),
            Self::Capture | Self::Void => stage.ben.0.clone(),
            Self::Deposit | Self::Reverse => stage.operator.clone(),
        }
    }
}

/// What captures, voids and reversals are asked about.
pub struct Targets {
    pub captured: TransferId,
    pub voided: TransferId,
    pub reversed: TransferId,
}

impl Targets {
    pub async fn of(stage: &LifeStage) -> Self {
        Self {
            captured: stage.hold("4").await,
            voided: stage.hold("3").await,
            reversed: made(stage.pay("2").await),
        }
    }
}

impl LifeStage {
    /// Asks for an operation: of 1, but a void of 3 and a reversal of 2. Payments are by `wire`.
    pub async fn perform(
        &self,
        services: &Services,
        asking: Asking,
        operation: Operation,
        targets: &Targets,
    ) -> Answer {
        let transfers = &services.transfers;
        let method = Method::try_new("wire").expect("this is a method");
        let payment = NewPayment::new(self.ana.1, Some(money("1")), method);
        match operation {
            Operation::Pay => {
                let new = new_transfer(self.ana.1, self.ben.1, "1");
                transfers.submit(asking, new).await
            }
            Operation::Hold => transfers.submit(asking, self.new_hold("1")).await,
            Operation::Deposit => transfers.deposit(asking, payment).await,
            Operation::Withdraw => transfers.withdraw(asking, payment).await,
            Operation::WithdrawLater => {
                let hold = Some(HoldTerms::DEFAULT);
                transfers.withdraw(asking, NewPayment { hold, ..payment }).await
            }
            Operation::Capture => {
                let new = NewCapture {
                    hold: targets.captured,
                    amount: AskedAmount::Exactly(Some(money("1"))),
                    is_final: true,
                };
                transfers.capture(asking, new).await
            }
            Operation::Void => transfers.void(asking, targets.voided).await,
            Operation::Reverse => {
                let new = NewReversal {
                    original: targets.reversed,
                    amount: AskedAmount::Rest,
                    description: Some("a mistake".to_owned()),
                };
                transfers.reverse(asking, new).await
            }
        }
    }
}
