//! Wallets that differ from what their changes say.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::values::{ChangeKind, WalletId};
use service::wallets::Expected;

use super::{Books, CHANGES, JOURNAL, LAST, LINES, OPENED, STATUS, found};

on_every_backend!(
    a_changed_status_is_found,
    a_changed_owner_is_found,
    a_changed_time_is_found,
    a_removed_opening_is_found,
    a_changed_change_is_found,
    a_removed_change_is_found,
);

impl Books {
    pub(super) async fn freeze(&self, wallet: WalletId) {
        let operator = self.bank.operator_actor().await;
        let frozen = self
            .bank
            .services
            .wallets
            .freeze(&operator, wallet, None, Expected::Anything)
            .await;
        frozen.expect("a wallet can be frozen");
    }

    /// The number of the journal row that committed a wallet's change of a kind.
    pub(super) async fn row_of_change(&self, wallet: WalletId, kind: u8) -> i64 {
        let id = self.id(wallet);
        let sql = format!(
            "SELECT min(number) AS n FROM journal \
             WHERE last_id >= (SELECT id FROM changes WHERE subject = {id} AND kind = {kind})"
        );
        self.bank.number(&sql).await
    }
}

async fn a_changed_status_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "UPDATE wallets SET status = 'FROZEN' WHERE id = {}",
        books.id(books.ana)
    )];
    let expected = vec![(STATUS, books.ana.to_string())];
    books.after(&sql, expected).await;
    let books = Books::of(bank.backend).await;
    books.freeze(books.ana).await;
    let sql = [format!(
        "UPDATE wallets SET status = 'ACTIVE' WHERE id = {}",
        books.id(books.ana)
    )];
    let expected = vec![(STATUS, books.ana.to_string())];
    books.after(&sql, expected).await;
}

async fn a_changed_owner_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let (cara, _) = crate::requests::quiet_customer(&books.bank, "cara").await;
    let euro = books
        .bank
        .services
        .wallets
        .open(&cara, crate::statistics::currency("EUR"))
        .await;
    let euro = euro.expect("it can be opened").id;
    let sql = [format!(
        "UPDATE wallets SET user_id = (SELECT user_id FROM wallets WHERE id = {}) WHERE id = {}",
        books.id(books.ana),
        books.id(euro),
    )];
    books.after(&sql, vec![(OPENED, euro.to_string())]).await;
}

async fn a_changed_time_is_found(bank: Arc<TestBank>) {
    for (column, claim) in [("created_at", OPENED), ("updated_at", LAST)] {
        let books = Books::of(bank.backend).await;
        // Whole milliseconds, which SQLite writes with three digits.
        books.bank.advance(TimeDelta::milliseconds(1_500)).await;
        books.freeze(books.ana).await;
        assert_eq!(found(&books.bank).await, []);
        let (ana, ben) = (books.id(books.ana), books.id(books.ben));
        // Ben's wallet was opened a microsecond later.
        let sql =
            format!("UPDATE wallets SET {column} = (SELECT created_at FROM wallets WHERE id = {ben}) WHERE id = {ana}");
        let expected = vec![(claim, books.ana.to_string())];
        books.after(&[sql], expected).await;
    }
}

async fn a_removed_opening_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let row = books.row_of_change(books.ben, 1).await;
    let sql = [format!("DELETE FROM changes WHERE subject = {}", books.id(books.ben))];
    let gone = (JOURNAL, format!("row {row}: counts 1 changes, and there are 0"));
    let expected = vec![(OPENED, books.ben.to_string()), gone];
    books.after(&sql, expected).await;
}

async fn a_changed_change_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    books.freeze(books.ben).await;
    let row = books.row_of_change(books.ben, 2).await;
    let ben = books.id(books.ben);
    // The wallet is changed too, so that only the journal shows it.
    let sql = [
        format!("UPDATE changes SET after = 'ACTIVE', status = 'ACTIVE' WHERE subject = {ben} AND kind = 2"),
        format!("UPDATE wallets SET status = 'ACTIVE' WHERE id = {ben}"),
    ];
    let changed = format!("row {row}: its transfers and changes are not those that were committed");
    books.after(&sql, vec![(JOURNAL, changed)]).await;
}

async fn a_removed_change_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    books.freeze(books.ben).await;
    let operator = books.bank.operator_actor().await;
    let closed = books
        .bank
        .services
        .wallets
        .unfreeze(&operator, books.ben, None, Expected::Anything)
        .await;
    closed.expect("a wallet can be unfrozen");
    let row = books.row_of_change(books.ben, 2).await;
    let frozen = books.change_of(books.ben, ChangeKind::Frozen).await;
    let sql = [format!(
        "DELETE FROM changes WHERE subject = {} AND kind = 2",
        books.id(books.ben)
    )];
    let gone = (JOURNAL, format!("row {row}: counts 1 changes, and there are 0"));
    let expected = vec![(CHANGES, books.ben.to_string()), (LINES, frozen), gone];
    books.after(&sql, expected).await;
}
