//! The books: all digits are kept, entries have no gap, and times only increase.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{Caller, TestBank, on_every_backend};
use serde_json::{Value, json};

use crate::requests::{MOST, act, items, new_transfer, pages, payment, quiet_customer, submit, transfer, wallet_path};

on_every_backend!(
    the_largest_and_the_smallest_amount_keep_every_digit,
    twelve_full_wallets_balance,
    entries_tell_the_whole_history_without_a_gap,
    pages_of_entries_stay_whole_while_rows_are_added,
    times_and_ids_only_grow,
    a_wallets_times_never_go_back,
);

async fn the_largest_and_the_smallest_amount_keep_every_digit(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let ben = bank.customer("ben").await;
    let operator = bank.operator().await;
    let deposit = async |wallet, amount: &str, method: &str| {
        operator
            .post(&wallet_path(wallet, "/deposits"), payment(amount, method))
            .await
    };
    let largest = deposit(ana.wallet, MOST, "visa").await.expect(201);
    let smallest = deposit(ben.wallet, "0.0001", "wire").await.expect(201);
    assert_eq!(
        (&largest["amount"], &smallest["amount"]),
        (&json!(MOST), &json!("0.0001"))
    );
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, [MOST, "0.0001"]);
    let system = async |made: &Value| {
        let path = format!("/v1/wallets/{}", made["source_wallet_id"].as_str().unwrap_or_default());
        operator.get(&path).await.expect(200)["balance"].clone()
    };
    assert_eq!(
        [system(&largest).await, system(&smallest).await],
        ["-99999999999999.9999", "-0.0001"]
    );
    // Ben's wallet has room for it, but the method's system wallet has not.
    deposit(ben.wallet, "0.0001", "visa")
        .await
        .expect_problem(422, "balance_out_of_range");
    deposit(ben.wallet, "0.0001", "wire").await.expect(201);
    ana.caller
        .post(&wallet_path(ana.wallet, "/withdrawals"), payment("0.0001", "visa"))
        .await
        .expect(201);
    deposit(ben.wallet, "0.0001", "visa").await.expect(201);
    ana.caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "99999999999999.9995"))
        .await
        .expect(201);
    assert_eq!(
        bank.balances(&[ana.wallet, ben.wallet]).await,
        ["0.0003", "99999999999999.9998"]
    );
    let entries = items(&ben.caller, &wallet_path(ben.wallet, "/entries")).await;
    assert_eq!(entries[0]["balance_after"], "99999999999999.9998");
}

async fn twelve_full_wallets_balance(bank: Arc<TestBank>) {
    // SQLite's own integer sum overflows above nine of them.
    for index in 0..12 {
        let (_, wallet) = quiet_customer(&bank, &format!("full{index}")).await;
        bank.fund(wallet, MOST, &format!("method_{index}")).await;
    }
    let report = bank.services.ops.verify().await.expect("the books can be read").books;
    assert!(report.is_clean(), "{:#?}", report.checks);
    assert_eq!(
        (report.wallets, report.transfers, report.entries, report.currencies),
        (24, 12, 24, 1)
    );
}

async fn entries_tell_the_whole_history_without_a_gap(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    let ben = bank.customer_with("ben", "10").await;
    let pay = async |amount: &str| {
        ana.caller
            .post("/v1/transfers", transfer(ana.wallet, ben.wallet, amount))
            .await
    };
    pay("1.5").await.expect(201);
    pay("100").await.expect(422);
    ben.caller
        .post("/v1/transfers", transfer(ben.wallet, ana.wallet, "0.25"))
        .await
        .expect(201);
    pay("8.75").await.expect(201);
    let history = async |caller: &Caller, wallet| -> Vec<(i64, String, String)> {
        let entries = items(caller, &wallet_path(wallet, "/entries")).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        entries
            .iter()
            .map(|entry| {
                (
                    entry["version"].as_i64().unwrap_or_default(),
                    text(&entry["amount"]),
                    text(&entry["balance_after"]),
                )
            })
            .collect()
    };
    let line = |version, amount: &str, after: &str| (version, amount.to_owned(), after.to_owned());
    assert_eq!(
        history(&ana.caller, ana.wallet).await,
        [
            line(4, "-8.7500", "0.0000"),
            line(3, "0.2500", "8.7500"),
            line(2, "-1.5000", "8.5000"),
            line(1, "10.0000", "10.0000"),
        ]
    );
    assert_eq!(history(&ben.caller, ben.wallet).await[0], line(4, "8.7500", "20.0000"));
}

async fn pages_of_entries_stay_whole_while_rows_are_added(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let pay = async || {
        ana.caller
            .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
            .await
            .expect(201)
    };
    for _ in 0..7 {
        pay().await;
    }
    for (limit, customer) in [(1, &ana), (3, &ana), (7, &ben), (500, &ben)] {
        let path = wallet_path(customer.wallet, "/entries");
        let all = items(&customer.caller, &path).await;
        let paged = pages(&customer.caller, &path, limit, async || {
            pay().await;
        });
        assert_eq!(paged.await, all);
    }
}

async fn times_and_ids_only_grow(bank: Arc<TestBank>) {
    // The clock stands still, and then goes back by a day.
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let mut made: Vec<(String, String)> = Vec::new();
    for step in 0..6 {
        if step == 3 {
            bank.advance(TimeDelta::minutes(-10)).await;
        }
        let transfer = ana
            .caller
            .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
            .await
            .expect(201);
        let text = |member: &str| transfer[member].as_str().unwrap_or_default().to_owned();
        made.push((text("created_at"), text("id")));
    }
    assert!(
        made.windows(2)
            .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1),
        "{made:#?}"
    );
}

async fn a_wallets_times_never_go_back(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let operator = bank.operator().await;
    ana.caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
        .await
        .expect(201);
    let time_of_ben = async |caller: &Caller| {
        let wallet = caller.get(&wallet_path(ben.wallet, "")).await.expect(200);
        wallet["updated_at"].as_str().unwrap_or_default().to_owned()
    };
    let moved = time_of_ben(&operator).await;
    // A replica's clock is behind, and an operator has frozen the wallet in between. Tokens from the future are refused.
    bank.advance(TimeDelta::minutes(-10)).await;
    let (operator, ben_again) = (bank.operator().await, bank.sign_in(&ben.email).await);
    act(&operator, &wallet_path(ben.wallet, "/freeze")).await.expect(200);
    act(&operator, &wallet_path(ben.wallet, "/unfreeze")).await.expect(200);
    assert!(
        time_of_ben(&operator).await >= moved,
        "freezing took the wallet's time back"
    );
    let replica = bank.replica().await;
    submit(&replica, &ana.actor, new_transfer(ana.wallet, ben.wallet, "1"))
        .await
        .expect("a replica moves money");
    let entries = items(&ben_again, &wallet_path(ben.wallet, "/entries")).await;
    let times: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["created_at"].as_str())
        .collect();
    assert!(times.len() == 2 && times[0] > times[1], "{times:?}");
}
