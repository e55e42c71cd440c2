//! Deposits and withdrawals, and the system wallets on their other side.

use std::sync::Arc;

use harness::{TestBank, in_two_slices, on_every_backend};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::{items, payment, transfer, wallet_path};

on_every_backend!(
    a_deposit_comes_from_the_system_wallet_of_its_method,
    a_withdrawal_goes_to_the_system_wallet_of_its_method,
    owners_and_operators_withdraw_and_nobody_else,
    a_method_opens_when_an_operator_first_uses_it,
    a_customer_cannot_open_a_method,
    a_method_that_is_not_open_uses_no_key_up,
    a_used_key_opens_no_method,
    customers_never_see_a_system_wallet,
    customers_cannot_pay_a_system_wallet,
);

in_two_slices!(
    a_deposit_comes_from_the_system_wallet_of_its_method,
    a_withdrawal_goes_to_the_system_wallet_of_its_method,
    owners_and_operators_withdraw_and_nobody_else,
    a_method_opens_when_an_operator_first_uses_it,
    a_customer_cannot_open_a_method,
    a_method_that_is_not_open_uses_no_key_up,
    a_used_key_opens_no_method,
    customers_never_see_a_system_wallet,
    customers_cannot_pay_a_system_wallet,
);

async fn a_deposit_comes_from_the_system_wallet_of_its_method(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let operator = bank.operator().await;
    let made = operator
        .post(&wallet_path(ana.wallet, "/deposits"), payment("20.25", "visa"))
        .await
        .expect(201);
    assert_eq!(
        (&made["kind"], &made["status"], &made["method"]),
        (&json!("DEPOSIT"), &json!("COMPLETED"), &json!("visa"))
    );
    assert_eq!((&made["amount"], &made["currency"]), (&json!("20.2500"), &json!("USD")));
    assert_eq!(made["destination_wallet_id"], json!(ana.wallet));
    let system = made["source_wallet_id"].as_str().expect("a deposit has a source");
    let shown = operator.get(&format!("/v1/wallets/{system}")).await.expect(200);
    assert_eq!(
        (&shown["user_id"], &shown["balance"]),
        (&Value::Null, &json!("-20.2500"))
    );
    let entries = items(&ana.caller, &wallet_path(ana.wallet, "/entries")).await;
    assert_eq!(
        (&entries[0]["counterparty_wallet_id"], &entries[0]["amount"]),
        (&json!(system), &json!("20.2500"))
    );
    let entries = items(&operator, &format!("/v1/wallets/{system}/entries")).await;
    assert_eq!(
        (&entries[0]["counterparty_wallet_id"], &entries[0]["amount"]),
        (&json!(ana.wallet), &json!("-20.2500"))
    );
}

async fn a_withdrawal_goes_to_the_system_wallet_of_its_method(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    bank.open_method("wire", "USD").await;
    let operator = bank.operator().await;
    let made = ana
        .caller
        .post(&wallet_path(ana.wallet, "/withdrawals"), payment("7.5", "wire"))
        .await
        .expect(201);
    assert_eq!(
        (&made["kind"], &made["status"], &made["method"]),
        (&json!("WITHDRAWAL"), &json!("COMPLETED"), &json!("wire"))
    );
    assert_eq!(made["source_wallet_id"], json!(ana.wallet));
    let system = made["destination_wallet_id"]
        .as_str()
        .expect("a withdrawal has a destination");
    let shown = operator.get(&format!("/v1/wallets/{system}")).await.expect(200);
    assert_eq!((&shown["user_id"], &shown["balance"]), (&Value::Null, &json!("7.5000")));
    let entries = items(&ana.caller, &wallet_path(ana.wallet, "/entries")).await;
    assert_eq!(
        (&entries[0]["counterparty_wallet_id"], &entries[0]["amount"]),
        (&json!(system), &json!("-7.5000"))
    );
    assert_eq!(bank.balances(&[ana.wallet]).await, ["12.5000"]);
}

async fn owners_and_operators_withdraw_and_nobody_else(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let ben = bank.customer("ben").await;
    let operator = bank.operator().await;
    let path = wallet_path(ana.wallet, "/withdrawals");
    operator.post(&path, payment("5", "wire")).await.expect(201);
    ana.caller.post(&path, payment("5", "wire")).await.expect(201);
    let rows = bank.row_counts().await;
    ben.caller
        .post(&path, payment("5", "wire"))
        .await
        .expect_problem(404, "wallet_not_found");
    ana.caller
        .post(&wallet_path(ana.wallet, "/deposits"), payment("5", "wire"))
        .await
        .expect_problem(403, "forbidden");
    assert_eq!(bank.balances(&[ana.wallet]).await, ["10.0000"]);
    assert_eq!(bank.row_counts().await, rows);
}

async fn a_method_opens_when_an_operator_first_uses_it(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let operator = bank.operator().await;
    let system_wallets = async || system_wallets(&bank).await;
    let path = wallet_path(ana.wallet, "/deposits");
    operator
        .post(&path, payment("0", "visa"))
        .await
        .expect_problem(422, "invalid_amount");
    operator
        .post(&path, payment("1", "Visa!"))
        .await
        .expect_problem(400, "invalid_request");
    let nowhere = format!("/v1/wallets/{}/deposits", Uuid::nil());
    operator
        .post(&nowhere, payment("1", "visa"))
        .await
        .expect_problem(404, "wallet_not_found");
    assert_eq!(system_wallets().await, 0, "what is refused opens nothing");
    let first = operator.post(&path, payment("1", "visa")).await.expect(201);
    let second = operator.post(&path, payment("1", "visa")).await.expect(201);
    assert_eq!(first["source_wallet_id"], second["source_wallet_id"]);
    assert_eq!(system_wallets().await, 1);
    let euro = bank.open_wallet(&ana, "EUR").await;
    let other = operator
        .post(&wallet_path(euro, "/deposits"), payment("1", "visa"))
        .await
        .expect(201);
    assert_ne!(
        first["source_wallet_id"], other["source_wallet_id"],
        "each currency has its own"
    );
    assert_eq!(system_wallets().await, 2);
    let withdrawals = wallet_path(ana.wallet, "/withdrawals");
    operator.post(&withdrawals, payment("1", "wire")).await.expect(201);
    assert_eq!(system_wallets().await, 3, "a withdrawal opens it as well");
}

async fn system_wallets(bank: &TestBank) -> i64 {
    bank.number("SELECT count(*) AS n FROM wallets WHERE user_id IS NULL")
        .await
}

async fn a_customer_cannot_open_a_method(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let operator = bank.operator().await;
    let euro = bank.open_wallet(&ana, "EUR").await;
    let (rows, opened) = (bank.row_counts().await, system_wallets(&bank).await);
    let withdraw = async |wallet, method: &str| {
        let path = wallet_path(wallet, "/withdrawals");
        ana.caller.post(&path, payment("5", method)).await
    };
    // Methods that no operator has used, and one that is open only in another currency.
    for (wallet, method) in [(ana.wallet, "wire"), (ana.wallet, "w1re"), (euro, "visa")] {
        let answer = withdraw(wallet, method).await;
        answer.expect_problem(422, "unknown_method");
        assert_eq!(answer.json.get("transfer_id"), None, "{}", answer.text);
    }
    assert_eq!(bank.row_counts().await, rows);
    assert_eq!(system_wallets(&bank).await, opened, "nothing is created");
    assert_eq!(bank.balances(&[ana.wallet]).await, ["20.0000"]);
    operator
        .post(&wallet_path(ana.wallet, "/withdrawals"), payment("1", "wire"))
        .await
        .expect(201);
    withdraw(ana.wallet, "wire").await.expect(201);
    withdraw(euro, "wire").await.expect_problem(422, "unknown_method");
    assert_eq!(bank.balances(&[ana.wallet]).await, ["14.0000"]);
}

async fn a_method_that_is_not_open_uses_no_key_up(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let ben = bank.customer("ben").await;
    let path = wallet_path(ana.wallet, "/withdrawals");
    let withdraw = async |key: &str| ana.caller.post_once(&path, key, payment("5", "wire")).await;
    // The bank looks the key up before it refuses for any other reason.
    ana.caller
        .post_once("/v1/transfers", "paid", transfer(ana.wallet, ben.wallet, "1"))
        .await
        .expect(201);
    withdraw("paid").await.expect_problem(422, "idempotency_key_reused");
    withdraw("k").await.expect_problem(422, "unknown_method");
    withdraw("k").await.expect_problem(422, "unknown_method");
    assert_eq!(system_wallets(&bank).await, 1, "nothing is created");
    bank.open_method("wire", "USD").await;
    for replayed in ["", "true"] {
        let answer = withdraw("k").await;
        assert_eq!(
            (answer.status, answer.header("idempotent-replayed")),
            (201, replayed),
            "{}",
            answer.text
        );
    }
    assert_eq!(bank.balances(&[ana.wallet]).await, ["14.0000"]);
}

async fn a_used_key_opens_no_method(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let operator = bank.operator().await;
    let path = wallet_path(ana.wallet, "/deposits");
    let deposit = async |method: &str| operator.post_once(&path, "k", payment("1", method)).await;
    deposit("wire").await.expect(201);
    let opened = system_wallets(&bank).await;
    deposit("card").await.expect_problem(422, "idempotency_key_reused");
    let withdrawals = wallet_path(ana.wallet, "/withdrawals");
    let answer = operator.post_once(&withdrawals, "k", payment("1", "card")).await;
    answer.expect_problem(422, "idempotency_key_reused");
    assert_eq!(system_wallets(&bank).await, opened, "nothing is created");
    assert_eq!(deposit("wire").await.header("idempotent-replayed"), "true");
    assert_eq!(bank.balances(&[ana.wallet]).await, ["21.0000"]);
}

async fn customers_never_see_a_system_wallet(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let operator = bank.operator().await;
    let entries = items(&ana.caller, &wallet_path(ana.wallet, "/entries")).await;
    let system = entries[0]["counterparty_wallet_id"]
        .as_str()
        .expect("an entry has a counterparty");
    for rest in ["", "/entries"] {
        let path = format!("/v1/wallets/{system}{rest}");
        ana.caller.get(&path).await.expect_problem(404, "wallet_not_found");
        operator.get(&path).await.expect(200);
    }
    ana.caller
        .get(&format!("/v1/transfers?wallet_id={system}"))
        .await
        .expect_problem(404, "wallet_not_found");
    let listed = items(&ana.caller, "/v1/wallets").await;
    assert_eq!(
        listed.iter().map(|wallet| &wallet["id"]).collect::<Vec<_>>(),
        [&json!(ana.wallet)]
    );
}

async fn customers_cannot_pay_a_system_wallet(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let operator = bank.operator().await;
    let entries = items(&ana.caller, &wallet_path(ana.wallet, "/entries")).await;
    let system = entries[0]["counterparty_wallet_id"].clone();
    let rows = bank.row_counts().await;
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": system, "amount": "1" });
    ana.caller
        .post("/v1/transfers", body)
        .await
        .expect_problem(404, "wallet_not_found");
    let body = json!({ "source_wallet_id": system, "destination_wallet_id": ana.wallet, "amount": "1" });
    ana.caller
        .post("/v1/transfers", body)
        .await
        .expect_problem(404, "wallet_not_found");
    let path = format!("/v1/wallets/{}/deposits", system.as_str().unwrap_or_default());
    operator
        .post(&path, payment("1", "visa"))
        .await
        .expect_problem(404, "wallet_not_found");
    assert_eq!(bank.row_counts().await, rows);
}
