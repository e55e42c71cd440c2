//! What stands in a caller's batch: holds and transfers, from several wallets, to wallets and to e-mail addresses; and which
//! of them is at fault.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::identity::Email;
use service::page::PageRequest;
use service::transfers::{BatchAnswer, NewDestination, NewTransfer, Refusal, TransferError, TransferFilter};
use service::values::{BatchId, Currency, TransferStatus, WalletId};

use super::acts::{LATER, code_of, codes_of, count_transfers, limits, made};
use super::{LifeStage, code};
use crate::requests::{new_transfer, quiet_customer};

on_every_backend!(
    the_transfer_at_fault_is_named_with_its_place,
    holds_and_transfers_are_made_together,
    a_refused_batch_holds_nothing,
    a_refused_batch_does_not_count_against_limits,
    a_refused_batch_releases_what_has_run_out,
    a_batch_pays_from_several_wallets,
    a_batch_pays_people_by_their_addresses,
    a_batch_is_listed_by_its_id,
);

impl LifeStage {
    fn to_ben(&self, amount: &str) -> NewTransfer {
        new_transfer(self.ana.1, self.ben.1, amount)
    }

    /// Ana's other wallet, in euros, with some money.
    async fn euros(&self, bank: &TestBank, amount: &str) -> WalletId {
        let euro = Currency::from_code("EUR").expect("EUR is a currency");
        let opened = self.services.wallets.open(&self.ana.0, euro).await;
        let wallet = opened.expect("a wallet can be opened").id;
        bank.fund(wallet, amount, "visa").await;
        wallet
    }
}

pub fn to_address(source: WalletId, address: &str, amount: &str) -> NewTransfer {
    NewTransfer {
        destination: NewDestination::Email(Email::try_new(address).expect("this is an address")),
        ..new_transfer(source, source, amount)
    }
}

async fn the_transfer_at_fault_is_named_with_its_place(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (_, frozen) = quiet_customer(&bank, "fay").await;
    let euros = stage.euros(&bank, "5").await;
    stage.freeze(frozen).await;
    let before = bank.balances(&[stage.ana.1, stage.ben.1, frozen, euros]).await;
    let unknown = WalletId(uuid::Uuid::from_u128(1));
    let missing = NewTransfer::new(stage.ana.1, stage.ben.1, None);
    let faults = [
        (missing, "invalid_amount"),
        (new_transfer(stage.ben.1, stage.ana.1, "1"), "wallet_not_found"),
        (new_transfer(stage.ana.1, unknown, "1"), "wallet_not_found"),
        (to_address(stage.ana.1, "nobody@example.com", "1"), "payee_not_found"),
        (new_transfer(stage.ana.1, stage.ana.1, "1"), "same_wallet"),
        (new_transfer(stage.ana.1, frozen, "1"), "wallet_frozen"),
        (new_transfer(euros, stage.ben.1, "1"), "currency_mismatch"),
        (stage.to_ben("98.0001"), "insufficient_funds"),
    ];
    for (number, (fault, expected)) in faults.into_iter().enumerate() {
        let mut items = vec![stage.to_ben("1"), stage.new_hold("1"), stage.to_ben("0.5")];
        // The last fault, about funds, comes to the end of its batch.
        let place = number % 4;
        items.insert(place, fault);
        let stored = count_transfers(&bank).await;
        let name = format!("k{number}");
        let refused = stage.ask_together(&name, true, items).await;
        let Err(TransferError::BatchRefused {
            index, error, replayed, ..
        }) = refused
        else {
            panic!("{refused:?}");
        };
        assert_eq!((index, code_of(&error), replayed), (place, expected, false));
        let is_recorded = matches!(*error, TransferError::Failed { .. });
        assert_eq!(
            count_transfers(&bank).await,
            stored + i64::from(is_recorded),
            "{expected}"
        );
        if let TransferError::Failed { transfer: Some(id), .. } = *error {
            let record = stage.get(id).await;
            assert!(record.transfer.batch.is_some(), "{record:?}");
            assert_eq!(record.failure_reason(), Some(expected));
        }
    }
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1, frozen, euros]).await, before);
    assert_eq!(stage.amounts(stage.ana.1).await[1], "0.0000");
}

async fn holds_and_transfers_are_made_together(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    for is_atomic in [true, false] {
        let items = vec![stage.new_hold("20"), stage.to_ben("10"), stage.new_hold("5")];
        let name = format!("k{is_atomic}");
        let answer = stage
            .ask_together(&name, is_atomic, items)
            .await
            .expect("there is enough");
        let items: Vec<_> = answer
            .items
            .into_iter()
            .map(|item| item.expect("it was made"))
            .collect();
        let statuses: Vec<TransferStatus> = items.iter().map(|item| item.status()).collect();
        let (pending, done) = (TransferStatus::Pending, TransferStatus::Completed);
        assert_eq!(statuses, [pending, done, pending]);
        assert!(items.iter().all(|item| item.transfer.batch == Some(answer.id)));
        made(stage.capture(&stage.ben.0, items[0].transfer.id, None, true).await);
        made(stage.void(&stage.ben.0, items[2].transfer.id).await);
    }
    assert_eq!(stage.amounts(stage.ana.1).await, ["40.0000", "0.0000", "40.0000"]);
}

async fn a_refused_batch_holds_nothing(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let items = vec![stage.new_hold("60"), stage.new_hold("40"), stage.to_ben("0.0001")];
    let refused = stage.ask_together("k", true, items).await;
    assert!(
        matches!(refused, Err(TransferError::BatchRefused { index: 2, .. })),
        "{refused:?}"
    );
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
    assert_eq!(bank.number("SELECT count(*) AS n FROM holds").await, 0);
    made(stage.pay("100").await);
}

async fn a_refused_batch_does_not_count_against_limits(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    stage.restrict(stage.ana.1, limits(None, Some("10"), Some(3))).await;
    let refused = stage
        .ask_together(
            "k",
            true,
            vec![stage.to_ben("6"), stage.new_hold("4"), stage.to_ben("1")],
        )
        .await;
    let Err(TransferError::BatchRefused { index: 2, error, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(code_of(&error), "limit_exceeded");
    let items = vec![stage.to_ben("6"), stage.new_hold("4")];
    let answer = stage
        .ask_together("k2", true, items)
        .await
        .expect("nothing has counted");
    assert_eq!(codes_of(&answer), ["done", "done"]);
    assert_eq!(code(&stage.pay("0.0001").await), "limit_exceeded");
}

async fn a_refused_batch_releases_what_has_run_out(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("50").await;
    bank.advance(LATER).await;
    let refused = stage
        .ask_together("k", true, vec![stage.to_ben("100"), stage.to_ben("0.0001")])
        .await;
    assert!(
        matches!(refused, Err(TransferError::BatchRefused { index: 1, .. })),
        "{refused:?}"
    );
    stage.services.transfers.expire_holds().await.expect("it can sweep");
    assert_eq!(stage.children(hold).await.len(), 1, "it is released once");
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
    let answer = stage.ask_together("k2", true, vec![stage.to_ben("100")]).await;
    assert_eq!(codes_of(&answer.expect("the hold has run out")), ["done"]);
}

async fn a_batch_pays_from_several_wallets(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let euros = stage.euros(&bank, "5").await;
    let cy = quiet_customer(&bank, "cy").await;
    let euro = Currency::from_code("EUR").expect("EUR is a currency");
    let cys = stage
        .services
        .wallets
        .open(&cy.0, euro)
        .await
        .expect("a wallet can be opened")
        .id;
    let items = || vec![stage.to_ben("1"), new_transfer(euros, cys, "2"), stage.to_ben("3")];
    let answer = stage.ask_together("k", true, items()).await.expect("there is enough");
    assert_eq!(codes_of(&answer), ["done"; 3]);
    let mut more = items();
    more.push(new_transfer(euros, cys, "1.0001"));
    let refused = stage.ask_together("k2", true, more).await;
    let Err(TransferError::BatchRefused { index: 3, error, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(code_of(&error), "insufficient_funds");
    let balances = bank.balances(&[stage.ana.1, stage.ben.1, euros, cys]).await;
    assert_eq!(balances, ["96.0000", "4.0000", "3.0000", "2.0000"]);
}

async fn a_batch_pays_people_by_their_addresses(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let euros = stage.euros(&bank, "5").await;
    let items = vec![
        to_address(stage.ana.1, "ben@example.com", "10"),
        to_address(stage.ana.1, "nobody@example.com", "10"),
        // Ben has no wallet in euros.
        to_address(euros, "Ben@Example.com", "1"),
        to_address(stage.ana.1, "ana@example.com", "1"),
    ];
    let answer = stage
        .ask_together("k", false, items)
        .await
        .expect("a batch has outcomes");
    let expected = ["done", "payee_not_found", "payee_not_found", "same_wallet"];
    assert_eq!(codes_of(&answer), expected);
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["90.0000", "10.0000"]);
    let refused = &answer.items[1];
    assert!(
        matches!(refused, Err(TransferError::Refused(Refusal::PayeeNotFound))),
        "{refused:?}"
    );
}

async fn a_batch_is_listed_by_its_id(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let cy = quiet_customer(&bank, "cy").await;
    let items = vec![
        stage.to_ben("10"),
        new_transfer(stage.ana.1, cy.1, "20"),
        stage.to_ben("1000"),
        stage.new_hold("5"),
    ];
    let answer: BatchAnswer = stage
        .ask_together("k", false, items)
        .await
        .expect("a batch has outcomes");
    made(stage.pay("1").await);
    let of_batch = |batch: BatchId, status| TransferFilter {
        batch: Some(batch),
        status,
        ..TransferFilter::default()
    };
    let all = stage.found(of_batch(answer.id, None)).await;
    let amounts: Vec<String> = all.iter().map(|one| one.transfer.amount.to_string()).collect();
    assert_eq!(amounts, ["10.0000", "20.0000", "1000.0000", "5.0000"]);
    let failed = stage.found(of_batch(answer.id, Some(TransferStatus::Failed))).await;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].transfer.id, all[2].transfer.id);
    // Each side sees its own; a refusal is for those who asked.
    for (actor, count) in [(&stage.ana.0, 4), (&stage.ben.0, 2), (&cy.0, 1), (&stage.operator, 4)] {
        let request = PageRequest { limit: 10, after: None };
        let listed = stage
            .services
            .transfers
            .list(actor, of_batch(answer.id, None), request)
            .await;
        assert_eq!(listed.expect("it can be listed").items.len(), count, "{actor:?}");
    }
    let other = stage.found(of_batch(BatchId(uuid::Uuid::from_u128(1)), None)).await;
    assert!(other.is_empty(), "{other:?}");
}
