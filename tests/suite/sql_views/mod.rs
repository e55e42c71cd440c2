//! The views for accountants: what they say is what the API says, in the same words on both databases, and what
//! `docs/sql.md` promises.

mod documented;
mod examples;
mod indexes;
mod rows;
mod sums;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use harness::TestBank;
use serde_json::json;
use service::shell::{SqlAnswer, SqlError, SqlLimits, SqlReader, SqlValue};
use service::values::{TransferId, WalletId};
use service::wallets::WalletLimits;

use crate::life::{LifeStage, code};
use crate::requests::{money, withdraw};

/// A row by its columns, each value as the shell shows it.
type ShownRow = BTreeMap<String, String>;

/// A bank with every kind of transfer and two refusals, and a reader of its views.
struct LedgerScene {
    bank: Arc<TestBank>,
    life: LifeStage,
    reader: SqlReader,
}

impl LedgerScene {
    async fn set(bank: &Arc<TestBank>) -> Self {
        let life = LifeStage::set(bank).await;
        bank.fund(life.ben.1, "0.0003", "wire").await;
        let paid = id_of(life.pay("12.5").await);
        assert_eq!(code(&life.pay("1000").await), "insufficient_funds");
        let limits = WalletLimits {
            per_transfer: Some(money("50")),
            ..WalletLimits::default()
        };
        life.restrict(life.ana.1, limits).await;
        assert_eq!(code(&life.pay("60").await), "limit_exceeded");
        let hold = life.hold("10").await;
        id_of(life.capture(&life.ben.0, hold, Some("4"), false).await);
        let captured = id_of(life.capture(&life.ben.0, hold, Some("5"), true).await);
        let voided = life.hold("7").await;
        id_of(life.void(&life.ben.0, voided).await);
        life.hold("3.5").await;
        id_of(life.reverse(paid, Some("2.5")).await);
        id_of(life.reverse(captured, None).await);
        let withdrawn = withdraw(&life.services, &life.operator, life.ana.1, "1.25").await;
        withdrawn.expect("there is enough");
        let later = id_of(life.withdraw_later(&life.operator, "2").await);
        id_of(life.capture(&life.operator, later, None, true).await);
        let scene = Self {
            bank: bank.clone(),
            reader: SqlReader::open(&bank.database.url).await.expect("a bank can be read"),
            life,
        };
        scene.pay_in_a_batch().await;
        scene
    }

    async fn pay_in_a_batch(&self) {
        let ana = self.bank.sign_in("ana@example.com").await;
        let pay = |amount: &str| {
            json!({
                "source_wallet_id": self.life.ana.1, "destination_wallet_id": self.life.ben.1, "amount": amount,
                "description": "=lunch, \"a\"\nb"
            })
        };
        let body = json!({ "atomic": true, "transfers": [pay("0.1"), pay("0.2")] });
        ana.post("/v1/transfers/batch", body).await.expect(200);
        ana.post("/v1/wallets", json!({ "currency": "EUR" })).await.expect(201);
    }

    async fn rows(&self, sql: &str) -> Vec<ShownRow> {
        shown(&read(&self.reader, sql).await)
    }

    /// Every account, in the order of their ids.
    async fn accounts(&self) -> Vec<WalletId> {
        let rows = self.rows("SELECT account_id FROM v_accounts ORDER BY account_id").await;
        let ids = rows.iter().map(|row| row["account_id"].parse().expect("it is an id"));
        ids.map(WalletId).collect()
    }

    async fn close(self) {
        self.reader.close().await;
    }
}

fn id_of(answer: crate::life::Answer) -> TransferId {
    answer.expect("it is done").transfer.transfer.id
}

fn limits() -> SqlLimits {
    SqlLimits {
        rows: 10_000,
        time: Duration::from_secs(60),
    }
}

async fn try_read(reader: &SqlReader, sql: &str) -> Result<SqlAnswer, SqlError> {
    reader.read(sql, limits()).await
}

async fn read(reader: &SqlReader, sql: &str) -> SqlAnswer {
    let answer = try_read(reader, sql).await;
    answer.unwrap_or_else(|error| panic!("{sql}\n{error}"))
}

fn shown(answer: &SqlAnswer) -> Vec<ShownRow> {
    let row = |row: &Vec<SqlValue>| {
        let values = row.iter().map(ToString::to_string);
        answer.columns.iter().cloned().zip(values).collect()
    };
    answer.rows.iter().map(row).collect()
}

/// An amount in ten-thousandths, however large.
fn units(amount: &str) -> i128 {
    let (whole, decimals) = amount.split_once('.').expect("an amount has decimals");
    assert_eq!(decimals.len(), 4, "{amount}");
    format!("{whole}{decimals}").parse().expect("an amount has digits")
}
