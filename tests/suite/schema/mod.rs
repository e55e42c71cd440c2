//! What the schema itself refuses, from any writer. Every statement here is rolled back.

use std::sync::Arc;

use harness::{Backend, TestBank};
use service::values::WalletId;

use crate::requests::{quiet_customer, submit};

mod history;
mod money;
mod replace;
mod rows;
mod views;

/// A bank with ana (10 USD), ben (5 USD) and a transfer between them, which the statements try to change.
struct Books {
    bank: Arc<TestBank>,
    ana: WalletId,
    ben: WalletId,
    anas_user: String,
    paid: String,
}

impl Books {
    async fn of(bank: Arc<TestBank>) -> Self {
        let (actor, ana) = quiet_customer(&bank, "ana").await;
        let (_, ben) = quiet_customer(&bank, "ben").await;
        bank.fund(ana, "15", "visa").await;
        let new = crate::requests::new_transfer(ana, ben, "5");
        let paid = submit(&bank.services, &actor, new)
            .await
            .expect("ana can pay")
            .transfer
            .transfer
            .id;
        let (anas_user, paid) = (bank.literal(actor.user.0), bank.literal(paid.0));
        Self {
            bank,
            ana,
            ben,
            anas_user,
            paid,
        }
    }

    fn id(&self, wallet: WalletId) -> String {
        self.bank.literal(wallet.0)
    }

    /// An invented id as an SQL literal.
    fn id_of(&self, number: u128) -> String {
        self.bank.literal(uuid::Uuid::from_u128(number))
    }

    /// A number of bytes as an SQL literal.
    fn bytes(&self, count: usize) -> String {
        let digits = "07".repeat(count);
        match self.bank.backend {
            Backend::Postgres => format!(r"'\x{digits}'"),
            Backend::Sqlite => format!("x'{digits}'"),
        }
    }

    async fn takes(&self, sql: &str) {
        if let Err(error) = self.bank.dry_run(sql).await {
            panic!("{sql}\n{error}");
        }
    }

    async fn refuses(&self, sql: &str) {
        let error = self.bank.dry_run(sql).await.expect_err(sql);
        // A misspelt statement would fail as well, so the error must name a rule.
        let text = error.to_string();
        let rules = [
            "constraint",
            "never changed",
            "written once",
            "overflow",
            "cannot be cast",
            "datatype mismatch",
            "cannot store",
        ];
        assert!(rules.iter().any(|rule| text.contains(rule)), "{sql}\n{text}");
    }

    /// A statement that sets columns of ana's wallet.
    fn set(&self, columns: &str) -> String {
        format!("UPDATE wallets SET {columns} WHERE id = {}", self.id(self.ana))
    }

    /// A statement that inserts a transfer from ana to ben; `with` holds the columns and values that differ.
    fn insert_transfer(&self, with: &[(&str, &str)]) -> String {
        let (id, ana, ben) = (
            self.bank.literal(uuid::Uuid::from_u128(7)),
            self.id(self.ana),
            self.id(self.ben),
        );
        let mut row = vec![
            ("id", id.as_str()),
            ("kind", "1"),
            ("status", "2"),
            ("source_wallet_id", ana.as_str()),
            ("destination_wallet_id", ben.as_str()),
            ("amount", "'1.0000'"),
            ("currency", "'USD'"),
            ("created_at", TIME),
        ];
        for (column, value) in with {
            row.retain(|(known, _)| known != column);
            row.push((column, value));
        }
        insert("transfers", &row)
    }

    fn insert_entry(&self, with: &[(&str, &str)]) -> String {
        // The system wallet has no part in the transfer, so the row collides with no stored one.
        let mut row = vec![
            ("wallet_id", "(SELECT id FROM wallets WHERE method = 'visa')"),
            ("version", "2"),
            ("transfer_id", self.paid.as_str()),
            ("amount", "'1.0000'"),
            ("balance_after", "'11.0000'"),
        ];
        for (column, value) in with {
            row.retain(|(known, _)| known != column);
            row.push((column, value));
        }
        insert("entries", &row)
    }

    fn insert_wallet(&self, with: &[(&str, &str)]) -> String {
        let id = self.bank.literal(uuid::Uuid::from_u128(8));
        let mut row = vec![
            ("id", id.as_str()),
            ("user_id", self.anas_user.as_str()),
            ("method", "NULL"),
            ("currency", "'EUR'"),
            ("balance", "'0.0000'"),
            ("held", "'0.0000'"),
            ("status", "'ACTIVE'"),
            ("version", "0"),
            ("created_at", TIME),
            ("updated_at", TIME),
        ];
        for (column, value) in with {
            row.retain(|(known, _)| known != column);
            row.push((column, value));
        }
        insert("wallets", &row)
    }
}

const TIME: &str = "'2026-01-05T03:33:58+00:00'";

fn insert(table: &str, row: &[(&str, &str)]) -> String {
    let columns: Vec<&str> = row.iter().map(|(column, _)| *column).collect();
    let values: Vec<&str> = row.iter().map(|(_, value)| *value).collect();
    format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        columns.join(", "),
        values.join(", ")
    )
}
