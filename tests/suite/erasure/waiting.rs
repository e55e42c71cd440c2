//! What waits in the queue while the person who asked for it is erased.

use std::sync::Arc;

use harness::{Backend, TestBank, begin, on_every_backend};
use service::transfers::{AskedAmount, Asking, NewPayment, NewReversal};
use service::values::{Method, Role};

use super::stage::AnasLife;
use super::{stored_rows, tables_with};
use crate::requests::money;

on_every_backend!(what_waited_while_its_asker_was_erased_loses_its_text);

/// For a time Ana is an operator, who takes back payments of others when her own wallets are closed.
async fn what_waited_while_its_asker_was_erased_loses_its_text(bank: Arc<TestBank>) {
    let life = AnasLife::begun(&bank).await;
    life.wallets_are_closed(&bank).await;
    let (transfers, user) = (&life.services.transfers, life.ana.actor.user);
    let wire = Method::try_new("wire").expect("this is a method");
    let deposit = NewPayment::new(life.ben.wallet, Some(money("3")), wire);
    let deposit = transfers.deposit(Asking::by(&life.operator), deposit).await;
    let deposit = deposit.expect("an operator can deposit").transfer.transfer.id;
    let operator = life.services.identity.set_role(&life.admin, user, Role::Operator).await;
    operator.expect("a role can be given");
    let ana = life.signed_in().await;
    let reverse = || {
        let new = NewReversal {
            original: deposit,
            amount: AskedAmount::Exactly(Some(money("1"))),
            description: Some("hers-late".to_owned()),
        };
        transfers.reverse(Asking::by(&ana), new)
    };
    let held = bank.hold_commits().await;
    let asked = begin([reverse(), reverse()]).await;
    assert_eq!(asked.waiting(), 2, "they are queued");
    let (services, admin) = (life.services.clone(), life.admin.clone());
    let erasure = tokio::spawn(async move { services.identity.erase(&admin, user).await });
    let erased = if bank.backend == Backend::Postgres {
        let erased = erasure.await;
        held.release().await;
        erased
    } else {
        // On SQLite the erasure waits for the same lock.
        held.release().await;
        erasure.await
    };
    erased.expect("it does not panic").expect("her wallets are closed");
    for reversed in asked.all().await {
        reversed.expect("it was asked for before");
    }
    if bank.backend == Backend::Postgres {
        assert_eq!(tables_with(&stored_rows(&bank).await, "hers-late"), ["transfers"]);
    }
    let looked_at = life.services.identity.finish_erasures().await;
    assert_eq!(looked_at.expect("it can be looked at"), 1);
    let found = tables_with(&stored_rows(&bank).await, "hers-late");
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(bank.balances(&[life.ben.wallet]).await, ["1001.0000"]);
}
