//! Balances at any moment from a wallet's opening until now.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{Answer, TestBank, on_every_backend};
use service::clock::Clock;
use service::values::Timestamp;

use super::{Account, micros, text, time_of};
use crate::requests::wallet_path;

on_every_backend!(
    an_entry_counts_from_its_own_microsecond_on,
    a_moment_lies_between_the_opening_and_the_banks_time,
    a_moment_must_be_given_and_be_one,
    a_strangers_history_is_not_there,
);

async fn balance(account: &Account, at: &str) -> Answer {
    let path = wallet_path(account.ana.wallet, &format!("/balance?at={at}"));
    account.ana.caller.get(&path).await
}

async fn balance_at(account: &Account, at: Timestamp) -> (String, i64) {
    let answer = balance(account, &text(at)).await.expect(200);
    assert_eq!(answer["wallet_id"], account.ana.wallet.to_string());
    assert_eq!(answer["at"], text(at));
    let balance = answer["balance"].as_str().expect("a balance is a text");
    (
        balance.to_owned(),
        answer["version"].as_i64().expect("a version is a number"),
    )
}

async fn an_entry_counts_from_its_own_microsecond_on(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let mut before = ("0.0000".to_owned(), 0);
    for entry in account.entries().await {
        let time = time_of(&entry["created_at"]);
        let after = (
            entry["balance_after"].as_str().expect("a text").to_owned(),
            entry["version"].as_i64().expect("a number"),
        );
        assert_eq!(balance_at(&account, time - micros(1)).await, before);
        assert_eq!(balance_at(&account, time).await, after);
        assert_eq!(balance_at(&account, time + micros(1)).await, after);
        before = after;
    }
    assert_eq!(balance_at(&account, account.head().await).await, before);
}

async fn a_moment_lies_between_the_opening_and_the_banks_time(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let refused = async |at: Timestamp| {
        let answer = balance(&account, &text(at)).await;
        answer.expect_problem(422, "invalid_field");
        assert_eq!(answer.json["errors"][0]["field"], "at", "{}", answer.text);
    };
    let opened = account.opened().await;
    assert_eq!(balance_at(&account, opened).await, ("0.0000".to_owned(), 0));
    refused(opened - micros(1)).await;
    refused(opened - TimeDelta::days(40_000)).await;
    // The newest record has the bank's time, which may be ahead of the clock.
    let head = account.head().await;
    let newest = balance_at(&account, head).await;
    refused(head + micros(1)).await;
    bank.advance(TimeDelta::seconds(5)).await;
    let now = bank.clock.now();
    assert_eq!(balance_at(&account, now).await, newest);
    refused(now + micros(1)).await;
    refused(now + TimeDelta::days(400_000)).await;
}

async fn a_moment_must_be_given_and_be_one(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let path = wallet_path(account.ana.wallet, "/balance");
    for query in [
        "",
        "?at=",
        "?at=yesterday",
        "?at=2026-01-05",
        "?at=2026-13-01T00:00:00Z",
    ] {
        let answer = account.ana.caller.get(&format!("{path}{query}")).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(answer.json["errors"][0]["field"], "at", "{query}: {}", answer.text);
    }
    // Another zone, and digits beyond the microsecond, are the same moment.
    let last = account.entries().await.pop().expect("there are entries");
    let time = time_of(&last["created_at"]);
    let there = time.with_timezone(&chrono::FixedOffset::east_opt(3_600).expect("an hour is an offset"));
    let there = there.to_rfc3339().replace('+', "%2B");
    let finer = text(time).replace('Z', "999Z");
    for at in [there, finer] {
        let answer = balance(&account, &at).await.expect(200);
        assert_eq!(answer["balance"], last["balance_after"], "{at}");
        assert_eq!(answer["at"], last["created_at"], "{at}");
    }
}

async fn a_strangers_history_is_not_there(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let at = text(account.opened().await);
    let (ana, ben) = (&account.ana, &account.ben);
    for rest in [format!("/balance?at={at}"), "/statement".to_owned()] {
        let path = wallet_path(ana.wallet, &rest);
        ben.caller.get(&path).await.expect_problem(404, "wallet_not_found");
        bank.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
        account.operator.get(&path).await.expect(200);
        let system = wallet_path(bank.system_wallet("visa").await, &rest);
        ana.caller.get(&system).await.expect_problem(404, "wallet_not_found");
        // Even a time that nothing has does not tell that the wallet is there.
        let never = wallet_path(ana.wallet, "/balance?at=9999-01-01T00:00:00Z");
        ben.caller.get(&never).await.expect_problem(404, "wallet_not_found");
    }
}
