//! Holds whose kept state differs from what has become of them, and captures and releases that cannot have been made.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::transfers::{Asking, HoldTerms, NewTransfer};
use service::values::TransferId;
use uuid::Uuid;

use super::{Books, HELD, LAST, found};
use crate::life::capture;
use crate::requests::{new_transfer, submit};

on_every_backend!(
    holds_in_every_state_are_clean,
    a_changed_state_of_a_hold_is_found,
    a_changed_remainder_is_found_on_its_wallet,
    a_lost_state_of_a_hold_is_found,
    a_kept_state_without_a_hold_is_found,
    a_release_that_cannot_have_been_made_is_found,
    a_capture_after_the_hold_ran_out_is_found,
    a_second_release_is_found,
    a_release_that_leaves_something_is_found,
    the_last_update_is_that_of_the_hold,
);

pub(super) const KEPT: &str = "what is kept of a hold is what its captures and its release have left";
const ONLY: &str = "only a hold that was made has its state kept";
const PARTS: &str = "every capture and release is of a hold with its wallets, in time";
const TAKEN: &str =
    "captures and the release of a hold never take more than it, and nothing comes after what has ended it";

/// What has become of a hold.
#[derive(Clone, Copy)]
enum State {
    Open,
    Voided,
    /// In part; the rest was given back.
    Captured,
    Expired,
}

/// Every hold of an hour has run out by then.
const LATER: TimeDelta = TimeDelta::seconds(3_601);

impl Books {
    /// Ana's money, held for ben for an hour.
    pub(super) async fn hold(&self, amount: &str) -> TransferId {
        let new = NewTransfer {
            hold: HoldTerms::try_new(3_600),
            ..new_transfer(self.ana, self.ben, amount)
        };
        let held = submit(&self.bank.services, &self.anas, new).await;
        held.expect("ana has it").transfer.transfer.id
    }

    pub(super) async fn capture(&self, hold: TransferId, amount: Option<&str>, is_final: bool) -> TransferId {
        let captured = capture(&self.bank.services, self.bens.clone(), hold, amount, is_final).await;
        captured.expect("it is open").transfer.transfer.id
    }

    pub(super) async fn void(&self, hold: TransferId) -> TransferId {
        let voided = self.bank.services.transfers.void(Asking::by(&self.bens), hold).await;
        voided.expect("it is open").transfer.transfer.id
    }

    /// Lets the time of every hold run out, and writes the releases.
    pub(super) async fn expire(&self) {
        self.bank.advance(LATER).await;
        let released = self.bank.services.transfers.expire_holds().await;
        assert!(released.expect("the holds can be read") > 0);
    }

    /// Brings an open hold into a state.
    async fn bring(&self, hold: TransferId, state: State) {
        match state {
            State::Open => {}
            State::Voided => {
                self.void(hold).await;
            }
            State::Captured => {
                self.capture(hold, Some("8"), true).await;
            }
            State::Expired => self.expire().await,
        }
    }

    /// The release of a hold.
    async fn release_of(&self, hold: TransferId) -> TransferId {
        let filter = service::transfers::TransferFilter {
            parent: Some(hold),
            ..service::transfers::TransferFilter::default()
        };
        let request = service::page::PageRequest { limit: 1, after: None };
        let operator = self.bank.operator_actor().await;
        let page = self.bank.services.transfers.list(&operator, filter, request).await;
        page.expect("transfers can be listed").items[0].transfer.id
    }
}

async fn holds_in_every_state_are_clean(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let (whole, parts, rest) = (books.hold("1").await, books.hold("5").await, books.hold("6").await);
    let (voided, voided_rest) = (books.hold("2").await, books.hold("3").await);
    books.hold("7").await;
    books.capture(whole, None, true).await;
    for amount in ["2", "3"] {
        books.capture(parts, Some(amount), false).await;
    }
    books.capture(rest, Some("1"), true).await;
    books.void(voided).await;
    books.capture(voided_rest, Some("1"), false).await;
    books.void(voided_rest).await;
    assert_eq!(found(&books.bank).await, []);
    let partly = books.hold("4").await;
    books.capture(partly, Some("1"), false).await;
    books.expire().await;
    books.hold("1").await;
    books.after(&[], Vec::new()).await;
}

async fn a_changed_state_of_a_hold_is_found(bank: Arc<TestBank>) {
    let other_time = "'2020-01-05T03:33:59+00:00'";
    for (state, change) in [
        (State::Open, "captured = '1.0000'".to_owned()),
        (State::Open, format!("expires_at = {other_time}")),
        (State::Voided, "captured = '1.0000'".to_owned()),
        (State::Voided, "\"end\" = 1".to_owned()),
        (State::Voided, "\"end\" = 3".to_owned()),
        (State::Voided, format!("ended_at = {other_time}")),
        (State::Captured, "\"end\" = 2".to_owned()),
        (State::Captured, "captured = '9.0000'".to_owned()),
        (State::Captured, format!("ended_at = {other_time}")),
        (State::Expired, "\"end\" = 2".to_owned()),
        (State::Expired, format!("ended_at = {other_time}")),
        (
            State::Expired,
            "wallet_id = (SELECT id FROM wallets WHERE method = 'visa')".to_owned(),
        ),
    ] {
        let books = Books::of(bank.backend).await;
        let hold = books.hold("10").await;
        books.bring(hold, state).await;
        let sql = [format!("UPDATE holds SET {change} WHERE id = {}", books.transfer(hold))];
        books.after(&sql, vec![(KEPT, hold.to_string())]).await;
    }
}

async fn a_changed_remainder_is_found_on_its_wallet(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let hold = books.hold("10").await;
    let remaining = format!(
        "UPDATE holds SET remaining = '9.0000' WHERE id = {}",
        books.transfer(hold)
    );
    let expected = vec![(KEPT, hold.to_string()), (HELD, books.ana.to_string())];
    books.after(&[remaining], expected).await;
    // What is held on the wallet is changed too, so that the two agree.
    let books = Books::of(bank.backend).await;
    let hold = books.hold("10").await;
    let sql = [
        format!(
            "UPDATE holds SET remaining = '9.0000' WHERE id = {}",
            books.transfer(hold)
        ),
        format!("UPDATE wallets SET held = '9.0000' WHERE id = {}", books.id(books.ana)),
    ];
    books.after(&sql, vec![(KEPT, hold.to_string())]).await;
}

async fn a_lost_state_of_a_hold_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let (open, ended) = (books.hold("10").await, books.hold("5").await);
    books.void(ended).await;
    let sql = ["DELETE FROM holds".to_owned()];
    let expected = vec![
        (KEPT, open.to_string()),
        (KEPT, ended.to_string()),
        (HELD, books.ana.to_string()),
    ];
    books.after(&sql, expected).await;
}

async fn a_kept_state_without_a_hold_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "INSERT INTO holds (id, wallet_id, remaining, captured, expires_at, \"end\", ended_at) \
         SELECT id, source_wallet_id, '0.0000', '0.0000', created_at, 2, created_at FROM transfers WHERE id = {}",
        books.transfer(books.ten)
    )];
    let expected = vec![(ONLY, books.ten.to_string())];
    books.after(&sql, expected).await;
}

async fn a_release_that_cannot_have_been_made_is_found(bank: Arc<TestBank>) {
    let visa = "(SELECT id FROM wallets WHERE method = 'visa')".to_owned();
    for (column, value) in [
        ("destination_wallet_id", Some(visa)),
        ("amount", Some("'9.0000'".to_owned())),
        // An asker, of a release by the time.
        ("created_by", None),
    ] {
        let books = Books::of(bank.backend).await;
        let hold = books.hold("10").await;
        books.expire().await;
        let release = books.release_of(hold).await;
        let value = value.unwrap_or_else(|| books.bank.literal(books.bens.user.0));
        let sql = [format!(
            "UPDATE transfers SET {column} = {value} WHERE id = {}",
            books.transfer(release)
        )];
        let expected = vec![(PARTS, release.to_string()), books.changed(release).await];
        books.after(&sql, expected).await;
    }
}

async fn a_capture_after_the_hold_ran_out_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let hold = books.hold("10").await;
    let capture = books.capture(hold, Some("4"), false).await;
    let sql = [format!(
        "UPDATE transfers SET created_at = '2999-01-05T03:33:59+00:00' WHERE id = {}",
        books.transfer(capture)
    )];
    let expected = vec![(PARTS, capture.to_string()), books.changed(capture).await];
    books.after(&sql, expected).await;
}

async fn a_second_release_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let hold = books.hold("10").await;
    let release = books.void(hold).await;
    // The next id of the same microsecond, so that the wallet's last update is that of this one too.
    let next = TransferId(Uuid::from_u128(release.0.as_u128() + 1));
    let sql = [format!(
        "INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, released, \
         parent_id, created_by, created_at) SELECT {}, kind, status, source_wallet_id, destination_wallet_id, amount, \
         currency, released, parent_id, created_by, created_at FROM transfers WHERE id = {}",
        books.transfer(next),
        books.transfer(release)
    )];
    books
        .after(&sql, vec![(TAKEN, hold.to_string()), Books::beyond()])
        .await;
}

async fn a_release_that_leaves_something_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let hold = books.hold("10").await;
    let release = books.void(hold).await;
    // Everything else is as if the hold were open with the rest.
    let sql = [
        format!(
            "UPDATE transfers SET amount = '9.0000', released = '9.0000' WHERE id = {}",
            books.transfer(release)
        ),
        format!(
            "UPDATE holds SET remaining = '1.0000', \"end\" = NULL, ended_at = NULL WHERE id = {}",
            books.transfer(hold)
        ),
        format!("UPDATE wallets SET held = '1.0000' WHERE id = {}", books.id(books.ana)),
    ];
    let expected = vec![(TAKEN, hold.to_string()), books.changed(release).await];
    books.after(&sql, expected).await;
}

async fn the_last_update_is_that_of_the_hold(bank: Arc<TestBank>) {
    for is_released in [false, true] {
        let books = Books::of(bank.backend).await;
        let hold = books.hold("10").await;
        if is_released {
            books.void(hold).await;
        }
        let (ana, before) = (books.id(books.ana), if is_released { hold } else { books.five });
        let sql = [format!(
            "UPDATE wallets SET updated_at = (SELECT created_at FROM transfers WHERE id = {}) WHERE id = {ana}",
            books.transfer(before)
        )];
        let expected = vec![(LAST, books.ana.to_string())];
        books.after(&sql, expected).await;
    }
}
