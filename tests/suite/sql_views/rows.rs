//! Each row of a view says what the API says of the same wallet, transfer or entry.

use std::collections::BTreeMap;
use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::Value;

use super::{LedgerScene, ShownRow, units};
use crate::requests::{items, wallet_path};

on_every_backend!(
    accounts_are_the_wallets,
    the_journal_has_every_transfer,
    a_refusal_shows_its_code_and_its_limit,
    postings_are_the_entries,
    debits_equal_credits_in_every_transfer,
    the_trial_balance_is_the_sum_of_the_accounts,
    days_are_the_sums_of_what_moved,
    a_hold_shows_what_remains_of_it,
);

/// A value of the API as the views show it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn same(row: &ShownRow, answered: &Value, pairs: &[(&str, &str)]) {
    for (column, member) in pairs {
        assert_eq!(row[*column], text(&answered[*member]), "{column}: {row:?} {answered}");
    }
}

async fn accounts_are_the_wallets(bank: Arc<TestBank>) {
    let scene = LedgerScene::set(&bank).await;
    let operator = bank.operator().await;
    let rows = scene.rows("SELECT * FROM v_accounts").await;
    assert_eq!(rows.len(), 5, "two customers, ana's euros, two methods: {rows:?}");
    for row in rows {
        let wallet = operator
            .get(&format!("/v1/wallets/{}", row["account_id"]))
            .await
            .expect(200);
        let pairs = [
            ("owner_id", "user_id"),
            ("currency", "currency"),
            ("status", "status"),
            ("balance", "balance"),
            ("held", "held"),
            ("available", "available"),
            ("opened_at", "created_at"),
            ("version", "version"),
        ];
        same(&row, &wallet, &pairs);
        assert_eq!(units(&row["balance"]).to_string(), row["units"]);
        let kind = if row["owner_id"].is_empty() {
            "system"
        } else {
            "customer"
        };
        assert_eq!((&*row["kind"], row["method"].is_empty()), (kind, kind == "customer"));
    }
    scene.close().await;
}

async fn the_journal_has_every_transfer(bank: Arc<TestBank>) {
    let scene = LedgerScene::set(&bank).await;
    let operator = bank.operator().await;
    let mut transfers: BTreeMap<String, Value> = BTreeMap::new();
    for transfer in items(&operator, "/v1/transfers").await {
        transfers.insert(text(&transfer["id"]), transfer);
    }
    let rows = scene.rows("SELECT * FROM v_journal ORDER BY transfer_id").await;
    let ids: Vec<&String> = rows.iter().map(|row| &row["transfer_id"]).collect();
    assert_eq!(ids, transfers.keys().collect::<Vec<_>>());
    let kinds = [
        "TRANSFER",
        "DEPOSIT",
        "WITHDRAWAL",
        "REVERSAL",
        "HOLD",
        "RELEASE",
        "CAPTURE",
    ];
    for kind in kinds {
        assert!(rows.iter().any(|row| row["kind"] == kind), "no {kind}");
    }
    for row in rows {
        let transfer = &transfers[&row["transfer_id"]];
        let pairs = [
            ("at", "created_at"),
            ("kind", "kind"),
            ("debit_account_id", "source_wallet_id"),
            ("credit_account_id", "destination_wallet_id"),
            ("amount", "amount"),
            ("currency", "currency"),
            ("method", "method"),
            ("batch_id", "batch_id"),
            ("description", "description"),
            ("asked_by", "created_by"),
        ];
        same(&row, transfer, &pairs);
        let parent = [&transfer["hold_id"], &transfer["reverses"]].map(text).concat();
        assert_eq!(row["parent_id"], parent);
        // The captures and the release of a hold do not change its row.
        if row["kind"] == "HOLD" {
            assert_eq!(row["status"], "PENDING");
        } else {
            same(&row, transfer, &[("status", "status")]);
        }
        let code = row["failure_reason"].split('/').next();
        let expected = match row["kind"].as_str() {
            "HOLD" => String::new(),
            _ => text(&transfer["failure_reason"]),
        };
        assert_eq!(code, Some(expected.as_str()), "{row:?}");
        assert_eq!(units(&row["amount"]).to_string(), row["units"]);
    }
    scene.close().await;
}

async fn a_refusal_shows_its_code_and_its_limit(bank: Arc<TestBank>) {
    let scene = LedgerScene::set(&bank).await;
    let sql = "SELECT failure_reason, units FROM v_journal WHERE status = 'FAILED' ORDER BY transfer_id";
    let rows = scene.rows(sql).await;
    let found: Vec<[&str; 2]> = rows
        .iter()
        .map(|row| ["failure_reason", "units"].map(|name| &*row[name]))
        .collect();
    let expected = [
        ["insufficient_funds", "10000000"],
        ["limit_exceeded/per_transfer", "600000"],
    ];
    assert_eq!(found, expected);
    scene.close().await;
}

async fn postings_are_the_entries(bank: Arc<TestBank>) {
    let scene = LedgerScene::set(&bank).await;
    let operator = bank.operator().await;
    let mut seen = 0;
    for account in scene.accounts().await {
        let mut entries = items(&operator, &wallet_path(account, "/entries")).await;
        entries.sort_by_key(|entry| entry["version"].as_i64());
        let sql = format!("SELECT * FROM v_postings WHERE account_id = '{account}' ORDER BY version");
        let rows = scene.rows(&sql).await;
        assert_eq!(rows.len(), entries.len());
        for (row, entry) in rows.iter().zip(&entries) {
            let pairs = [
                ("transfer_id", "transfer_id"),
                ("at", "created_at"),
                ("kind", "kind"),
                ("balance_after", "balance_after"),
                ("version", "version"),
            ];
            same(row, entry, &pairs);
            let amount = text(&entry["amount"]);
            assert_eq!(units(&amount).to_string(), row["units"]);
            let sides = match amount.strip_prefix('-') {
                Some(debit) => (debit, ""),
                None => ("", &*amount),
            };
            assert_eq!((&*row["debit"], &*row["credit"]), sides);
            assert_eq!(row["currency"], "USD");
            seen += 1;
        }
    }
    let all = scene.rows("SELECT count(*) AS n FROM v_postings").await;
    assert_eq!(all[0]["n"], seen.to_string());
    scene.close().await;
}

async fn debits_equal_credits_in_every_transfer(bank: Arc<TestBank>) {
    let scene = LedgerScene::set(&bank).await;
    let sql = "SELECT p.transfer_id, p.debit, p.credit, p.account_id, j.debit_account_id, j.credit_account_id, j.amount \
               FROM v_postings AS p JOIN v_journal AS j ON j.transfer_id = p.transfer_id";
    let mut sides: BTreeMap<String, [u32; 2]> = BTreeMap::new();
    for row in scene.rows(sql).await {
        let is_credit = row["debit"].is_empty();
        let account = if is_credit {
            "credit_account_id"
        } else {
            "debit_account_id"
        };
        assert_eq!(row["account_id"], row[account]);
        assert_eq!(format!("{}{}", row["debit"], row["credit"]), row["amount"]);
        sides.entry(row["transfer_id"].clone()).or_default()[usize::from(is_credit)] += 1;
    }
    assert!(
        !sides.is_empty() && sides.values().all(|counts| *counts == [1, 1]),
        "{sides:?}"
    );
    scene.close().await;
}

async fn the_trial_balance_is_the_sum_of_the_accounts(bank: Arc<TestBank>) {
    let scene = LedgerScene::set(&bank).await;
    let mut expected: BTreeMap<[String; 3], [i128; 4]> = BTreeMap::new();
    for account in scene.rows("SELECT * FROM v_accounts").await {
        let group = ["currency", "kind", "method"].map(|name| account[name].clone());
        let balance = units(&account["balance"]);
        let sums = expected.entry(group).or_default();
        *sums = [
            sums[0] + 1,
            sums[1] + (-balance).max(0),
            sums[2] + balance.max(0),
            sums[3] + balance,
        ];
    }
    let mut totals: BTreeMap<String, [i128; 3]> = BTreeMap::new();
    let rows = scene.rows("SELECT * FROM v_trial_balance").await;
    assert_eq!(rows.len(), expected.len());
    for row in rows {
        let group = ["currency", "kind", "method"].map(|name| row[name].clone());
        let sums = ["debit", "credit", "balance"].map(|name| units(&row[name]));
        let accounts: i128 = row["accounts"].parse().expect("it is a number");
        assert_eq!([accounts, sums[0], sums[1], sums[2]], expected[&group], "{group:?}");
        let total = totals.entry(row["currency"].clone()).or_default();
        for (total, sum) in total.iter_mut().zip(sums) {
            *total += sum;
        }
    }
    for (currency, [debit, credit, balance]) in totals {
        assert_eq!((debit, balance), (credit, 0), "{currency}");
    }
    scene.close().await;
}

async fn days_are_the_sums_of_what_moved(bank: Arc<TestBank>) {
    let scene = LedgerScene::set(&bank).await;
    bank.advance(chrono::TimeDelta::days(1)).await;
    scene.life.pay("0.5").await.expect("there is enough");
    let mut expected: BTreeMap<[String; 3], [i128; 2]> = BTreeMap::new();
    for row in scene.rows("SELECT * FROM v_journal").await {
        if row["status"] == "COMPLETED" && row["kind"] != "RELEASE" {
            let day = row["at"][..10].to_owned();
            let sums = expected
                .entry([day, row["currency"].clone(), row["kind"].clone()])
                .or_default();
            *sums = [sums[0] + 1, sums[1] + units(&row["amount"])];
        }
    }
    let days = scene.rows("SELECT * FROM v_daily").await;
    let found: BTreeMap<[String; 3], [i128; 2]> = days
        .iter()
        .map(|row| {
            let transfers = row["transfers"].parse().expect("it is a number");
            let group = ["day", "currency", "kind"].map(|name| row[name].clone());
            (group, [transfers, units(&row["amount"])])
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(found.len(), days.len(), "one row for each group");
    let next = ["2026-01-06", "USD", "TRANSFER"].map(str::to_owned);
    assert_eq!(found[&next], [1, 5_000]);
    scene.close().await;
}

async fn a_hold_shows_what_remains_of_it(bank: Arc<TestBank>) {
    let scene = LedgerScene::set(&bank).await;
    let holds = scene
        .rows("SELECT amount, remaining, expires_at FROM v_journal WHERE kind = 'HOLD' ORDER BY transfer_id")
        .await;
    let remaining: Vec<[&str; 2]> = holds.iter().map(|row| [&*row["amount"], &*row["remaining"]]).collect();
    let expected = [
        ["10.0000", "0.0000"],
        ["7.0000", "0.0000"],
        ["3.5000", "3.5000"],
        ["2.0000", "0.0000"],
    ];
    assert_eq!(remaining, expected);
    assert!(holds.iter().all(|row| row["expires_at"].ends_with('Z')), "{holds:?}");
    let others = "SELECT count(*) AS n FROM v_journal WHERE kind <> 'HOLD' AND (remaining IS NOT NULL OR expires_at IS NOT NULL)";
    assert_eq!(scene.rows(others).await[0]["n"], "0");
    scene.close().await;
}
