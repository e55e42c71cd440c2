//! Changes that say of their wallets what was not so.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::transfers::{Asking, HoldTerms, NewTransfer};
use service::values::ChangeKind;
use service::wallets::Expected;

use super::{Books, CHANGE_HELD, CHANGE_STATE};
use crate::requests::new_transfer;

on_every_backend!(
    a_changed_balance_of_a_change_is_found,
    changed_limits_of_a_change_are_found,
    a_changed_sum_of_holds_of_a_change_is_found,
);

async fn a_changed_balance_of_a_change_is_found(bank: Arc<TestBank>) {
    for column in ["balance = '1.0000'", "version = 7", "status = 'ACTIVE'"] {
        let books = Books::of(bank.backend).await;
        books.freeze(books.ben).await;
        let frozen = books.change_of(books.ben, ChangeKind::Frozen).await;
        let sql = format!(
            "UPDATE changes SET {column} WHERE subject = {} AND kind = 2",
            books.id(books.ben)
        );
        books.after(&[sql], vec![(CHANGE_STATE, frozen)]).await;
    }
}

async fn changed_limits_of_a_change_are_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    books.freeze(books.ben).await;
    let frozen = books.change_of(books.ben, ChangeKind::Frozen).await;
    let sql = format!(
        "UPDATE changes SET limits = '{{\"per_day_count\":3}}' WHERE subject = {} AND kind = 2",
        books.id(books.ben)
    );
    books.after(&[sql], vec![(CHANGE_STATE, frozen)]).await;
}

/// Of three holds one is captured in part, one is voided, and one is made after the change.
async fn a_changed_sum_of_holds_of_a_change_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let transfers = &books.bank.services.transfers;
    let hold = async || {
        let new = NewTransfer {
            hold: HoldTerms::try_new(3_600),
            ..new_transfer(books.ana, books.ben, "3")
        };
        let held = transfers.submit(Asking::by(&books.anas), new).await;
        held.expect("there is enough").transfer.transfer.id
    };
    let [captured, voided] = [hold().await, hold().await];
    crate::life::capture(&books.bank.services, books.bens.clone(), captured, Some("1"), false)
        .await
        .expect("ben may capture");
    transfers
        .void(Asking::by(&books.bens), voided)
        .await
        .expect("ben may void");
    books.freeze(books.ana).await;
    let operator = books.bank.operator_actor().await;
    let wallets = &books.bank.services.wallets;
    let active = wallets.unfreeze(&operator, books.ana, None, Expected::Anything).await;
    active.expect("a wallet can be unfrozen");
    hold().await;
    let frozen = books.change_of(books.ana, ChangeKind::Frozen).await;
    let sql = format!(
        "UPDATE changes SET held = '5.0000' WHERE subject = {} AND kind = 2 AND held = '2.0000'",
        books.id(books.ana)
    );
    books.after(&[sql], vec![(CHANGE_HELD, frozen)]).await;
}
