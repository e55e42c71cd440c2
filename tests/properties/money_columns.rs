//! Money with 18 digits and both signs through both databases: by the entities' columns and by the committer's
//! statements.

use std::sync::Arc;

use entity::{entries, transfers, wallets};
use harness::{Backend, TestBank, on_every_backend};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, IntoActiveModel, Statement,
    TransactionTrait,
};
use service::clock::{Clock, id_at};
use service::values::{Method, Money, Timestamp, TransferId, TransferKind, TransferStatus, Version, WalletId};

use crate::bank_case::BankCase;
use crate::case_rows::{Rows, wallet_row};
use crate::cases::{Met, UNITS_MAX, currency, hold_on_bank, money, text_of, units, units_above_zero};
use crate::drawn::METHODS;
use crate::model::{Ask, Asker, Name};

on_every_backend!(
    every_money_column_gives_back_what_it_was_given,
    deposits_and_withdrawals_are_stored_digit_by_digit,
    a_wallet_cannot_be_stored_below_zero_or_out_of_range,
);

/// A money column's text: exactly as stored in the SQLite file, or as PostgreSQL prints it.
async fn texts(db: &impl ConnectionTrait, table: &str, column: &str, id: (&str, uuid::Uuid)) -> Vec<Option<String>> {
    let (backend, (key, id)) = (db.get_database_backend(), id);
    let sql = match backend {
        DbBackend::Postgres => format!("SELECT {column}::text AS text FROM {table} WHERE {key} = $1"),
        _ => format!(
            "SELECT CASE WHEN typeof({column}) IN ('text', 'null') THEN {column} ELSE typeof({column}) END AS text \
             FROM {table} WHERE {key} = ?"
        ),
    };
    let order = if table == "entries" { " ORDER BY version" } else { "" };
    let rows = db
        .query_all_raw(Statement::from_sql_and_values(
            backend,
            format!("{sql}{order}"),
            [id.into()],
        ))
        .await;
    let rows = rows.expect("money can be read as text");
    rows.iter()
        .map(|row| row.try_get("", "text").expect("money is kept as text or NULL"))
        .collect()
}

fn text(money: Money) -> Option<String> {
    Some(text_of(i128::from(money.units())))
}

async fn every_money_column_gives_back_what_it_was_given(bank: Arc<TestBank>) {
    let available = proptest::option::of(units());
    let any_sign = units().prop_filter("an entry moves something", |units| *units != 0);
    let values = (units(), units_above_zero(), available, any_sign, units());
    hold_on_bank(file!(), &values, async |(balance, amount, available, moved, after)| {
        let mut given = Given::empty(bank.clock.now());
        // Only system wallets may have any balance.
        (given.wallet.balance, given.wallet.held) = (money(balance), money(amount));
        (given.transfer.amount, given.transfer.available) = (money(amount), available.map(money));
        (given.entry.amount, given.entry.balance_after) = (money(moved), money(after));
        // Rolled back, since these books would not balance.
        let tx = bank.db.write.begin().await.expect("a transaction can begin");
        given.store(&tx).await;
        given.is_kept_as_text(&tx).await?;
        given.reads_back(&tx).await?;
        tx.rollback().await.expect("a transaction can be rolled back");
        Ok(())
    });
}

/// A row of every table that keeps money.
struct Given {
    wallet: wallets::Model,
    other: wallets::Model,
    transfer: transfers::Model,
    entry: entries::Model,
}

impl Given {
    fn empty(now: Timestamp) -> Self {
        let method = Method::try_new("columns").expect("this is a method");
        let [wallet, other] = [0, 1].map(|currency| wallet_row(None, Some(method.clone()), currency, now));
        let transfer = transfers::Model {
            id: TransferId(id_at(now)),
            kind: TransferKind::Deposit,
            status: TransferStatus::Failed,
            source_wallet_id: wallet.id,
            destination_wallet_id: other.id,
            amount: Money::ZERO,
            currency: currency(0),
            method: Some(method),
            description: None,
            metadata: None,
            failure_reason: Some("insufficient_funds".to_owned()),
            available: None,
            idempotency_key: None,
            request_digest: None,
            parent_id: None,
            batch_id: None,
            created_by: None,
            api_key_id: None,
            request_id: None,
            released: None,
            texts_digest: None,
            texts_salt: None,
            expires_at: None,
            created_at: now,
        };
        let entry = entries::Model {
            wallet_id: wallet.id,
            transfer_id: transfer.id,
            version: Version(1),
            amount: Money::ZERO,
            balance_after: Money::ZERO,
        };
        Self {
            wallet,
            other,
            transfer,
            entry,
        }
    }

    async fn store(&self, tx: &DatabaseTransaction) {
        for wallet in [&self.wallet, &self.other] {
            let row = wallets::Entity::insert(wallet.clone().into_active_model().reset_all());
            row.exec_without_returning(tx).await.expect("a wallet can be stored");
        }
        let row = transfers::Entity::insert(self.transfer.clone().into_active_model().reset_all());
        row.exec_without_returning(tx).await.expect("a transfer can be stored");
        let row = entries::Entity::insert(self.entry.clone().into_active_model().reset_all());
        row.exec_without_returning(tx).await.expect("an entry can be stored");
    }

    async fn is_kept_as_text(&self, tx: &DatabaseTransaction) -> TestCaseResult {
        let id = ("id", self.wallet.id.0);
        prop_assert_eq!(texts(tx, "wallets", "balance", id).await, [text(self.wallet.balance)]);
        prop_assert_eq!(texts(tx, "wallets", "held", id).await, [text(self.wallet.held)]);
        let id = ("id", self.transfer.id.0);
        prop_assert_eq!(texts(tx, "transfers", "amount", id).await, [text(self.transfer.amount)]);
        prop_assert_eq!(
            texts(tx, "transfers", "available", id).await,
            [self.transfer.available.and_then(text)]
        );
        let id = ("wallet_id", self.wallet.id.0);
        prop_assert_eq!(texts(tx, "entries", "amount", id).await, [text(self.entry.amount)]);
        prop_assert_eq!(
            texts(tx, "entries", "balance_after", id).await,
            [text(self.entry.balance_after)]
        );
        Ok(())
    }

    async fn reads_back(&self, tx: &DatabaseTransaction) -> TestCaseResult {
        let stored = wallets::Entity::find_by_id(self.wallet.id).one(tx).await;
        prop_assert_eq!(stored.expect("a wallet can be read"), Some(self.wallet.clone()));
        let stored = transfers::Entity::find_by_id(self.transfer.id).one(tx).await;
        prop_assert_eq!(stored.expect("a transfer can be read"), Some(self.transfer.clone()));
        let stored = entries::Entity::find_by_id((self.entry.wallet_id, self.entry.transfer_id))
            .one(tx)
            .await;
        prop_assert_eq!(stored.expect("an entry can be read"), Some(self.entry.clone()));
        Ok(())
    }
}

async fn deposits_and_withdrawals_are_stored_digit_by_digit(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let met = Met::default();
    let amounts = (units_above_zero(), units_above_zero(), units_above_zero());
    hold_on_bank(file!(), &amounts, async |(paid_in, paid_out, asked)| {
        let mut bank_case = BankCase::new(&bank, operator.clone()).await;
        bank_case.open(0, 0).await?;
        let out = paid_out.min(paid_in);
        let too_much = (paid_in - out).saturating_add(asked).min(UNITS_MAX);
        pay(&bank_case, TransferKind::Deposit, 0, paid_in, "completed").await?;
        pay(&bank_case, TransferKind::Withdrawal, 1, out, "completed").await?;
        let is_refused = too_much > paid_in - out;
        if is_refused {
            pay(&bank_case, TransferKind::Withdrawal, 1, too_much, "insufficient_funds").await?;
            met.count("refused");
        }
        let rows = Rows::of(&bank.db, &mut bank_case.ids).await;
        let wallet = bank_case.ids.customers[0];
        let [source, destination] = [0, 1].map(|method| bank_case.ids.systems[&(method, 0)]);
        let left = i128::from(paid_in) - i128::from(out);
        holds(
            &bank,
            wallet,
            left,
            &[(i128::from(paid_in), i128::from(paid_in)), (-i128::from(out), left)],
        )
        .await?;
        holds(
            &bank,
            source,
            -i128::from(paid_in),
            &[(-i128::from(paid_in), -i128::from(paid_in))],
        )
        .await?;
        holds(
            &bank,
            destination,
            i128::from(out),
            &[(i128::from(out), i128::from(out))],
        )
        .await?;
        let refused = is_refused.then_some((too_much, Some(left)));
        let expected = [(paid_in, None), (out, None)].into_iter().chain(refused);
        prop_assert_eq!(rows.transfers.len(), 2 + usize::from(is_refused));
        for (row, (amount, available)) in rows.transfers.iter().zip(expected) {
            let id = ("id", row.id.0);
            prop_assert_eq!(
                texts(&bank.db.write, "transfers", "amount", id).await,
                [text(money(amount))]
            );
            prop_assert_eq!(
                texts(&bank.db.write, "transfers", "available", id).await,
                [available.map(text_of)]
            );
        }
        Ok(())
    });
    met.expect_all(&["refused"]);
}

async fn pay(bank_case: &BankCase, kind: TransferKind, method: u8, units: i64, code: &str) -> TestCaseResult {
    let (customer, system) = (
        Name::Customer(0),
        Name::System {
            method: method % METHODS,
            currency: 0,
        },
    );
    let (source, destination) = if kind == TransferKind::Deposit {
        (system, customer)
    } else {
        (customer, system)
    };
    let ask = Ask {
        kind,
        asker: Asker::Operator,
        source,
        destination,
        units: Some(units),
        description: None,
        key: None,
    };
    prop_assert_eq!(bank_case.ask(&ask).await?.0.code, code);
    Ok(())
}

/// Checks the stored texts of a wallet's balance and of its entries.
async fn holds(bank: &TestBank, wallet: WalletId, balance: i128, history: &[(i128, i128)]) -> TestCaseResult {
    let db = &bank.db.write;
    prop_assert_eq!(
        texts(db, "wallets", "balance", ("id", wallet.0)).await,
        [Some(text_of(balance))]
    );
    let amounts: Vec<_> = history.iter().map(|(amount, _)| Some(text_of(*amount))).collect();
    let balances: Vec<_> = history.iter().map(|(_, after)| Some(text_of(*after))).collect();
    prop_assert_eq!(texts(db, "entries", "amount", ("wallet_id", wallet.0)).await, amounts);
    prop_assert_eq!(
        texts(db, "entries", "balance_after", ("wallet_id", wallet.0)).await,
        balances
    );
    Ok(())
}

async fn a_wallet_cannot_be_stored_below_zero_or_out_of_range(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let owner = BankCase::new(&bank, operator).await.ids.users[0];
    let beyond = (i128::from(UNITS_MAX) + 1..i128::from(UNITS_MAX) * 100, any::<bool>());
    hold_on_bank(
        file!(),
        &(units_above_zero(), beyond),
        async |(units, (beyond, negative))| {
            let now = bank.clock.now();
            let mut overdrawn = wallet_row(Some(owner), None, 0, now);
            overdrawn.balance = money(-units);
            prop_assert!(!can_be_stored(&bank, &overdrawn, None).await);
            let mut held = wallet_row(Some(owner), None, 0, now);
            held.held = money(units);
            prop_assert!(!can_be_stored(&bank, &held, None).await, "more is held than is there");
            (held.balance, held.held) = (money(units), money(units));
            prop_assert!(can_be_stored(&bank, &held, None).await);
            let system = wallet_row(None, Some(Method::try_new("range").expect("this is a method")), 0, now);
            let beyond = text_of(if negative { -beyond } else { beyond });
            prop_assert!(!can_be_stored(&bank, &system, Some(beyond)).await);
            Ok(())
        },
    );
}

/// Tries to store a wallet, optionally with another text as its balance, and rolls back.
async fn can_be_stored(bank: &TestBank, wallet: &wallets::Model, balance: Option<String>) -> bool {
    let tx = bank.db.write.begin().await.expect("a transaction can begin");
    let row = wallet.clone().into_active_model().reset_all();
    let mut stored = wallets::Entity::insert(row).exec_without_returning(&tx).await.is_ok();
    if let Some(balance) = balance.filter(|_| stored) {
        let sql = match bank.backend {
            Backend::Postgres => format!("UPDATE wallets SET balance = '{balance}' WHERE id = $1"),
            Backend::Sqlite => format!("UPDATE wallets SET balance = '{balance}' WHERE id = ?"),
        };
        let update = Statement::from_sql_and_values(bank.db.backend(), sql, [wallet.id.into()]);
        stored = tx.execute_raw(update).await.is_ok();
    }
    tx.rollback().await.expect("a transaction can be rolled back");
    stored
}
