//! Short helpers for the requests of scenarios.

use harness::{Answer, Caller, TestBank};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use service::Services;
use service::actor::ClientInfo;
use service::identity::{Actor, Email, FullName, Registration};
use service::transfers::{Asking, IdempotencyKey, NewPayment, NewTransfer, TransferError, TransferOutcome};
use service::values::{Method as PaymentMethod, Money, WalletId};

/// The largest amount there is.
pub const MOST: &str = "99999999999999.9999";

/// A body for `POST /v1/transfers`.
pub fn transfer(source: WalletId, destination: WalletId, amount: &str) -> Value {
    json!({ "source_wallet_id": source, "destination_wallet_id": destination, "amount": amount })
}

/// A body for deposits and withdrawals.
pub fn payment(amount: &str, method: &str) -> Value {
    json!({ "amount": amount, "method": method })
}

/// The path of one of a wallet's resources; `/v1/wallets/{id}` itself when `rest` is empty.
pub fn wallet_path(wallet: WalletId, rest: &str) -> String {
    format!("/v1/wallets/{wallet}{rest}")
}

/// A POST without a body, such as `freeze`.
pub async fn act(caller: &Caller, path: &str) -> Answer {
    Answer::of(caller.request(Method::POST, path)).await
}

/// A POST of JSON text, sent unchanged.
pub async fn post_text(caller: &Caller, path: &str, text: &str) -> Answer {
    let request = caller
        .request(Method::POST, path)
        .header("Content-Type", "application/json");
    Answer::of(request.body(text.to_owned())).await
}

/// The items of a list's first page, at most 500.
pub async fn items(caller: &Caller, path: &str) -> Vec<Value> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let page = caller.get(&format!("{path}{sign}limit=500")).await.expect(200);
    page["items"].as_array().expect("a list has items").clone()
}

/// Reads a list page by page; `meanwhile` runs after each page.
pub async fn pages(caller: &Caller, path: &str, limit: u32, mut meanwhile: impl AsyncFnMut()) -> Vec<Value> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let first = format!("{path}{sign}limit={limit}");
    let (mut next, mut all) = (first.clone(), Vec::new());
    loop {
        let page = caller.get(&next).await.expect(200);
        let items = page["items"].as_array().expect("a list has items");
        assert!(items.len() <= limit as usize, "a page of {} items", items.len());
        all.extend(items.iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else {
            return all;
        };
        assert!(
            cursor
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'),
            "{cursor}"
        );
        next = format!("{first}&cursor={cursor}");
        meanwhile().await;
    }
}

/// Balance, held part, version and status of wallets, to compare before with after.
pub async fn wallets_now(operator: &Caller, wallets: &[WalletId]) -> Vec<[String; 4]> {
    let mut found = Vec::new();
    for wallet in wallets {
        let wallet = operator.get(&wallet_path(*wallet, "")).await.expect(200);
        found.push(["balance", "held", "version", "status"].map(|member| wallet[member].to_string()));
    }
    found
}

/// A test's amount.
pub fn money(text: &str) -> Money {
    Money::parse_unsigned(text).expect("a test's amount is one")
}

/// A test's idempotency key.
pub fn key(text: &str) -> Option<IdempotencyKey> {
    Some(IdempotencyKey::try_new(text).expect("a test's key is one"))
}

/// A transfer for the services.
pub fn new_transfer(source: WalletId, destination: WalletId, amount: &str) -> NewTransfer {
    NewTransfer::new(source, destination, Some(money(amount)))
}

/// Submits a transfer without HTTP.
pub async fn submit(services: &Services, actor: &Actor, new: NewTransfer) -> Result<TransferOutcome, TransferError> {
    services.transfers.submit(Asking::by(actor), new).await
}

/// Withdraws without HTTP.
pub async fn withdraw(
    services: &Services,
    actor: &Actor,
    wallet: WalletId,
    amount: &str,
) -> Result<TransferOutcome, TransferError> {
    let method = PaymentMethod::try_new("wire").expect("this is a method");
    services
        .transfers
        .withdraw(Asking::by(actor), NewPayment::new(wallet, Some(money(amount)), method))
        .await
}

/// A new customer who is not signed in; made without HTTP, which is faster.
pub async fn quiet_customer(bank: &TestBank, name: &str) -> (Actor, WalletId) {
    let registration = Registration {
        email: Email::try_new(&format!("{name}@example.com")).expect("a test's name makes an address"),
        password: SecretString::from(harness::bank::PASSWORD),
        full_name: FullName::try_new(name).expect("a test's name is a name"),
        currency: None,
    };
    let (user, wallet) = bank
        .services
        .identity
        .register(registration, &ClientInfo::default())
        .await
        .expect("a customer can register");
    (Actor::new(user.id, user.role), wallet.id)
}
