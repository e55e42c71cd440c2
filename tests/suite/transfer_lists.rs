//! Lists of transfers: who sees which transfers, the filters, and the pages.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{Caller, TestBank, on_every_backend};
use serde_json::Value;
use service::values::WalletId;
use uuid::Uuid;

use crate::requests::{MOST, items, pages, payment, transfer, wallet_path};

on_every_backend!(
    both_sides_and_operators_see_a_transfer_and_strangers_do_not,
    transfers_are_listed_by_wallet_status_and_kind,
    a_refused_transfer_is_there_for_its_source_and_operators_only,
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
        hidden.text_without_id(),
        unknown.text_without_id(),
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
    let refused = ana
        .caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "20"))
        .await;
    refused.expect_problem(422, "insufficient_funds");
    let refused = &refused.json["transfer_id"];
    let withdrawn = ana
        .caller
        .post(&wallet_path(ana.wallet, "/withdrawals"), payment("2", "visa"))
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
        1,
        "ben has no part in payments of ana's, nor in what was refused to her"
    );
    assert_eq!(items(&operator, "/v1/transfers").await.len(), 4);
}

async fn a_refused_transfer_is_there_for_its_source_and_operators_only(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "20").await, bank.customer("ben").await);
    let (eve, operator) = (bank.customer("eve").await, bank.operator().await);
    let own = bank.open_wallet(&ana, "EUR").await;
    let full = bank.customer("full").await;
    bank.fund(full.wallet, MOST, "wire").await;
    let refuse = async |caller: &Caller, path: &str, body: Value| {
        let answer = caller.post(path, body).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        answer.text_of("transfer_id").to_owned()
    };
    let pay = "/v1/transfers";
    let to_ben = refuse(&ana.caller, pay, transfer(ana.wallet, ben.wallet, "21")).await;
    let to_herself = refuse(&ana.caller, pay, transfer(ana.wallet, own, "1")).await;
    let deposits = wallet_path(full.wallet, "/deposits");
    let deposit = refuse(&operator, &deposits, payment("1", "visa")).await;
    let withdrawals = wallet_path(ana.wallet, "/withdrawals");
    let withdrawal = refuse(&ana.caller, &withdrawals, payment("21", "visa")).await;
    for (id, seen_by, hidden_from) in [
        (&to_ben, vec![&ana.caller, &operator], vec![&ben.caller, &eve.caller]),
        (&to_herself, vec![&ana.caller, &operator], vec![&ben.caller]),
        (&deposit, vec![&operator], vec![&full.caller, &ana.caller]),
        (&withdrawal, vec![&ana.caller, &operator], vec![&ben.caller]),
    ] {
        let path = format!("/v1/transfers/{id}");
        for caller in seen_by {
            assert_eq!(caller.get(&path).await.expect(200)["status"], "FAILED");
        }
        for caller in hidden_from {
            let hidden = caller.get(&path).await;
            hidden.expect_problem(404, "transfer_not_found");
            let unknown = caller.get(&format!("/v1/transfers/{}", Uuid::nil())).await;
            assert_eq!(hidden.text_without_id(), unknown.text_without_id(), "it is not there");
        }
    }
    let failed = async |caller: &Caller, query: &str| -> Vec<String> {
        let found = items(caller, &format!("/v1/transfers?status=FAILED{query}")).await;
        let ids = found.iter().map(|transfer| transfer["id"].as_str().unwrap_or_default());
        ids.map(str::to_owned).collect()
    };
    let (none, of) = (Vec::<String>::new(), |wallet: WalletId| format!("&wallet_id={wallet}"));
    let all = [&withdrawal, &deposit, &to_herself, &to_ben].map(Clone::clone);
    let anas = [&withdrawal, &to_herself, &to_ben].map(Clone::clone);
    assert_eq!(failed(&operator, "").await, all);
    assert_eq!(failed(&operator, &of(ana.wallet)).await, anas);
    assert_eq!(failed(&ana.caller, "").await, anas);
    assert_eq!(failed(&ana.caller, &of(ana.wallet)).await, anas);
    // The wallet on the other side is also hers, but it is not the source.
    assert_eq!(failed(&ana.caller, &of(own)).await, none);
    for customer in [&ben, &full] {
        assert_eq!(failed(&customer.caller, "").await, none);
        assert_eq!(failed(&customer.caller, &of(customer.wallet)).await, none);
        // The list of the source has it, not that of the destination.
        assert_eq!(failed(&operator, &of(customer.wallet)).await, none);
    }
    assert_eq!(items(&ben.caller, "/v1/transfers").await, Vec::<Value>::new());
    assert_eq!(
        items(&full.caller, "/v1/transfers").await.len(),
        1,
        "the deposit that was made"
    );
}

async fn transfers_are_listed_by_time(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let ben = bank.customer("ben").await;
    let mut times = Vec::new();
    for _ in 0..3 {
        bank.advance(TimeDelta::minutes(1)).await;
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
        // Some are refused, so that completed and failed ones are merged.
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
