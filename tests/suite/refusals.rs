//! Refusals of money movements: each of them, their order of precedence, and that nothing moves.

use std::sync::Arc;

use harness::{Caller, Customer, TestBank, in_two_slices, on_every_backend};
use serde_json::{Value, json};
use service::values::WalletId;
use uuid::Uuid;

use crate::requests::{MOST, act, payment, transfer, wallet_path, wallets_now};

on_every_backend!(
    of_two_refusals_that_apply_the_earlier_is_the_answer,
    payments_are_refused_in_the_same_order,
    each_refusal_ends_with_its_obstacle,
    a_refused_transfer_keeps_no_text,
);

in_two_slices!(
    of_two_refusals_that_apply_the_earlier_is_the_answer,
    payments_are_refused_in_the_same_order,
    each_refusal_ends_with_its_obstacle,
    a_refused_transfer_keeps_no_text,
);

/// A wallet in every state that a refusal needs.
struct Cast {
    ana: Customer,
    operator: Caller,
    /// Ana's, with 100 USD.
    dollars: WalletId,
    /// Ana's: one frozen, one closed and one empty, each in its own currency.
    frozen: WalletId,
    closed: WalletId,
    empty: WalletId,
    /// Other customers', in USD: one frozen, one closed, one with 5, and one with the largest balance.
    frozen_dollars: WalletId,
    closed_dollars: WalletId,
    bens: WalletId,
    full: WalletId,
    unknown: WalletId,
}

impl Cast {
    async fn of(bank: &TestBank) -> Self {
        let ana = bank.customer_with("ana", "100").await;
        let operator = bank.operator().await;
        let mut others = Vec::new();
        for name in ["ben", "cara", "dan", "eve"] {
            others.push(bank.customer(name).await.wallet);
        }
        let [bens, frozen_dollars, closed_dollars, full] = others[..] else {
            unreachable!("four were made")
        };
        bank.fund(bens, "5", "cash").await;
        bank.fund(full, MOST, "wire").await;
        let frozen = bank.open_wallet(&ana, "EUR").await;
        let closed = bank.open_wallet(&ana, "GBP").await;
        let empty = bank.open_wallet(&ana, "JPY").await;
        for (wallet, verb) in [
            (frozen, "/freeze"),
            (frozen_dollars, "/freeze"),
            (closed, "/close"),
            (closed_dollars, "/close"),
        ] {
            act(&operator, &wallet_path(wallet, verb)).await.expect(200);
        }
        let (dollars, unknown) = (ana.wallet, WalletId(Uuid::from_u128(1)));
        Self {
            ana,
            operator,
            dollars,
            frozen,
            closed,
            empty,
            frozen_dollars,
            closed_dollars,
            bens,
            full,
            unknown,
        }
    }

    fn wallets(&self) -> [WalletId; 8] {
        let Self {
            dollars,
            frozen,
            closed,
            empty,
            frozen_dollars,
            closed_dollars,
            bens,
            full,
            ..
        } = *self;
        [
            dollars,
            frozen,
            closed,
            empty,
            frozen_dollars,
            closed_dollars,
            bens,
            full,
        ]
    }

    /// Sends a request that must be refused, and proves that it leaves at most its record behind.
    async fn refused(&self, bank: &TestBank, path: &str, body: Value, code: &str) -> Value {
        let before = wallets_now(&self.operator, &self.wallets()).await;
        let (transfers, entries) = bank.row_counts().await;
        let answer = self.ana.caller.post(path, body.clone()).await;
        answer.expect_problem(status_of(code), code);
        assert_eq!(answer.header("idempotent-replayed"), "");
        assert_eq!(
            wallets_now(&self.operator, &self.wallets()).await,
            before,
            "{code} of {body}"
        );
        let recorded = u64::from(is_recorded(code));
        assert_eq!(
            bank.row_counts().await,
            (transfers + recorded, entries),
            "{code} of {body}"
        );
        assert_eq!(
            answer.json.get("available").is_some(),
            code == "insufficient_funds",
            "{}",
            answer.text
        );
        self.check_record(&answer.json, &body, code).await;
        answer.json
    }

    async fn check_record(&self, problem: &Value, body: &Value, code: &str) {
        let Some(id) = problem.get("transfer_id").and_then(Value::as_str) else {
            assert!(!is_recorded(code), "{code} names no transfer: {problem}");
            return;
        };
        assert!(is_recorded(code), "{code} has been recorded: {problem}");
        let record = self.operator.get(&format!("/v1/transfers/{id}")).await.expect(200);
        assert_eq!(
            (&record["status"], &record["failure_reason"]),
            (&json!("FAILED"), &json!(code))
        );
        assert_eq!(record["completed_at"], Value::Null);
        for member in ["source_wallet_id", "destination_wallet_id", "method"] {
            assert!(
                body.get(member).is_none_or(|asked| record[member] == *asked),
                "{member}: {record}"
            );
        }
    }
}

fn status_of(code: &str) -> u16 {
    if code == "wallet_not_found" { 404 } else { 422 }
}

fn is_recorded(code: &str) -> bool {
    !["invalid_amount", "wallet_not_found", "unknown_method", "same_wallet"].contains(&code)
}

/// The order in the contract.
const ORDER: [&str; 9] = [
    "invalid_amount",
    "wallet_not_found",
    "unknown_method",
    "same_wallet",
    "wallet_frozen",
    "wallet_closed",
    "currency_mismatch",
    "insufficient_funds",
    "balance_out_of_range",
];

async fn of_two_refusals_that_apply_the_earlier_is_the_answer(bank: Arc<TestBank>) {
    let cast = Cast::of(&bank).await;
    let Cast {
        dollars,
        frozen,
        closed,
        empty,
        frozen_dollars,
        closed_dollars,
        bens,
        full,
        unknown,
        ..
    } = cast;
    // Both refusals of a line apply to its request; the first one must be the answer.
    let table = [
        (ORDER[0], ORDER[1], unknown, bens, "0"),
        (ORDER[0], ORDER[1], bens, dollars, "1.00001"),
        (ORDER[0], ORDER[1], dollars, unknown, "-1"),
        (ORDER[0], ORDER[3], dollars, dollars, "0"),
        (ORDER[0], ORDER[4], frozen, bens, "1e3"),
        (ORDER[0], ORDER[8], dollars, full, "100000000000000"),
        (ORDER[1], ORDER[3], unknown, unknown, "1"),
        (ORDER[1], ORDER[3], bens, bens, "1"),
        (ORDER[1], ORDER[4], frozen, unknown, "1"),
        (ORDER[1], ORDER[4], frozen_dollars, dollars, "1"),
        (ORDER[1], ORDER[5], closed, unknown, "1"),
        (ORDER[1], ORDER[7], dollars, unknown, "101"),
        (ORDER[1], ORDER[7], bens, dollars, "6"),
        (ORDER[3], ORDER[4], frozen, frozen, "1"),
        (ORDER[3], ORDER[5], closed, closed, "1"),
        (ORDER[3], ORDER[7], empty, empty, "1"),
        (ORDER[4], ORDER[5], frozen, closed_dollars, "1"),
        (ORDER[4], ORDER[5], closed, frozen_dollars, "1"),
        (ORDER[4], ORDER[6], dollars, frozen, "1"),
        (ORDER[4], ORDER[7], dollars, frozen_dollars, "101"),
        (ORDER[5], ORDER[6], dollars, closed, "1"),
        (ORDER[5], ORDER[6], closed, dollars, "1"),
        (ORDER[5], ORDER[7], dollars, closed_dollars, "101"),
        (ORDER[6], ORDER[7], dollars, empty, "101"),
        (ORDER[6], ORDER[7], empty, dollars, "1"),
        (ORDER[6], ORDER[8], empty, full, "1"),
        (ORDER[7], ORDER[8], dollars, full, "100.0001"),
    ];
    for (first, second, source, destination, amount) in table {
        assert!(ORDER.iter().position(|code| *code == first) < ORDER.iter().position(|code| *code == second));
        cast.refused(&bank, "/v1/transfers", transfer(source, destination, amount), first)
            .await;
    }
    // The last refusal has none after it.
    cast.refused(&bank, "/v1/transfers", transfer(dollars, full, "0.0001"), ORDER[8])
        .await;
    cast.ana
        .caller
        .post("/v1/transfers", transfer(dollars, bens, "100"))
        .await
        .expect(201);
}

async fn payments_are_refused_in_the_same_order(bank: Arc<TestBank>) {
    let cast = Cast::of(&bank).await;
    let withdraw = |wallet| wallet_path(wallet, "/withdrawals");
    for currency in ["EUR", "GBP"] {
        bank.open_method("visa", currency).await;
    }
    for (code, wallet, amount, method) in [
        ("invalid_amount", cast.unknown, "0", "visa"),
        ("invalid_amount", cast.frozen, "-1", "visa"),
        ("invalid_amount", cast.dollars, "0", "no_such"),
        ("wallet_not_found", cast.unknown, "1", "visa"),
        ("wallet_not_found", cast.unknown, "1", "no_such"),
        ("wallet_not_found", cast.frozen_dollars, "1", "visa"),
        ("wallet_not_found", cast.bens, "6", "no_such"),
        ("unknown_method", cast.frozen, "1", "no_such"),
        ("unknown_method", cast.closed, "1", "no_such"),
        ("unknown_method", cast.empty, "1", "visa"),
        ("unknown_method", cast.dollars, "100.0001", "no_such"),
        ("unknown_method", cast.dollars, "1", "no_such"),
        ("wallet_frozen", cast.frozen, "1", "visa"),
        ("wallet_closed", cast.closed, "1", "visa"),
        ("insufficient_funds", cast.dollars, "100.0001", "visa"),
    ] {
        cast.refused(&bank, &withdraw(wallet), payment(amount, method), code)
            .await;
    }
    let opened = "SELECT count(*) AS n FROM wallets WHERE method = 'no_such'";
    assert_eq!(bank.number(opened).await, 0);
    let before = wallets_now(&cast.operator, &cast.wallets()).await;
    for (code, wallet, amount, recorded) in [
        ("invalid_amount", cast.unknown, "0", 0),
        ("invalid_amount", cast.full, "0", 0),
        ("wallet_not_found", cast.unknown, "1", 0),
        ("wallet_frozen", cast.frozen_dollars, "1", 1),
        ("wallet_closed", cast.closed_dollars, "1", 1),
        // The method's system wallet has room, the customer's is full.
        ("balance_out_of_range", cast.full, "0.0001", 1),
    ] {
        let (transfers, entries) = bank.row_counts().await;
        let answer = cast
            .operator
            .post(&wallet_path(wallet, "/deposits"), payment(amount, "visa"))
            .await;
        answer.expect_problem(status_of(code), code);
        cast.check_record(&answer.json, &payment(amount, "visa"), code).await;
        assert_eq!(bank.row_counts().await, (transfers + recorded, entries), "{code}");
    }
    assert_eq!(wallets_now(&cast.operator, &cast.wallets()).await, before);
}

async fn each_refusal_ends_with_its_obstacle(bank: Arc<TestBank>) {
    let cast = Cast::of(&bank).await;
    let post = async |body: &Value| cast.ana.caller.post("/v1/transfers", body.clone()).await;
    let to_frozen = transfer(cast.dollars, cast.frozen_dollars, "1");
    post(&to_frozen).await.expect_problem(422, "wallet_frozen");
    act(&cast.operator, &wallet_path(cast.frozen_dollars, "/unfreeze"))
        .await
        .expect(200);
    post(&to_frozen).await.expect(201);
    let too_much = transfer(cast.dollars, cast.bens, "120");
    let answer = post(&too_much).await;
    answer.expect_problem(422, "insufficient_funds");
    assert_eq!(answer.json["available"], "99.0000");
    bank.fund(cast.dollars, "21", "cash").await;
    post(&too_much).await.expect(201);
    bank.fund(cast.dollars, "1", "cash").await;
    let to_full = transfer(cast.dollars, cast.full, "0.5");
    post(&to_full).await.expect_problem(422, "balance_out_of_range");
    cast.operator
        .post(&wallet_path(cast.full, "/withdrawals"), payment("0.5", "wire"))
        .await
        .expect(201);
    post(&to_full).await.expect(201);
    assert_eq!(bank.balances(&[cast.full, cast.dollars]).await, [MOST, "0.5000"]);
}

async fn a_refused_transfer_keeps_no_text(bank: Arc<TestBank>) {
    let cast = Cast::of(&bank).await;
    let Cast { dollars, bens, .. } = cast;
    let texts = [json!("buy cheap loans"), json!({ "order": "A-17" })];
    let mut body = transfer(dollars, bens, "100.0001");
    [body["description"], body["metadata"]] = texts.clone();
    let refused = cast.ana.caller.post_once("/v1/transfers", "k", body.clone()).await;
    refused.expect_problem(422, "insufficient_funds");
    let path = format!("/v1/transfers/{}", refused.text_of("transfer_id"));
    for caller in [&cast.ana.caller, &cast.operator] {
        let record = caller.get(&path).await.expect(200);
        assert_eq!(
            (&record["description"], &record["metadata"]),
            (&Value::Null, &Value::Null)
        );
    }
    let kept = "SELECT count(*) AS n FROM transfers \
        WHERE status = 3 AND (description IS NOT NULL OR metadata IS NOT NULL)";
    assert_eq!(bank.number(kept).await, 0);
    // The request is still recognized by its digest.
    let again = cast.ana.caller.post_once("/v1/transfers", "k", body.clone()).await;
    assert_eq!(again.header("idempotent-replayed"), "true", "{}", again.text);
    body["description"] = json!("another text");
    let other = cast.ana.caller.post_once("/v1/transfers", "k", body.clone()).await;
    other.expect_problem(422, "idempotency_key_reused");
    // A completed transfer keeps both.
    body["amount"] = json!("1");
    let made = cast.ana.caller.post("/v1/transfers", body).await.expect(201);
    assert_eq!(
        (&made["description"], &made["metadata"]),
        (&json!("another text"), &texts[1])
    );
}
