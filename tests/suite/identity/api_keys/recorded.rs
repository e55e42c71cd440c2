//! API keys: which key moved money is written with each transfer, and is part of the journal.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::transfers;
use harness::{TestBank, on_every_backend};
use sea_orm::EntityTrait;
use service::transfers::{Asking, NewBatch, NewPayment, NewTransfer, TransferError};
use service::values::{Currency, Method, TransferId, TransferKind, UserId};
use uuid::Uuid;

use super::{key_for, program};
use crate::life::{LifeStage, code};
use crate::requests::{key, money, new_transfer, submit};

on_every_backend!(
    a_transfer_keeps_the_key_that_asked_for_it,
    a_commit_may_have_transfers_with_and_without_a_key,
    each_kind_of_transfer_keeps_its_key,
    a_replay_has_the_key_too,
    the_owner_is_not_noted_whatever_the_credential,
);

/// Who asked for a stored transfer, and with which key.
async fn asked(bank: &TestBank, id: TransferId) -> (Option<UserId>, Option<Uuid>) {
    let row = transfers::Entity::find_by_id(id).one(&bank.db.read).await;
    let row = row.expect("transfers can be read").expect("the transfer is stored");
    (row.created_by, row.api_key_id)
}

fn by_visa(stage: &LifeStage, amount: &str) -> NewPayment {
    let method = Method::try_new("visa").expect("this is a method");
    NewPayment::new(stage.ana.1, Some(money(amount)), method)
}

async fn a_transfer_keeps_the_key_that_asked_for_it(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (anas, id) = program(&stage.services, &stage.ana.0, key_for(&["transfers:write"])).await;
    let with_texts = NewTransfer {
        description: Some("rent".to_owned()),
        ..new_transfer(stage.ana.1, stage.ben.1, "2")
    };
    for new in [new_transfer(stage.ana.1, stage.ben.1, "1"), with_texts] {
        let paid = submit(&stage.services, &anas, new).await.expect("there is enough");
        let paid = &paid.transfer.transfer;
        assert_eq!((paid.created_by, paid.api_key), (None, Some(id.0)));
        assert_eq!(asked(&bank, paid.id).await, (None, Some(id.0)));
        assert_eq!(stage.get(paid.id).await.transfer, *paid, "it is read as it was written");
    }
    let refused = submit(&stage.services, &anas, new_transfer(stage.ana.1, stage.ben.1, "98")).await;
    assert_eq!(code(&refused), "insufficient_funds");
    let Err(TransferError::Failed {
        transfer: Some(failed), ..
    }) = refused
    else {
        panic!("it is recorded");
    };
    assert_eq!(asked(&bank, failed).await, (None, Some(id.0)));
    // Without the key there is none.
    let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    assert_eq!(asked(&bank, paid).await, (None, None));
    bank.assert_journal_is_sound().await;
}

async fn a_commit_may_have_transfers_with_and_without_a_key(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (anas, id) = program(&stage.services, &stage.ana.0, key_for(&["transfers:write"])).await;
    let transfers = &stage.services.transfers;
    let (first, second, third) = tokio::join!(
        stage.pay("1"),
        submit(&stage.services, &anas, new_transfer(stage.ana.1, stage.ben.1, "1")),
        transfers.deposit(Asking::by(&stage.operator), by_visa(&stage, "1")),
    );
    let made = [first, second, third].map(|made| made.expect("there is enough").transfer.transfer.id);
    let [first, second, third] = made;
    assert_eq!(asked(&bank, first).await, (None, None));
    assert_eq!(asked(&bank, second).await, (None, Some(id.0)));
    assert_eq!(asked(&bank, third).await, (Some(stage.operator.user), None));
    bank.assert_journal_is_sound().await;
}

async fn each_kind_of_transfer_keeps_its_key(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (anas, of_ana) = program(&stage.services, &stage.ana.0, key_for(&["transfers:write"])).await;
    let (bens, of_ben) = program(&stage.services, &stage.ben.0, key_for(&["transfers:write"])).await;
    let scopes = key_for(&["deposits:write", "transfers:reverse"]);
    let (operators, of_operator) = program(&stage.services, &stage.operator, scopes).await;
    let transfers = &stage.services.transfers;
    let deposit = transfers.deposit(Asking::by(&operators), by_visa(&stage, "1")).await;
    let deposit = deposit.expect("an operator may deposit").transfer.transfer.id;
    let by_operator = (Some(stage.operator.user), Some(of_operator.0));
    assert_eq!(asked(&bank, deposit).await, by_operator);
    let reversal = crate::life::reverse(&stage.services, &operators, deposit, None).await;
    let reversal = reversal.expect("ana has it").transfer.transfer.id;
    assert_eq!(asked(&bank, reversal).await, by_operator);

    let held = async || {
        let held = submit(&stage.services, &anas, stage.new_hold("10")).await;
        held.expect("there is enough").transfer.transfer.id
    };
    let hold = held().await;
    assert_eq!(asked(&bank, hold).await, (None, Some(of_ana.0)));
    let by_ben = (Some(stage.ben.0.user), Some(of_ben.0));
    let captured = stage.capture(&bens, hold, Some("4"), false).await;
    let captured = captured.expect("ben may capture").transfer.transfer.id;
    assert_eq!(asked(&bank, captured).await, by_ben);
    let voided = stage.void(&bens, hold).await.expect("ben may void");
    let voided = voided.transfer.transfer.id;
    assert_eq!(asked(&bank, voided).await, by_ben);
    // The release of an expired hold has no asker and no key, although a command with a key finds it expired.
    let expiring = held().await;
    bank.advance(TimeDelta::hours(2)).await;
    let new = || new_transfer(stage.ana.1, stage.ben.1, "1");
    submit(&stage.services, &anas, new()).await.expect("there is enough");
    let released = stage.children(expiring).await;
    assert_eq!(released.len(), 1);
    assert_eq!(released[0].transfer.kind, TransferKind::Release);
    assert_eq!(asked(&bank, released[0].transfer.id).await, (None, None));

    let with_key = "SELECT count(*) AS n FROM transfers WHERE api_key_id IS NOT NULL";
    let before = bank.number(with_key).await;
    let batch = NewBatch {
        is_atomic: true,
        transfers: vec![new(), new(), new()],
    };
    let made = transfers.batch(Asking::by(&anas), batch).await;
    made.expect("there is enough");
    assert_eq!(bank.number(with_key).await, before + 3);
    bank.assert_journal_is_sound().await;
}

async fn a_replay_has_the_key_too(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let (anas, id) = program(&stage.services, &stage.ana.0, key_for(&["transfers:write"])).await;
    let mut answers = Vec::new();
    for services in [&stage.services, &stage.services, &replica] {
        let asking = Asking::by(&anas).with_key(key("once"));
        let new = new_transfer(stage.ana.1, stage.ben.1, "1");
        answers.push(services.transfers.submit(asking, new).await.expect("there is enough"));
    }
    assert_eq!(answers[0].transfer.transfer.api_key, Some(id.0));
    for again in &answers[1..] {
        assert!(again.replayed);
        assert_eq!(again.transfer, answers[0].transfer);
    }
    replica.stop().await;
}

async fn the_owner_is_not_noted_whatever_the_credential(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (anas, _) = program(&stage.services, &stage.ana.0, key_for(&["wallets:open"])).await;
    let noted = "SELECT count(*) AS n FROM changes WHERE created_by IS NOT NULL";
    let before = bank.number(noted).await;
    let changes = bank.number("SELECT count(*) AS n FROM changes").await;
    let euro = Currency::from_code("EUR").expect("EUR is a currency");
    let opened = stage.services.wallets.open(&anas, euro).await;
    assert_eq!(opened.expect("ana has none").owner, Some(stage.ana.0.user));
    assert_eq!(bank.number("SELECT count(*) AS n FROM changes").await, changes + 1);
    assert_eq!(bank.number(noted).await, before);
}
