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
use crate::life::Stage;
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
struct Cast {
    stage: Stage,
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
enum Form {
    Transfer,
    Hold,
    InBatch,
    InAtomicBatch,
    DryRun,
}

impl Cast {
    async fn of(bank: &Arc<TestBank>) -> Self {
        let stage = Stage::set(bank).await;
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
        let (ana, (lim, limited)) = (self.stage.ana.0, self.limited);
        let (dollars, bens, full) = (self.dollars, self.stage.ben.1, self.full);
        let unknown = WalletId(UNKNOWN);
        let zero = |source, destination| NewTransfer::new(source, destination, Some(money("0")));
        let missing = |source, destination| NewTransfer::new(source, destination, None);
        let pays = new_transfer;
        vec![
            ([INVALID_AMOUNT, NO_WALLET], ana, missing(unknown, bens)),
            ([INVALID_AMOUNT, NO_WALLET], ana, zero(bens, dollars)),
            ([INVALID_AMOUNT, NO_WALLET], ana, missing(dollars, unknown)),
            ([INVALID_AMOUNT, SAME_WALLET], ana, zero(dollars, dollars)),
            ([INVALID_AMOUNT, FROZEN], ana, missing(self.frozen, bens)),
            ([NO_WALLET, NO_PAYEE], ana, to_nobody(bens)),
            ([NO_WALLET, SAME_WALLET], ana, pays(bens, bens, "1")),
            ([NO_WALLET, SAME_WALLET], ana, pays(unknown, unknown, "1")),
            ([NO_WALLET, FROZEN], ana, pays(self.frozen, unknown, "1")),
            ([NO_WALLET, FUNDS], ana, pays(dollars, unknown, "101")),
            ([NO_PAYEE, FROZEN], ana, to_nobody(self.frozen)),
            ([SAME_WALLET, FROZEN], ana, pays(self.frozen, self.frozen, "1")),
            ([SAME_WALLET, CLOSED], ana, pays(self.closed, self.closed, "1")),
            ([SAME_WALLET, LIMIT], lim, pays(limited, limited, "6")),
            ([SAME_WALLET, FUNDS], ana, pays(dollars, dollars, "101")),
            ([FROZEN, CLOSED], ana, pays(self.frozen, self.closed_dollars, "1")),
            ([FROZEN, CLOSED], ana, pays(self.closed, self.frozen_dollars, "1")),
            ([FROZEN, CURRENCY], ana, pays(dollars, self.frozen, "1")),
            ([FROZEN, LIMIT], lim, pays(limited, self.frozen_dollars, "6")),
            ([CLOSED, CURRENCY], ana, pays(dollars, self.closed, "1")),
            ([CLOSED, LIMIT], lim, pays(limited, self.closed_dollars, "6")),
            ([CURRENCY, LIMIT], lim, pays(limited, self.empty, "6")),
            ([CURRENCY, FUNDS], ana, pays(self.empty, bens, "1")),
            ([LIMIT, FUNDS], lim, pays(limited, bens, "11")),
            ([LIMIT, RANGE], lim, pays(limited, full, "6")),
            ([LIMIT, NOTHING], lim, pays(limited, bens, "6")),
            ([FUNDS, RANGE], ana, pays(dollars, full, "101")),
            ([FUNDS, NOTHING], ana, pays(dollars, bens, "101")),
            ([RANGE, NOTHING], ana, pays(dollars, full, "1")),
        ]
    }

    async fn ask(&self, form: Form, actor: Actor, new: NewTransfer) -> Result<(), TransferError> {
        let transfers = &self.stage.services.transfers;
        let asking = Asking {
            is_dry_run: form == Form::DryRun,
            ..Asking::by(actor)
        };
        match form {
            Form::Transfer | Form::DryRun => transfers.submit(asking, new).await.map(drop),
            Form::Hold => {
                let hold = Some(HoldTerms::DEFAULT);
                transfers.submit(asking, NewTransfer { hold, ..new }).await.map(drop)
            }
            Form::InBatch => {
                let mut made = transfers.batch(asking, batch_of(false, new)).await?;
                made.items.pop().expect("there is one").map(drop)
            }
            Form::InAtomicBatch => match transfers.batch(asking, batch_of(true, new)).await {
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

async fn refused_in_order(bank: &Arc<TestBank>, form: Form) {
    let cast = Cast::of(bank).await;
    let all = [cast.dollars, cast.stage.ben.1, cast.limited.1, cast.full];
    let before = bank.balances(&all).await;
    for (codes, actor, new) in cast.table() {
        // A hold moves no money yet, so it cannot leave the range of a balance.
        if form == Form::Hold && codes == [RANGE, NOTHING] {
            continue;
        }
        expect_first(bank, codes, form == Form::DryRun, cast.ask(form, actor, new)).await;
    }
    assert_eq!(bank.balances(&all).await, before);
    for wallet in [cast.dollars, cast.limited.1] {
        assert_eq!(cast.stage.amounts(wallet).await[1], "0.0000");
    }
    // What has nothing against it is made.
    let new = new_transfer(cast.dollars, cast.stage.ben.1, "100");
    let made = cast.ask(form, cast.stage.ana.0, new).await;
    made.expect("nothing is in its way");
}

async fn transfers_are_refused_in_order(bank: Arc<TestBank>) {
    refused_in_order(&bank, Form::Transfer).await;
}

async fn holds_are_refused_in_order(bank: Arc<TestBank>) {
    refused_in_order(&bank, Form::Hold).await;
}

async fn transfers_of_a_batch_are_refused_in_order(bank: Arc<TestBank>) {
    refused_in_order(&bank, Form::InBatch).await;
}

async fn transfers_of_an_atomic_batch_are_refused_in_order(bank: Arc<TestBank>) {
    refused_in_order(&bank, Form::InAtomicBatch).await;
}

async fn dry_runs_are_refused_in_order(bank: Arc<TestBank>) {
    refused_in_order(&bank, Form::DryRun).await;
}
