//! No statement names a table of the ledger together with one of another domain.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use harness::database::TestDatabase;
use harness::servers::{Durability, PostgresServer};
use harness::{Backend, ManualClock, TestBank};
use serde_json::json;

use super::source::{entities, files, statements, words};
use super::{LEDGER, SHARED, tables, texts};
use crate::requests::{act, payment, transfer, wallet_path};

/// The folders of `service` that make up the ledger. There even a part of a statement must not name another domain's
/// table, since together with the next part it becomes one statement.
const FOLDERS: [&str; 4] = ["ledger", "journal", "transfers", "wallets"];

/// Every table.
struct Tables(Vec<String>);

impl Tables {
    async fn read() -> Self {
        let bank = TestBank::open(Backend::Postgres).await;
        let all = Self::of(&bank).await;
        bank.close().await;
        all
    }

    async fn of(bank: &TestBank) -> Self {
        let all = tables(bank).await;
        assert!(all.len() > 12, "tables are missing: {all:?}");
        Self(all)
    }

    /// The tables that a text names: the ledger's, and those of other domains.
    fn named_in(&self, text: &str) -> (Vec<&str>, Vec<&str>) {
        let words = words(text);
        let named = self.0.iter().map(String::as_str);
        let named = named.filter(|table| words.contains(table) && !SHARED.contains(table));
        named.partition(|table| LEDGER.contains(table))
    }
}

fn is_of_ledger(file: &Path, service: &Path) -> bool {
    let module = file
        .strip_prefix(service)
        .expect("a file lies in its folder")
        .iter()
        .next();
    FOLDERS
        .iter()
        .any(|folder| module.is_some_and(|module| module == *folder))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_joins_the_ledger_with_another_domain() {
    let tables = Tables::read().await;
    let service = Path::new(env!("CARGO_MANIFEST_DIR")).join("../service/src");
    let mut seen = (0, 0);
    for (file, text) in files(&service) {
        for statement in statements(&text) {
            let (ledger, others) = tables.named_in(&statement);
            seen.0 += usize::from(!ledger.is_empty());
            seen.1 += usize::from(!others.is_empty());
            let is_mixed = !others.is_empty() && (!ledger.is_empty() || is_of_ledger(&file, &service));
            assert!(
                !is_mixed,
                "{} names {others:?} beside {ledger:?}: {statement}",
                file.display()
            );
        }
    }
    assert!(
        seen.0 > 20 && seen.1 > 20,
        "the statements are not read right: {seen:?}"
    );
}

/// Statements without text are built from entities.
#[test]
fn no_file_uses_entities_of_the_ledger_and_of_another_domain() {
    let service = Path::new(env!("CARGO_MANIFEST_DIR")).join("../service/src");
    let mut seen = BTreeSet::new();
    for (file, text) in files(&service) {
        let mut used = entities(&text);
        used.retain(|entity| !SHARED.contains(&entity.as_str()));
        let (ledger, others): (Vec<&String>, Vec<&String>) =
            used.iter().partition(|entity| LEDGER.contains(&entity.as_str()));
        let is_mixed = !others.is_empty() && (!ledger.is_empty() || is_of_ledger(&file, &service));
        assert!(!is_mixed, "{} uses {others:?} beside {ledger:?}", file.display());
        seen.extend(used);
    }
    let known: BTreeSet<String> = ["transfers", "wallets", "users", "imports"].map(str::to_owned).into();
    assert!(seen.is_superset(&known), "the entities are not read right: {seen:?}");
}

/// Statements that are composed of parts or by the library are checked as PostgreSQL received them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_that_was_sent_joins_the_ledger_with_another_domain() {
    let settings = [
        ("shared_preload_libraries", "pg_stat_statements"),
        ("pg_stat_statements.track_utility", "off"),
    ];
    let server = PostgresServer::start(Durability::Fast, &settings)
        .await
        .expect("a server starts");
    let database = TestDatabase::on(&server, "read").await;
    let bank = TestBank::open_on(Backend::Postgres, database, Arc::new(ManualClock::new()), 8192).await;
    bank.execute("CREATE EXTENSION pg_stat_statements").await;
    use_the_ledger(&bank).await;
    let sql = "SELECT query FROM pg_stat_statements \
               WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let sent = texts(&bank, sql).await.concat();
    let tables = Tables::of(&bank).await;
    let mut of_ledger = 0;
    for statement in &sent {
        let (ledger, others) = tables.named_in(statement);
        of_ledger += usize::from(!ledger.is_empty());
        assert!(
            ledger.is_empty() || others.is_empty(),
            "{ledger:?} beside {others:?}: {statement}"
        );
    }
    assert!(
        of_ledger > 25,
        "of {} statements {of_ledger} are the ledger's",
        sent.len()
    );
    bank.close().await;
}

/// The requests of customers and operators to the ledger, and the reports that depend on it.
async fn use_the_ledger(bank: &TestBank) {
    let ana = bank.customer_with("ana", "10").await;
    let ben = bank.customer("ben").await;
    let operator = bank.operator().await;
    for (amount, status) in [("1", 201), ("100", 422)] {
        let body = transfer(ana.wallet, ben.wallet, amount);
        ana.caller.post("/v1/transfers", body).await.expect(status);
    }
    let path = wallet_path(ana.wallet, "/withdrawals");
    operator.post(&path, payment("1", "wire")).await.expect(201);
    for verb in ["/freeze", "/unfreeze"] {
        act(&operator, &wallet_path(ben.wallet, verb)).await.expect(200);
    }
    ana.caller
        .post("/v1/wallets", json!({ "currency": "EUR" }))
        .await
        .expect(201);
    let entries = wallet_path(ana.wallet, "/entries");
    for caller in [&ana.caller, &operator] {
        for path in [
            "/v1/wallets",
            "/v1/transfers",
            "/v1/transfers?kind=DEPOSIT",
            "/v1/transfers?status=FAILED",
            &entries,
        ] {
            caller.get(path).await.expect(200);
        }
    }
    let replica = bank.replica().await;
    replica.ops.verify().await.expect("the books can be read");
    replica.ops.prove_ready().await.expect("the bank is well");
}
