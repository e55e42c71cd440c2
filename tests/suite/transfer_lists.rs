//! Looking at transfers: who sees which, by what, page by page.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use serde_json::Value;
use uuid::Uuid;

use crate::requests::{items, pages, payment, transfer, wallet_path};

on_every_backend!(
    both_sides_and_operators_see_a_transfer_and_strangers_do_not,
    transfers_are_listed_by_wallet_status_and_kind,
    transfers_are_listed_by_time,
    pages_of_transfers_stay_whole_while_rows_are_added,
);

async fn both_sides_and_operators_see_a_transfer_and_strangers_do_not(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let ben = bank.customer("ben").await;
    let eve = bank.customer("eve").await;
    let operator = bank.operator().await;
    let made = ana
        .caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
        .await
        .expect(201);
    let path = format!("/v1/transfers/{}", made["id"].as_str().unwrap_or_default());
    for caller in [&ana.caller, &ben.caller, &operator] {
        assert_eq!(caller.get(&path).await.expect(200), made);
    }
    let hidden = eve.caller.get(&path).await;
    hidden.expect_problem(404, "transfer_not_found");
    let unknown = eve.caller.get(&format!("/v1/transfers/{}", Uuid::nil())).await;
    assert_eq!(
        hidden.text, unknown.text,
        "a stranger cannot tell it from one that is not there"
    );
    assert_eq!(items(&eve.caller, "/v1/transfers").await, Vec::<Value>::new());
}

async fn transfers_are_listed_by_wallet_status_and_kind(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let ben = bank.customer("ben").await;
    let done = ana
        .caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
        .await
        .expect(201);
    let refused = ben
        .caller
        .post("/v1/transfers", transfer(ben.wallet, ana.wallet, "5"))
        .await;
    refused.expect_problem(422, "insufficient_funds");
    let refused = &refused.json["transfer_id"];
    let withdrawn = ana
        .caller
        .post(&wallet_path(ana.wallet, "/withdrawals"), payment("2", "wire"))
        .await
        .expect(201);
    let operator = bank.operator().await;
    let deposit = items(&operator, "/v1/transfers?kind=DEPOSIT").await[0]["id"].clone();
    let ids = async |path: &str| -> Vec<Value> {
        items(&ana.caller, path)
            .await
            .iter()
            .map(|transfer| transfer["id"].clone())
            .collect()
    };
    assert_eq!(
        ids("/v1/transfers").await,
        [&withdrawn["id"], refused, &done["id"], &deposit].map(Clone::clone)
    );
    assert_eq!(ids("/v1/transfers?status=FAILED").await, std::slice::from_ref(refused));
    assert_eq!(
        ids("/v1/transfers?status=COMPLETED&kind=TRANSFER").await,
        [done["id"].clone()]
    );
    assert_eq!(ids("/v1/transfers?kind=WITHDRAWAL").await, [withdrawn["id"].clone()]);
    assert_eq!(ids("/v1/transfers?status=PENDING").await, Vec::<Value>::new());
    let euro = bank.open_wallet(&ana, "EUR").await;
    assert_eq!(
        ids(&format!("/v1/transfers?wallet_id={euro}")).await,
        Vec::<Value>::new()
    );
    assert_eq!(
        ids(&format!("/v1/transfers?wallet_id={}&status=FAILED", ana.wallet)).await,
        std::slice::from_ref(refused)
    );
    ana.caller
        .get(&format!("/v1/transfers?wallet_id={}", ben.wallet))
        .await
        .expect_problem(404, "wallet_not_found");
    assert_eq!(
        items(&ben.caller, "/v1/transfers").await.len(),
        2,
        "ben has no part in payments of ana's"
    );
    assert_eq!(items(&operator, "/v1/transfers").await.len(), 4);
}

async fn transfers_are_listed_by_time(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let ben = bank.customer("ben").await;
    let mut times = Vec::new();
    for _ in 0..3 {
        bank.clock.advance(TimeDelta::minutes(1));
        let made = ana
            .caller
            .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
            .await
            .expect(201);
        times.push(made["created_at"].as_str().unwrap_or_default().to_owned());
    }
    let between = async |range: &str| -> Vec<Value> {
        let found = items(&ben.caller, &format!("/v1/transfers?{range}")).await;
        found.iter().map(|transfer| transfer["created_at"].clone()).collect()
    };
    assert_eq!(
        between(&format!("from={}", times[1])).await,
        [times[2].as_str(), times[1].as_str()]
    );
    assert_eq!(between(&format!("to={}", times[1])).await, [times[0].as_str()]);
    assert_eq!(
        between(&format!("from={}&to={}", times[1], times[2])).await,
        [times[1].as_str()]
    );
}

async fn pages_of_transfers_stay_whole_while_rows_are_added(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let ben = bank.customer("ben").await;
    let operator = bank.operator().await;
    let pay = async |amount: &str| {
        ana.caller
            .post("/v1/transfers", transfer(ana.wallet, ben.wallet, amount))
            .await
    };
    for amount in ["1", "100", "2", "100", "1", "100", "2"] {
        // Each third is refused, so that completed and failed ones are merged.
        let answer = pay(amount).await;
        assert_eq!(
            answer.status,
            if amount == "100" { 422 } else { 201 },
            "{}",
            answer.text
        );
    }
    for caller in [&ana.caller, &operator] {
        let all = items(caller, "/v1/transfers").await;
        let paged = pages(caller, "/v1/transfers", 3, async || {
            pay("0.0001").await.expect(201);
            pay("100").await.expect(422);
        });
        assert_eq!(paged.await, all);
    }
}
