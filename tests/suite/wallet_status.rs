//! Wallets are frozen, unfrozen and closed; and the tag that shows whether a wallet has changed.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use serde_json::json;
use uuid::Uuid;

use crate::requests::{act, payment, transfer, wallet_path};

on_every_backend!(
    a_frozen_wallet_neither_pays_nor_is_paid_until_it_is_unfrozen,
    only_an_empty_wallet_can_be_closed,
    a_closed_wallet_stays_closed,
    freezing_twice_is_like_freezing_once,
    only_operators_change_a_wallets_status,
    the_banks_own_wallets_stay_active,
    the_tag_changes_with_the_money,
    the_tag_changes_with_the_status_and_never_comes_back,
);

async fn a_frozen_wallet_neither_pays_nor_is_paid_until_it_is_unfrozen(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    let ben = bank.customer_with("ben", "10").await;
    let operator = bank.operator().await;
    let frozen = act(&operator, &wallet_path(ana.wallet, "/freeze")).await.expect(200);
    assert_eq!(
        (&frozen["status"], &frozen["balance"]),
        (&json!("FROZEN"), &json!("10.0000"))
    );
    let moves = async || {
        [
            ana.caller
                .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
                .await,
            ben.caller
                .post("/v1/transfers", transfer(ben.wallet, ana.wallet, "1"))
                .await,
            operator
                .post(&wallet_path(ana.wallet, "/deposits"), payment("1", "visa"))
                .await,
            ana.caller
                .post(&wallet_path(ana.wallet, "/withdrawals"), payment("1", "visa"))
                .await,
        ]
    };
    for answer in moves().await {
        answer.expect_problem(422, "wallet_frozen");
    }
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["10.0000", "10.0000"]);
    let thawed = act(&operator, &wallet_path(ana.wallet, "/unfreeze")).await.expect(200);
    assert_eq!(thawed["status"], "ACTIVE");
    for answer in moves().await {
        answer.expect(201);
    }
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["10.0000", "10.0000"]);
}

async fn only_an_empty_wallet_can_be_closed(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "0.0001").await;
    let operator = bank.operator().await;
    let close = wallet_path(ana.wallet, "/close");
    act(&operator, &close).await.expect_problem(422, "wallet_not_empty");
    assert_eq!(
        operator.get(&wallet_path(ana.wallet, "")).await.expect(200)["status"],
        "ACTIVE"
    );
    ana.caller
        .post(&wallet_path(ana.wallet, "/withdrawals"), payment("0.0001", "visa"))
        .await
        .expect(201);
    assert_eq!(act(&operator, &close).await.expect(200)["status"], "CLOSED");
    act(&operator, &format!("/v1/wallets/{}/close", Uuid::from_u128(1)))
        .await
        .expect_problem(404, "wallet_not_found");
}

async fn a_closed_wallet_stays_closed(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let operator = bank.operator().await;
    act(&operator, &wallet_path(ana.wallet, "/freeze")).await.expect(200);
    assert_eq!(
        act(&operator, &wallet_path(ana.wallet, "/close")).await.expect(200)["status"],
        "CLOSED"
    );
    for verb in ["/freeze", "/unfreeze"] {
        act(&operator, &wallet_path(ana.wallet, verb))
            .await
            .expect_problem(422, "wallet_closed");
    }
    let deposit = operator
        .post(&wallet_path(ana.wallet, "/deposits"), payment("1", "visa"))
        .await;
    deposit.expect_problem(422, "wallet_closed");
    assert_eq!(
        ana.caller.get(&wallet_path(ana.wallet, "")).await.expect(200)["status"],
        "CLOSED"
    );
    let again = ana.caller.post("/v1/wallets", json!({ "currency": "USD" })).await;
    again.expect_problem(409, "wallet_exists");
}

async fn freezing_twice_is_like_freezing_once(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let operator = bank.operator().await;
    for verb in ["/unfreeze", "/freeze", "/close"] {
        let first = act(&operator, &wallet_path(ana.wallet, verb)).await.expect(200);
        bank.advance(TimeDelta::seconds(1)).await;
        assert_eq!(
            act(&operator, &wallet_path(ana.wallet, verb)).await.expect(200),
            first,
            "{verb}"
        );
    }
}

async fn only_operators_change_a_wallets_status(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    for verb in ["/freeze", "/unfreeze", "/close"] {
        act(&ana.caller, &wallet_path(ana.wallet, verb))
            .await
            .expect_problem(403, "forbidden");
        act(&bank.anonymous(), &wallet_path(ana.wallet, verb))
            .await
            .expect_problem(401, "unauthenticated");
    }
    assert_eq!(
        ana.caller.get(&wallet_path(ana.wallet, "")).await.expect(200)["status"],
        "ACTIVE"
    );
}

async fn the_banks_own_wallets_stay_active(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    let operator = bank.operator().await;
    let used = bank.system_wallet("visa").await;
    // Nothing has moved through this one, so it is as empty as a customer's wallet that can be closed.
    let fresh = bank.open_method("wire", "USD").await;
    for wallet in [used, fresh] {
        let before = operator.get(&wallet_path(wallet, "")).await;
        assert_eq!(before.json["status"], "ACTIVE");
        for verb in ["/freeze", "/unfreeze", "/close"] {
            act(&operator, &wallet_path(wallet, verb))
                .await
                .expect_problem(403, "system_wallet");
            act(&ana.caller, &wallet_path(wallet, verb))
                .await
                .expect_problem(403, "forbidden");
        }
        assert_eq!(operator.get(&wallet_path(wallet, "")).await.json, before.json);
    }
    ana.caller
        .post(&wallet_path(ana.wallet, "/withdrawals"), payment("10", "visa"))
        .await
        .expect(201);
    assert_eq!(bank.balances(&[used]).await, ["0.0000"]);
    act(&operator, &wallet_path(used, "/close"))
        .await
        .expect_problem(403, "system_wallet");
}

async fn the_tag_changes_with_the_money(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    let ben = bank.customer("ben").await;
    let tag = async || {
        ana.caller
            .get(&wallet_path(ana.wallet, ""))
            .await
            .header("etag")
            .to_owned()
    };
    let first = tag().await;
    assert!(
        first.len() > 2 && first.starts_with('"') && first.ends_with('"'),
        "{first}"
    );
    assert_eq!(tag().await, first, "looking changes nothing");
    ana.caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "11"))
        .await
        .expect(422);
    assert_eq!(tag().await, first, "nothing moved");
    ana.caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
        .await
        .expect(201);
    let second = tag().await;
    assert_ne!(second, first);
    bank.fund(ana.wallet, "1", "visa").await;
    assert!(
        ![first, second].contains(&tag().await),
        "the balance is that of before, the history is not"
    );
}

async fn the_tag_changes_with_the_status_and_never_comes_back(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let operator = bank.operator().await;
    let mut seen: Vec<(String, String)> = Vec::new();
    for verb in ["", "/freeze", "/unfreeze", "/freeze", "/close"] {
        bank.advance(TimeDelta::seconds(1)).await;
        if !verb.is_empty() {
            act(&operator, &wallet_path(ana.wallet, verb)).await.expect(200);
        }
        let shown = ana.caller.get(&wallet_path(ana.wallet, "")).await;
        seen.push((shown.header("etag").to_owned(), shown.text));
    }
    for (index, (tag, body)) in seen.iter().enumerate() {
        for (other_tag, other_body) in &seen[..index] {
            assert_ne!(body, other_body);
            assert_ne!(tag, other_tag, "one tag for two bodies: {body} and {other_body}");
        }
    }
}
