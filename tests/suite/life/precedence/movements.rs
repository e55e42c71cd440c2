//! Transfers, holds, the transfers of batches, and dry runs of them: one table for all.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::identity::{Actor, Email};
use service::transfers::{Asking, HoldTerms, NewBatch, NewDestination, NewTransfer, TransferError};
use service::values::WalletId;

use super::{
    CLOSED, CURRENCY, FROZEN, FUNDS, INVALID_AMOUNT, LIMIT, NO_PAYEE, NO_WALLET, NOTHING, RANGE, SAME_WALLET, UNKNOWN,
    expect_first, wallet_in,
};
use crate::life::LifeStage;
use crate::life::acts::limits;
use crate::requests::{MOST, money, new_transfer, quiet_customer};

on_every_backend!(
    transfers_are_refused_in_order,
    holds_are_refused_in_order,
    transfers_of_a_batch_are_refused_in_order,
    transfers_of_an_atomic_batch_are_refused_in_order,
    dry_runs_are_refused_in_order,
);

/// Wallets in every state that a refusal needs.
struct MovementCast {
    stage: LifeStage,
    /// Ana's, with 100 USD.
    dollars: WalletId,
    /// Ana's, each in a currency of its own: one frozen, one closed, one empty.
    frozen: WalletId,
    closed: WalletId,
    empty: WalletId,
    /// With 10 USD, of which 5 may go out at once.
    limited: (Actor, WalletId),
    /// In USD, of other customers.
    frozen_dollars: WalletId,
    closed_dollars: WalletId,
    full: WalletId,
}

/// How a movement is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MovementForm {
    Transfer,
    Hold,
    InBatch,
    InAtomicBatch,
    DryRun,
}

impl MovementCast {
    async fn of(bank: &Arc<TestBank>) -> Self {
        let stage = LifeStage::set(bank).await;
        let limited = quiet_customer(bank, "lim").await;
        bank.fund(limited.1, "10", "visa").await;
        stage.restrict(limited.1, limits(Some("5"), None, None)).await;
        let (_, frozen_dollars) = quiet_customer(bank, "fay").await;
        let (_, closed_dollars) = quiet_customer(bank, "cleo").await;
        let (_, full) = quiet_customer(bank, "full").await;
        bank.fund(full, MOST, "wire").await;
        let (frozen, closed) = (wallet_in(&stage, "EUR").await, wallet_in(&stage, "GBP").await);
        for wallet in [frozen, frozen_dollars] {
            stage.freeze(wallet).await;
        }
        for wallet in [closed, closed_dollars] {
            stage.close(wallet).await;
        }
        Self {
            dollars: stage.ana.1,
            empty: wallet_in(&stage, "JPY").await,
            frozen,
            closed,
            limited,
            frozen_dollars,
            closed_dollars,
            full,
            stage,
        }
    }

    /// Both refusals of a line apply to its request.
    fn table(&self) -> Vec<([&'static str; 2], Actor, NewTransfer)> {
        let (ana, (lim, limited)) = (&self.stage.ana.0, self.limited.clone());
        let (dollars, bens, full) = (self.dollars, self.stage.ben.1, self.full);
        let unknown = WalletId(UNKNOWN);
        let zero = |source, destination| NewTransfer::new(source, destination, Some(money("0")));
        let missing = |source, destination| NewTransfer::new(source, destination, None);
        let pays = new_transfer;
        vec![
            ([INVALID_AMOUNT, NO_WALLET], ana.clone(), missing(unknown, bens)),
            ([INVALID_AMOUNT, NO_WALLET], ana.clone(), zero(bens, dollars)),
            ([INVALID_AMOUNT, NO_WALLET], ana.clone(), missing(dollars, unknown)),
            ([INVALID_AMOUNT, SAME_WALLET], ana.clone(), zero(dollars, dollars)),
            ([INVALID_AMOUNT, FROZEN], ana.clone(), missing(self.frozen, bens)),
            ([NO_WALLET, NO_PAYEE], ana.clone(), to_nobody(bens)),
            ([NO_WALLET, SAME_WALLET], ana.clone(), pays(bens, bens, "1")),
            ([NO_WALLET, SAME_WALLET], ana.clone(), pays(unknown, unknown, "1")),
            ([NO_WALLET, FROZEN], ana.clone(), pays(self.frozen, unknown, "1")),
            ([NO_WALLET, FUNDS], ana.clone(), pays(dollars, unknown, "101")),
            ([NO_PAYEE, FROZEN], ana.clone(), to_nobody(self.frozen)),
            ([SAME_WALLET, FROZEN], ana.clone(), pays(self.frozen, self.frozen, "1")),
            ([SAME_WALLET, CLOSED], ana.clone(), pays(self.closed, self.closed, "1")),
            ([SAME_WALLET, LIMIT], lim.clone(), pays(limited, limited, "6")),
            ([SAME_WALLET, FUNDS], ana.clone(), pays(dollars, dollars, "101")),
            (
                [FROZEN, CLOSED],
                ana.clone(),
                pays(self.frozen, self.closed_dollars, "1"),
            ),
            (
                [FROZEN, CLOSED],
                ana.clone(),
                pays(self.closed, self.frozen_dollars, "1"),
            ),
            ([FROZEN, CURRENCY], ana.clone(), pays(dollars, self.frozen, "1")),
            ([FROZEN, LIMIT], lim.clone(), pays(limited, self.frozen_dollars, "6")),
            ([CLOSED, CURRENCY], ana.clone(), pays(dollars, self.closed, "1")),
            ([CLOSED, LIMIT], lim.clone(), pays(limited, self.closed_dollars, "6")),
            ([CURRENCY, LIMIT], lim.clone(), pays(limited, self.empty, "6")),
            ([CURRENCY, FUNDS], ana.clone(), pays(self.empty, bens, "1")),
            ([LIMIT, FUNDS], lim.clone(), pays(limited, bens, "11")),
            ([LIMIT, RANGE], lim.clone(), pays(limited, full, "6")),
            ([LIMIT, NOTHING], lim, pays(limited, bens, "6")),
            ([FUNDS, RANGE], ana.clone(), pays(dollars, full, "101")),
            ([FUNDS, NOTHING], ana.clone(), pays(dollars, bens, "101")),
            ([RANGE, NOTHING], ana.clone(), pays(dollars, full, "1")),
        ]
    }

    async fn ask(&self, form: MovementForm, actor: &Actor, new: NewTransfer) -> Result<(), TransferError> {
        let transfers = &self.stage.services.transfers;
        let asking = Asking {
            is_dry_run: form == MovementForm::DryRun,
            ..Asking::by(actor)
        };
        match form {
            MovementForm::Transfer | MovementForm::DryRun => transfers.submit(asking, new).await.map(drop),
            MovementForm::Hold => {
                let hold = Some(HoldTerms::DEFAULT);
                transfers.submit(asking, NewTransfer { hold, ..new }).await.map(drop)
            }
            MovementForm::InBatch => {
                let mut made = transfers.batch(asking, batch_of(false, new)).await?;
                made.items.pop().expect("there is one").map(drop)
            }
            MovementForm::InAtomicBatch => match transfers.batch(asking, batch_of(true, new)).await {
                Ok(_) => Ok(()),
                Err(TransferError::BatchRefused { error, .. }) => Err(*error),
                Err(error) => Err(error),
            },
        }
    }
}

/// A transfer of 1 to an address that no user has.
fn to_nobody(source: WalletId) -> NewTransfer {
    let email = Email::try_new("nobody@example.com").expect("this is an address");
    NewTransfer {
        destination: NewDestination::Email(email),
        ..new_transfer(source, source, "1")
    }
}

fn batch_of(is_atomic: bool, new: NewTransfer) -> NewBatch {
    NewBatch {
        is_atomic,
        transfers: vec![new],
    }
}

async fn refused_in_order(bank: &Arc<TestBank>, form: MovementForm) {
    let cast = MovementCast::of(bank).await;
    let all = [cast.dollars, cast.stage.ben.1, cast.limited.1, cast.full];
    let before = bank.balances(&all).await;
    for (codes, actor, new) in cast.table() {
        // A hold moves no money yet, so it cannot leave the range of a balance.
        if form == MovementForm::Hold && codes == [RANGE, NOTHING] {
            continue;
        }
        expect_first(bank, codes, form == MovementForm::DryRun, cast.ask(form, &actor, new)).await;
    }
    assert_eq!(bank.balances(&all).await, before);
    for wallet in [cast.dollars, cast.limited.1] {
        assert_eq!(cast.stage.amounts(wallet).await[1], "0.0000");
    }
    // What has nothing against it is made.
    let new = new_transfer(cast.dollars, cast.stage.ben.1, "100");
    let made = cast.ask(form, &cast.stage.ana.0, new).await;
    made.expect("nothing is in its way");
}

async fn transfers_are_refused_in_order(bank: Arc<TestBank>) {
    refused_in_order(&bank, MovementForm::Transfer).await;
}

async fn holds_are_refused_in_order(bank: Arc<TestBank>) {
    refused_in_order(&bank, MovementForm::Hold).await;
}

async fn transfers_of_a_batch_are_refused_in_order(bank: Arc<TestBank>) {
    refused_in_order(&bank, MovementForm::InBatch).await;
}

async fn transfers_of_an_atomic_batch_are_refused_in_order(bank: Arc<TestBank>) {
    refused_in_order(&bank, MovementForm::InAtomicBatch).await;
}

async fn dry_runs_are_refused_in_order(bank: Arc<TestBank>) {
    refused_in_order(&bank, MovementForm::DryRun).await;
}
