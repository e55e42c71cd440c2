//! Who may call which operation. An operation without a line in this table fails the test, so its author must add one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::app::document;
use harness::{Answer, Caller, Customer, TestBank, on_every_backend};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use service::identity::{Email, FullName};
use service::values::Role;

use Who::{Anyone, CustomersOnly, Operators, SignedIn};

on_every_backend!(every_operation_lets_in_whom_it_should);
on_sqlite!(the_document_says_who_may_call);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// No token is needed.
    Anyone,
    /// Any user; the operation itself decides what the user sees.
    SignedIn,
    /// Customers, not operators.
    CustomersOnly,
    /// Operators and admins.
    Operators,
}

/// Every operation of the API by its operation id.
const ACCESS: &[(&str, Who)] = &[
    ("auth_register", Anyone),
    ("auth_login", Anyone),
    ("users_me", SignedIn),
    ("wallets_open", CustomersOnly),
    ("wallets_list", SignedIn),
    ("wallets_get", SignedIn),
    ("wallets_freeze", Operators),
    ("wallets_unfreeze", Operators),
    ("wallets_close", Operators),
    ("wallets_entries", SignedIn),
    ("wallets_balance", SignedIn),
    ("wallets_statement", SignedIn),
    ("wallets_deposit", Operators),
    ("wallets_withdraw", SignedIn),
    ("wallets_limits", Operators),
    ("transfers_create", SignedIn),
    ("transfers_batch", SignedIn),
    ("transfers_capture", SignedIn),
    ("transfers_void", SignedIn),
    ("transfers_reverse", Operators),
    ("transfers_list", SignedIn),
    ("transfers_get", SignedIn),
    ("analytics_top_merchant", Operators),
    ("analytics_active_merchants", Operators),
    ("analytics_product_adoption", Operators),
    ("analytics_kyc_funnel", Operators),
    ("analytics_failure_rates", Operators),
    ("merchants_summary", Operators),
    ("transactions_report", Operators),
    ("statistics_get", Operators),
    ("stats_get", Operators),
    ("statistics_stream", Operators),
    ("imports_activities", Operators),
    ("imports_transactions", Operators),
    ("imports_get", Operators),
    ("health", Anyone),
    ("livez", Anyone),
    ("readyz", Anyone),
    ("metrics", Anyone),
];

/// Operations that refuse some of those whom the table lets in: a wrong password, a hold whose money ana has promised.
const DECIDES: &[&str] = &["auth_login", "transfers_capture", "transfers_void"];

/// An operation as the document describes it, ready to be called.
pub struct Operation {
    pub id: String,
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    pub statuses: BTreeSet<u16>,
    pub is_open: bool,
}

impl Operation {
    /// Every operation of a document; bodies are the documented examples.
    pub fn all(document: &Value) -> Vec<Self> {
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths are an object") {
            for (method, operation) in item.as_object().expect("a path is an object") {
                all.push(Self::read(document, path, method, operation));
            }
        }
        all
    }

    fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let id = operation["operationId"]
            .as_str()
            .unwrap_or_else(|| panic!("{method} {path} has no operationId"));
        let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let body = schema.map(|reference| {
            let schema = document
                .pointer(reference.trim_start_matches('#'))
                .expect("a reference leads somewhere");
            assert!(schema["example"].is_object(), "{id}: {reference} has no example");
            schema["example"].clone()
        });
        let statuses = operation["responses"]
            .as_object()
            .expect("an operation has responses")
            .keys();
        Self {
            id: id.to_owned(),
            method: method.to_uppercase().parse().expect("this is a method"),
            path: path.to_owned(),
            body,
            statuses: statuses
                .map(|status| status.parse().expect("a status is a number"))
                .collect(),
            is_open: operation["security"].as_array().is_none_or(Vec::is_empty),
        }
    }
}

/// The table, which must list the same operations as the document.
fn table(operations: &[Operation]) -> BTreeMap<&'static str, Who> {
    let table: BTreeMap<_, _> = ACCESS.iter().copied().collect();
    assert_eq!(table.len(), ACCESS.len(), "an operation is listed twice");
    let documented: BTreeSet<&str> = operations.iter().map(|operation| operation.id.as_str()).collect();
    let listed: BTreeSet<&str> = table.keys().copied().collect();
    let missing: Vec<_> = documented.difference(&listed).collect();
    assert!(missing.is_empty(), "say in ACCESS who may call {missing:?}");
    let gone: Vec<_> = listed.difference(&documented).collect();
    assert!(gone.is_empty(), "ACCESS lists what the document has not: {gone:?}");
    table
}

async fn every_operation_lets_in_whom_it_should(bank: Arc<TestBank>) {
    let document = document(&bank.services).expect("the document can be made");
    let operations = Operation::all(&document);
    let table = table(&operations);
    let ana = bank.customer_with("ana", "100").await;
    let callers = [
        ("anonymous", bank.anonymous()),
        ("customer", ana.caller.clone()),
        ("operator", bank.operator().await),
        ("admin", admin(&bank).await),
    ];
    for operation in &operations {
        for (name, caller) in &callers {
            let expected = expected(table[operation.id.as_str()], name);
            let answer = call(caller, operation, &ana).await;
            let shown = format!("{} as {name}: {} {}", operation.id, answer.status, answer.text);
            match expected {
                Some((status, code)) => {
                    assert_eq!(answer.status, status, "{shown}");
                    answer.expect_problem(status, code);
                }
                None => assert!(
                    !matches!(answer.status, 401 | 403) || DECIDES.contains(&operation.id.as_str()),
                    "{shown}"
                ),
            }
            assert!(answer.status < 500, "{shown}");
            assert_ne!(answer.status, 400, "the documented example cannot be read: {shown}");
            assert!(
                operation.statuses.contains(&answer.status),
                "the document does not know this status: {shown}"
            );
        }
        nobody_is_told_more_before_they_sign_in(&bank, operation, table[operation.id.as_str()]).await;
    }
}

/// The refusal that an operation must give a caller; `None` if the caller may use it.
fn expected(who: Who, caller: &str) -> Option<(u16, &'static str)> {
    match (who, caller) {
        (Anyone, _) => None,
        (SignedIn | CustomersOnly | Operators, "anonymous") => Some((401, "unauthenticated")),
        (Operators, "customer") | (CustomersOnly, "operator" | "admin") => Some((403, "forbidden")),
        (SignedIn | CustomersOnly | Operators, _) => None,
    }
}

async fn call(caller: &Caller, operation: &Operation, ana: &Customer) -> Answer {
    let transfers = ana.caller.get("/v1/transfers?limit=1").await.expect(200);
    let transfer = transfers["items"][0]["id"]
        .as_str()
        .expect("Ana has a transfer")
        .to_owned();
    let path = operation
        .path
        .replace("{wallet_id}", &ana.wallet.0.to_string())
        .replace("{transfer_id}", &transfer)
        .replace("{merchant_id}", "MRC-000001")
        .replace("{import_id}", &ana.wallet.0.to_string());
    assert!(!path.contains('{'), "a new kind of id: {path}");
    let query = match (operation.id.as_str(), transfers["items"][0]["created_at"].as_str()) {
        ("wallets_balance", Some(time)) => format!("?at={time}"),
        _ => String::new(),
    };
    let request = caller.request(operation.method.clone(), &format!("{path}{query}"));
    if operation.id == "statistics_stream" {
        // The stream has no end.
        return Answer::begun(request).await;
    }
    match operation.body.clone() {
        None => Answer::of(request).await,
        Some(mut body) => {
            if body.get("source_wallet_id").is_some() {
                body["source_wallet_id"] = json!(ana.wallet);
            }
            Answer::of(request.json(&body)).await
        }
    }
}

/// Before sign-in a caller learns neither whether a body is valid nor whether an id exists.
async fn nobody_is_told_more_before_they_sign_in(bank: &TestBank, operation: &Operation, who: Who) {
    if who == Anyone {
        return;
    }
    let path = operation
        .path
        .replace("{wallet_id}", "abc")
        .replace("{transfer_id}", "abc")
        .replace("{merchant_id}", "abc")
        .replace("{import_id}", "abc");
    let request = bank
        .anonymous()
        .request(operation.method.clone(), &path)
        .header("content-type", "application/json");
    Answer::of(request.header("idempotency-key", "a b").body("{"))
        .await
        .expect_problem(401, "unauthenticated");
}

async fn admin(bank: &TestBank) -> Caller {
    let password = SecretString::from(harness::bank::PASSWORD);
    let email = Email::try_new("admin@example.com").expect("this is an address");
    let name = FullName::try_new("Admin").expect("this is a name");
    let identity = &bank.services.identity;
    identity
        .create_user(email, name, password.clone(), Role::Admin)
        .await
        .expect("an admin can be made");
    let token = identity
        .sign_in("admin@example.com", password)
        .await
        .expect("an admin can sign in");
    bank.with_token(token.token.expose_secret())
}

async fn the_document_says_who_may_call(bank: Arc<TestBank>) {
    let document = document(&bank.services).expect("the document can be made");
    let operations = Operation::all(&document);
    let table = table(&operations);
    for operation in &operations {
        assert_eq!(
            operation.is_open,
            table[operation.id.as_str()] == Anyone,
            "{}",
            operation.id
        );
        assert_eq!(
            operation.is_open,
            !operation.statuses.contains(&403),
            "{}",
            operation.id
        );
    }
}
