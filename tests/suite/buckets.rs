//! Buckets: which ids carry which bucket, and that buckets do not affect the order of ids.

use std::sync::Arc;

use harness::{Answer, Customer, TestBank, on_every_backend};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use service::values::{Bucket, TransferId, WalletId};

use crate::requests::{act, items, new_transfer, payment, quiet_customer, submit, transfer, wallet_path};

on_every_backend!(
    every_wallet_of_a_user_carries_their_bucket,
    a_transfer_carries_the_bucket_of_the_customers_side,
    a_failed_transfer_carries_the_bucket_of_the_customers_side,
    ids_grow_and_entries_stay_in_order_whatever_the_buckets,
);

fn id<T: DeserializeOwned>(made: &Value) -> T {
    serde_json::from_value(made["id"].clone()).expect("what was made has an id")
}

/// The bucket of the FAILED transfer that a problem names.
fn bucket_of_failure(answer: Answer, code: &str) -> Bucket {
    answer.expect_problem(422, code);
    let problem = answer.expect(422);
    let transfer: TransferId =
        serde_json::from_value(problem["transfer_id"].clone()).expect("a failure names its transfer");
    transfer.bucket()
}

/// Two customers with different buckets.
async fn strangers(bank: &TestBank) -> (Customer, Customer) {
    let ana = bank.customer_with("ana", "10").await;
    let mut ben = bank.customer("ben").await;
    for number in 0..3 {
        if ben.actor.user.bucket() != ana.actor.user.bucket() {
            break;
        }
        ben = bank.customer(&format!("ben{number}")).await;
    }
    assert_ne!(ana.actor.user.bucket(), ben.actor.user.bucket());
    (ana, ben)
}

async fn every_wallet_of_a_user_carries_their_bucket(bank: Arc<TestBank>) {
    for name in ["ana", "ben", "cara"] {
        let customer = bank.customer(name).await;
        let euro = json!({ "currency": "EUR" });
        customer.caller.post("/v1/wallets", euro).await.expect(201);
        let wallets: Vec<WalletId> = items(&customer.caller, "/v1/wallets").await.iter().map(id).collect();
        assert_eq!(wallets.len(), 2);
        for wallet in wallets {
            assert_eq!(wallet.bucket(), customer.actor.user.bucket(), "{wallet} of {name}");
        }
    }
}

async fn a_transfer_carries_the_bucket_of_the_customers_side(bank: Arc<TestBank>) {
    let (ana, ben) = strangers(&bank).await;
    let operator = bank.operator().await;
    let (deposits, withdrawals) = (
        wallet_path(ana.wallet, "/deposits"),
        wallet_path(ana.wallet, "/withdrawals"),
    );
    let made = [
        operator.post(&deposits, payment("1", "visa")).await,
        operator.post(&withdrawals, payment("1", "visa")).await,
        ana.caller.post(&withdrawals, payment("1", "visa")).await,
        ana.caller
            .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "2"))
            .await,
    ];
    for answer in made {
        let made = answer.expect(201);
        let transfer: TransferId = id(&made);
        assert_eq!(transfer.bucket(), ana.actor.user.bucket(), "{made:#}");
    }
    let back = ben
        .caller
        .post("/v1/transfers", transfer(ben.wallet, ana.wallet, "1"))
        .await;
    let back: TransferId = id(&back.expect(201));
    assert_eq!(back.bucket(), ben.actor.user.bucket());
}

async fn a_failed_transfer_carries_the_bucket_of_the_customers_side(bank: Arc<TestBank>) {
    let (ana, ben) = strangers(&bank).await;
    let operator = bank.operator().await;
    let too_much = ben
        .caller
        .post("/v1/transfers", transfer(ben.wallet, ana.wallet, "1"))
        .await;
    assert_eq!(
        bucket_of_failure(too_much, "insufficient_funds"),
        ben.actor.user.bucket()
    );
    act(&operator, &wallet_path(ana.wallet, "/freeze")).await.expect(200);
    for rest in ["/deposits", "/withdrawals"] {
        let frozen = operator
            .post(&wallet_path(ana.wallet, rest), payment("1", "visa"))
            .await;
        assert_eq!(bucket_of_failure(frozen, "wallet_frozen"), ana.actor.user.bucket());
    }
}

/// The clock stands still, so that only the sequence of microseconds orders the transfers.
async fn ids_grow_and_entries_stay_in_order_whatever_the_buckets(bank: Arc<TestBank>) {
    let shop = bank.customer("shop").await;
    let mut payers = Vec::new();
    for number in 0..6 {
        let (actor, wallet) = quiet_customer(&bank, &format!("payer{number}")).await;
        bank.fund(wallet, "3", "visa").await;
        payers.push((actor, wallet));
    }
    let mut made = Vec::new();
    for (actor, wallet) in payers.iter().cycle().take(3 * payers.len()) {
        let receipt = submit(&bank.services, actor, new_transfer(*wallet, shop.wallet, "1")).await;
        made.push(receipt.expect("each payer has three").transfer.transfer.id);
    }
    assert!(made.is_sorted_by(|earlier, later| earlier < later), "{made:#?}");
    let buckets: Vec<Bucket> = payers.iter().map(|(actor, _)| actor.user.bucket()).collect();
    let expected: Vec<Bucket> = buckets.iter().cycle().take(made.len()).copied().collect();
    assert_eq!(made.iter().map(|id| id.bucket()).collect::<Vec<_>>(), expected);
    let entries = items(&shop.caller, &wallet_path(shop.wallet, "/entries")).await;
    let listed: Vec<(Value, Value, Value)> = entries
        .into_iter()
        .rev()
        .map(|entry| {
            (
                entry["transfer_id"].clone(),
                entry["version"].clone(),
                entry["balance_after"].clone(),
            )
        })
        .collect();
    let expected: Vec<(Value, Value, Value)> = (1..)
        .zip(&made)
        .map(|(number, id)| (json!(id), json!(number), json!(format!("{number}.0000"))))
        .collect();
    assert_eq!(listed, expected);
    let listed: Vec<TransferId> = items(&shop.caller, "/v1/transfers")
        .await
        .iter()
        .rev()
        .map(id)
        .collect();
    assert_eq!(listed, made);
}
