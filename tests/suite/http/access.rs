//! Who may call which operation. An operation without a line in this table fails the test, so its author must add one.

mod credentials;
mod operation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::app::document;
use harness::{Answer, Caller, TestBank, on_every_backend};
use service::actor::Permission;
use service::values::Role;

pub use operation::Operation;

use Who::{Anyone, Callers, Needs, People};

on_every_backend!(every_operation_lets_in_whom_it_should);
on_sqlite!(the_document_says_who_may_call);

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// No token is needed.
    Anyone,
    /// Any caller; the operation itself decides what they see.
    Callers,
    /// People who have signed in, not API keys.
    People,
    /// Callers with this permission.
    Needs(&'static str),
}

/// Every operation of the API by its operation id: what it needs, and the roles that have it, by their first letters, but D
/// for admins.
const ACCESS: &[(&str, Who, &str)] = &[
    ("auth_register", Anyone, "CSOAD"),
    ("auth_login", Anyone, "CSOAD"),
    ("auth_refresh", Anyone, "CSOAD"),
    ("auth_logout", People, "CSOAD"),
    ("auth_forgotten", Anyone, "CSOAD"),
    ("auth_reset", Anyone, "CSOAD"),
    ("auth_confirm_email", Anyone, "CSOAD"),
    ("users_reset", Needs("users:reset"), "SOD"),
    ("api_keys_create", Needs("api_keys:write"), "CSOAD"),
    ("api_keys_list", Needs("api_keys:write"), "CSOAD"),
    ("api_keys_get", Needs("api_keys:write"), "CSOAD"),
    ("api_keys_revoke", Needs("api_keys:write"), "CSOAD"),
    ("api_keys_roll", Needs("api_keys:write"), "CSOAD"),
    ("users_me", Callers, "CSOAD"),
    ("users_change_me", People, "CSOAD"),
    ("users_list", Needs("users:read"), "SOAD"),
    ("users_get", Needs("users:read"), "SOAD"),
    ("users_sessions", Needs("users:suspend"), "SOD"),
    ("users_password", People, "CSOAD"),
    ("users_suspend", Needs("users:suspend"), "SOD"),
    ("users_activate", Needs("users:suspend"), "SOD"),
    ("users_role", Needs("users:manage"), "D"),
    ("audit_list", Needs("audit:read"), "AD"),
    ("users_export", People, "CSOAD"),
    ("users_erase", Needs("users:manage"), "D"),
    ("sessions_list", People, "CSOAD"),
    ("sessions_end", People, "CSOAD"),
    ("sessions_end_all", People, "CSOAD"),
    ("currencies_list", Callers, "CSOAD"),
    ("wallets_open", Needs("wallets:open"), "C"),
    ("wallets_list", Needs("wallets:read"), "CSOAD"),
    ("wallets_get", Needs("wallets:read"), "CSOAD"),
    ("wallets_freeze", Needs("wallets:freeze"), "SOD"),
    ("wallets_unfreeze", Needs("wallets:freeze"), "SOD"),
    ("wallets_close", Needs("wallets:close"), "OD"),
    ("wallets_entries", Needs("wallets:read"), "CSOAD"),
    ("wallets_balance", Needs("wallets:read"), "CSOAD"),
    ("wallets_statement", Needs("wallets:read"), "CSOAD"),
    ("wallets_deposit", Needs("deposits:write"), "OD"),
    ("wallets_withdraw", Needs("transfers:write"), "COD"),
    ("wallets_limits", Needs("limits:write"), "OD"),
    ("transfers_create", Needs("transfers:write"), "COD"),
    ("transfers_batch", Needs("transfers:write"), "COD"),
    ("transfers_capture", Needs("transfers:write"), "COD"),
    ("transfers_void", Needs("transfers:write"), "COD"),
    ("transfers_reverse", Needs("transfers:reverse"), "OD"),
    ("transfers_list", Needs("transfers:read"), "CSOAD"),
    ("transfers_get", Needs("transfers:read"), "CSOAD"),
    ("transfers_receipt", Needs("transfers:read"), "CSOAD"),
    ("journal_head", Needs("journal:read"), "OAD"),
    ("events_list", Needs("transfers:read"), "CSOAD"),
    ("events_stream", Needs("transfers:read"), "CSOAD"),
    ("webhooks_create", Needs("webhooks:write"), "COD"),
    ("webhooks_list", Needs("webhooks:write"), "COD"),
    ("webhooks_get", Needs("webhooks:write"), "COD"),
    ("webhooks_change", Needs("webhooks:write"), "COD"),
    ("webhooks_delete", Needs("webhooks:write"), "COD"),
    ("webhooks_rotate_secret", Needs("webhooks:write"), "COD"),
    ("webhooks_test", Needs("webhooks:write"), "COD"),
    ("webhooks_replay", Needs("webhooks:write"), "COD"),
    ("webhooks_deliveries", Needs("webhooks:write"), "COD"),
    ("webhooks_retry", Needs("webhooks:write"), "COD"),
    ("analytics_top_merchant", Needs("reports:read"), "OAD"),
    ("analytics_active_merchants", Needs("reports:read"), "OAD"),
    ("analytics_product_adoption", Needs("reports:read"), "OAD"),
    ("analytics_kyc_funnel", Needs("reports:read"), "OAD"),
    ("analytics_failure_rates", Needs("reports:read"), "OAD"),
    ("merchants_summary", Needs("reports:read"), "OAD"),
    ("transactions_report", Needs("statistics:write"), "OD"),
    ("statistics_get", Needs("reports:read"), "OAD"),
    ("stats_get", Needs("reports:read"), "OAD"),
    ("statistics_stream", Needs("reports:read"), "OAD"),
    ("imports_activities", Needs("imports:write"), "OD"),
    ("imports_transactions", Needs("imports:write"), "OD"),
    ("imports_list", Needs("imports:read"), "OAD"),
    ("imports_rejects", Needs("imports:read"), "OAD"),
    ("imports_get", Needs("imports:read"), "OAD"),
    ("status_get", Callers, "CSOAD"),
    ("health", Anyone, "CSOAD"),
    ("livez", Anyone, "CSOAD"),
    ("readyz", Anyone, "CSOAD"),
    ("metrics", Anyone, "CSOAD"),
    ("jwks", Anyone, "CSOAD"),
    ("journal_keys", Anyone, "CSOAD"),
];

/// Operations that refuse some of those whom the table lets in: a wrong password, refresh token or one-time token, a
/// hold whose money ana has promised.
const DECIDES: &[&str] = &[
    "auth_login",
    "auth_refresh",
    "auth_reset",
    "auth_confirm_email",
    "transfers_capture",
    "transfers_void",
];

/// Operations that may answer 403 although they are open: to a page of a foreign origin that sends a cookie.
const CHECKS_THE_ORIGIN: &[&str] = &["auth_login", "auth_refresh"];

const LETTERS: [(char, Role); 5] = [
    ('C', Role::Customer),
    ('S', Role::Support),
    ('O', Role::Operator),
    ('A', Role::Auditor),
    ('D', Role::Admin),
];

/// A line of the table.
#[derive(Clone, Copy)]
struct Line {
    who: Who,
    roles: &'static str,
}

impl Line {
    fn lets_in(self, role: Role) -> bool {
        LETTERS
            .iter()
            .any(|(letter, of)| *of == role && self.roles.contains(*letter))
    }
}

/// The table, which must list the same operations as the document.
fn table(operations: &[Operation]) -> BTreeMap<&'static str, Line> {
    let lines = ACCESS.iter().map(|(id, who, roles)| (*id, Line { who: *who, roles }));
    let table: BTreeMap<_, _> = lines.collect();
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
    let zed = bank.user("zed", Role::Customer).await;
    let names = ["cara", "sue", "oscar", "arthur", "dora"];
    for (name, (_, role)) in names.into_iter().zip(LETTERS) {
        bank.user(name, role).await;
    }
    let stage = credentials::Stage { ana, victim: zed.id };
    for operation in &operations {
        let line = table[operation.id.as_str()];
        let expected = (line.who != Anyone).then_some((401, "unauthenticated"));
        check(&stage, &bank.anonymous(), operation, ("an anonymous caller", expected)).await;
        for (name, (_, role)) in names.into_iter().zip(LETTERS) {
            let caller = bank.sign_in(&format!("{name}@example.com")).await;
            let expected = (!line.lets_in(role)).then_some((403, "forbidden"));
            check(&stage, &caller, operation, (role.as_str(), expected)).await;
            if operation.id == "users_password" {
                // The example has changed it.
                change_back(&bank, name, role).await;
            }
        }
        nobody_is_told_more_before_they_sign_in(&bank, operation, line.who).await;
    }
}

/// Calls an operation, which must give the refusal, or let the caller in when there is none.
async fn check(
    stage: &credentials::Stage,
    caller: &Caller,
    operation: &Operation,
    (name, expected): (&str, Option<(u16, &str)>),
) {
    let answer = stage.call(caller, operation).await;
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

/// Gives a user the password of all tests again.
async fn change_back(bank: &TestBank, name: &str, role: Role) {
    let email = format!("{name}@example.com");
    let email = service::identity::Email::try_new(&email).expect("this is an address");
    let identity = &bank.services.identity;
    let user = identity.user_by_email(&email).await.expect("the user is there");
    assert_eq!(user.role, role);
    let dora = service::identity::Email::try_new("dora@example.com").expect("this is an address");
    let dora = identity.user_by_email(&dora).await.expect("the admin is there");
    let admin = service::actor::Actor::new(dora.id, dora.role);
    let password = secrecy::SecretString::from(harness::bank::PASSWORD);
    let changed = identity.set_password(&admin, user.id, password).await;
    changed.expect("a password can be set");
}

/// Before sign-in a caller learns neither whether a body is valid nor whether an id exists.
async fn nobody_is_told_more_before_they_sign_in(bank: &TestBank, operation: &Operation, who: Who) {
    if who == Anyone {
        return;
    }
    let request = bank
        .anonymous()
        .request(operation.method.clone(), &operation.path_with(|_| "abc".to_owned()))
        .header("content-type", "application/json");
    Answer::of(request.header("idempotency-key", "a b").body("{"))
        .await
        .expect_problem(401, "unauthenticated");
}

async fn the_document_says_who_may_call(bank: Arc<TestBank>) {
    let document = document(&bank.services).expect("the document can be made");
    let operations = Operation::all(&document);
    let table = table(&operations);
    for operation in &operations {
        let (id, line) = (operation.id.as_str(), table[operation.id.as_str()]);
        assert_eq!(operation.is_open, line.who == Anyone, "{id}");
        let is_refused = operation.statuses.contains(&403) && !CHECKS_THE_ORIGIN.contains(&id);
        assert_eq!(operation.is_open, !is_refused, "{id}");
        let needed = match line.who {
            Needs(word) => Some(word),
            Anyone | Callers | People => None,
        };
        assert_eq!(operation.permission.as_deref(), needed, "{id}");
        // The written roles are those that the permission gives.
        let permission = needed.map(|word| Permission::from_word(word).expect("the table names a permission"));
        let roles = LETTERS
            .iter()
            .filter(|(_, role)| permission.is_none_or(|permission| permission.roles().contains(role)));
        let roles: String = roles.map(|(letter, _)| *letter).collect();
        assert_eq!(line.roles, roles, "{id}");
    }
}
