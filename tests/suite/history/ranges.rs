//! Ranges of statements: each begins where another one ended, and none says what may still change.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use service::values::Timestamp;

use super::{Account, entries_of, micros, statement, text, time_of, units};
use crate::requests::wallet_path;

on_every_backend!(
    a_statement_without_bounds_has_everything,
    the_closing_of_one_range_is_the_opening_of_the_next,
    ranges_are_cut_to_what_is_known,
    other_ranges_are_refused,
);

/// How many pairs of ranges are drawn.
const DRAWN: usize = 40;

/// Fails unless every balance of a statement follows from the one before it.
fn is_sound(statement: &Value) {
    let text = |value: &Value| value.as_str().expect("an amount is a text").to_owned();
    let mut balance = units(&text(&statement["opening_balance"]));
    let mut version: Option<i64> = None;
    for entry in entries_of(statement) {
        balance += units(&text(&entry["amount"]));
        assert_eq!(units(&text(&entry["balance_after"])), balance, "{entry}");
        let own = entry["version"].as_i64().expect("a version is a number");
        assert!(version.is_none_or(|before| own == before + 1), "{entry}");
        version = Some(own);
        let at = time_of(&entry["created_at"]);
        assert!(
            time_of(&statement["from"]) <= at && at < time_of(&statement["to"]),
            "{entry}"
        );
    }
    assert_eq!(units(&text(&statement["closing_balance"])), balance);
}

async fn between(account: &Account, from: Timestamp, to: Timestamp) -> Value {
    let query = format!("from={}&to={}", text(from), text(to));
    let found = statement(&account.ana.caller, account.ana.wallet, &query).await;
    assert_eq!((time_of(&found["from"]), time_of(&found["to"])), (from, to));
    is_sound(&found);
    found
}

async fn a_statement_without_bounds_has_everything(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let ana = &account.ana;
    let wallet = ana.caller.get(&wallet_path(ana.wallet, "")).await.expect(200);
    let whole = statement(&ana.caller, ana.wallet, "").await;
    is_sound(&whole);
    let expected = json!({
        "wallet_id": ana.wallet, "currency": "USD", "from": wallet["created_at"],
        "to": text(account.head().await + micros(1)), "opening_balance": "0.0000",
        "entries": account.entries().await, "closing_balance": wallet["balance"],
    });
    assert_eq!(whole, expected);
    let kinds: Vec<&str> = entries_of(&whole)
        .iter()
        .filter_map(|entry| entry["kind"].as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "DEPOSIT",
            "TRANSFER",
            "TRANSFER",
            "CAPTURE",
            "CAPTURE",
            "WITHDRAWAL",
            "REVERSAL"
        ],
        "holds and releases move nothing"
    );
    // The system wallet's side of it.
    let visa = bank.system_wallet("visa").await;
    let bank_side = statement(&account.operator, visa, "").await;
    is_sound(&bank_side);
    assert_eq!(bank_side["closing_balance"], "-100.0000");
}

async fn the_closing_of_one_range_is_the_opening_of_the_next(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let mut cuts = vec![account.opened().await, account.head().await];
    for entry in account.entries().await {
        let time = time_of(&entry["created_at"]);
        cuts.extend([time - micros(1), time, time + micros(1)]);
    }
    let mut dice = StdRng::seed_from_u64(14);
    for _ in 0..DRAWN {
        let mut drawn = [0; 3].map(|_| cuts[dice.random_range(0..cuts.len())]);
        drawn.sort_unstable();
        let [from, middle, to] = drawn;
        let first = between(&account, from, middle).await;
        let second = between(&account, middle, to).await;
        let both = between(&account, from, to).await;
        assert_eq!(first["closing_balance"], second["opening_balance"], "{drawn:?}");
        assert_eq!(first["opening_balance"], both["opening_balance"], "{drawn:?}");
        assert_eq!(second["closing_balance"], both["closing_balance"], "{drawn:?}");
        assert_eq!(
            [entries_of(&first).clone(), entries_of(&second).clone()].concat(),
            *entries_of(&both)
        );
    }
}

async fn ranges_are_cut_to_what_is_known(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let (ana, ben) = (&account.ana, &account.ben);
    let (opened, head) = (account.opened().await, account.head().await);
    let ask = async |query: &str| {
        let found = statement(&ana.caller, ana.wallet, query).await;
        is_sound(&found);
        found
    };
    let whole = ask("").await;
    let wide = ask("from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59Z").await;
    assert_eq!(wide, whole);
    assert_eq!(time_of(&whole["from"]), opened);
    assert_eq!(time_of(&whole["to"]), head + micros(1));
    // Nothing has happened since the newest record. What comes is in the statement that begins where this one ends.
    account.later().await;
    account.later().await;
    let idle = ask(&format!("from={}", text(head + micros(2)))).await;
    assert_eq!((&idle["from"], &idle["to"]), (&whole["to"], &whole["to"]));
    assert!(entries_of(&idle).is_empty());
    assert_eq!(idle["closing_balance"], whole["closing_balance"]);
    account.pay(ben, ana, "1").await;
    let next = ask(&format!("from={}", whole["to"].as_str().expect("a time"))).await;
    assert_eq!(next["opening_balance"], whole["closing_balance"]);
    assert_eq!(entries_of(&next).len(), 1);
}

async fn other_ranges_are_refused(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let ana = &account.ana;
    let (opened, head) = (account.opened().await, account.head().await);
    let early = text(opened - micros(1));
    for (query, field) in [
        (format!("from={}&to={}", text(head), text(head - micros(1))), "from"),
        (format!("from={}", text(head + micros(1))), "from"),
        ("from=2100-01-01T00:00:00Z&to=2099-01-01T00:00:00Z".to_owned(), "from"),
        (format!("to={early}"), "to"),
        (format!("from=1970-01-01T00:00:00Z&to={early}"), "to"),
    ] {
        let path = wallet_path(ana.wallet, &format!("/statement?{query}"));
        let answer = ana.caller.get(&path).await;
        answer.expect_problem(422, "invalid_field");
        assert_eq!(answer.json["errors"][0]["field"], field, "{query}: {}", answer.text);
    }
    for query in ["from=yesterday", "to=", "from=2026-01-05", "to=2026-02-30T00:00:00Z"] {
        let path = wallet_path(ana.wallet, &format!("/statement?{query}"));
        ana.caller.get(&path).await.expect_problem(400, "invalid_request");
    }
}
