//! A ledger can be a part of a bank: it is in whichever schema its connections name, and depends on no other domain.
//! The ledger's own scenarios run in two schemas at once: see `in_two_slices!` in `transfers`, `payments`, `wallets`,
//! `refusals` and `contention`.

use std::collections::BTreeSet;
use std::sync::Arc;

use harness::database::TestDatabase;
use harness::slices::{Slices, url_in};
use harness::{Backend, TestBank, on_every_backend};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use service::db::{ConnectSettings, Db};
use service::ledger::verify;

mod domains;
pub mod source;

on_every_backend!(
    only_wallets_refer_to_another_domains_table,
    views_name_only_tables_of_the_ledger,
);

/// The ledger's tables.
pub const LEDGER: [&str; 9] = [
    "wallets",
    "transfers",
    "entries",
    "journal",
    "ledger",
    "changes",
    "bank_clock",
    "holds",
    "batches",
];

/// Tables of no domain: every domain writes its lines of the audit log beside its own rows, so each part of a bank has an
/// audit log of its own.
pub const SHARED: [&str; 2] = ["audit_lines", "audit_details"];

async fn texts(bank: &TestBank, sql: &str) -> Vec<Vec<String>> {
    let query = Statement::from_string(bank.db.backend(), sql);
    let rows = bank.db.read.query_all_raw(query).await.expect("the query runs");
    let text = |row: &sea_orm::QueryResult| {
        let columns = row.column_names();
        columns
            .iter()
            .map(|column| row.try_get("", column).expect("a column is text"))
            .collect()
    };
    rows.iter().map(text).collect()
}

/// The tables of a schema.
async fn tables(bank: &TestBank) -> Vec<String> {
    let sql = match bank.backend {
        Backend::Postgres => "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema()",
        Backend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    };
    texts(bank, sql).await.concat()
}

async fn only_wallets_refer_to_another_domains_table(bank: Arc<TestBank>) {
    let sql = match bank.backend {
        Backend::Postgres => {
            "SELECT conrelid::regclass::text AS one, confrelid::regclass::text AS other FROM pg_constraint \
             WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
        }
        Backend::Sqlite => {
            "SELECT m.name AS one, f.\"table\" AS other FROM sqlite_master m, pragma_foreign_key_list(m.name) f \
             WHERE m.type = 'table'"
        }
    };
    let is_of_ledger = |table: &String| LEDGER.contains(&table.as_str());
    let mut crossing = texts(&bank, sql).await;
    crossing.retain(|sides| sides.iter().filter(|table| is_of_ledger(table)).count() == 1);
    assert_eq!(crossing, [["wallets", "users"]]);
}

async fn views_name_only_tables_of_the_ledger(bank: Arc<TestBank>) {
    let sql = match bank.backend {
        Backend::Postgres => {
            "SELECT DISTINCT view.relname::text AS view, used.relname::text AS used \
             FROM pg_rewrite JOIN pg_class AS view ON view.oid = ev_class AND view.relkind = 'v' \
             JOIN pg_depend ON classid = 'pg_rewrite'::regclass AND objid = pg_rewrite.oid \
             JOIN pg_class AS used ON refclassid = 'pg_class'::regclass AND used.oid = refobjid AND used.oid <> view.oid \
             WHERE view.relnamespace = current_schema()::regnamespace"
        }
        Backend::Sqlite => "SELECT name AS view, sql AS used FROM sqlite_master WHERE type = 'view'",
    };
    let (mut views, all) = (BTreeSet::new(), tables(&bank).await);
    for row in texts(&bank, sql).await {
        let words = source::words(&row[1]);
        let named: Vec<&String> = all.iter().filter(|table| words.contains(table.as_str())).collect();
        assert!(!named.is_empty(), "{row:?}");
        assert!(
            named.iter().all(|table| LEDGER.contains(&table.as_str())),
            "{} names {named:?}",
            row[0]
        );
        views.insert(row[0].clone());
    }
    let known: BTreeSet<String> = service::shell::VIEWS.iter().map(|view| view.name.to_owned()).collect();
    assert_eq!(views, known);
}

/// A view has the tables of the schema that it was made in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_slice_has_views_of_its_own() {
    let slices = Slices::open().await;
    let [a, b] = &slices.banks;
    a.customer_with("ana", "10").await;
    for (bank, postings, accounts) in [(a, 2, 2), (b, 0, 0)] {
        for (view, count) in [("v_postings", postings), ("v_accounts", accounts)] {
            let sql = format!("SELECT count(*) AS n FROM {view}");
            assert_eq!(bank.number(&sql).await, count, "{view}");
        }
    }
    // With another search path it has the same tables.
    let elsewhere = "SELECT count(*) AS n FROM slice_a.v_postings";
    assert_eq!(b.number(elsewhere).await, 2);
    slices.close().await;
}

/// PostgreSQL resolves the tables that a function names by the caller's search_path. Only the committer calls
/// `florin_take_turn`, and its path contains both tables.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_turn_s_function_names_tables() {
    let bank = TestBank::open(Backend::Postgres).await;
    let functions = texts(
        &bank,
        "SELECT proname::text AS name, prosrc::text AS body FROM pg_proc \
         WHERE pronamespace = current_schema()::regnamespace AND proname <> 'florin_take_turn'",
    )
    .await;
    assert!(functions.len() >= 2, "functions are missing: {functions:?}");
    let tables = tables(&bank).await;
    for function in functions {
        let words = source::words(&function[1]);
        let named: Vec<&String> = tables.iter().filter(|table| words.contains(table.as_str())).collect();
        assert_eq!(named, Vec::<&String>::new(), "{function:?}");
    }
    bank.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgery_in_one_slice_is_found_there_and_not_in_the_other() {
    let slices = Slices::open().await;
    let [a, b] = &slices.banks;
    for bank in [a, b] {
        bank.customer_with("ana", "10").await;
    }
    b.unlock_history().await;
    b.execute("UPDATE transfers SET amount = '11.0000'").await;
    assert!(verify(&a.db).await.expect("the books can be read").is_clean());
    assert!(!verify(&b.db).await.expect("the books can be read").is_clean());
    slices.close().await;
}

/// Each ledger has its own id and salt, and one row per commit, whatever happens in the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_slices_are_two_ledgers() {
    let slices = Slices::open().await;
    let [a, b] = &slices.banks;
    let sql = "SELECT id::text AS id, encode(salt, 'hex') AS salt FROM ledger";
    let (one, other) = (texts(a, sql).await, texts(b, sql).await);
    assert!(
        one[0][0] != other[0][0] && one[0][1] != other[0][1],
        "{one:?} {other:?}"
    );
    let newest = "SELECT max(number) AS n FROM journal";
    let before = b.number(newest).await;
    a.customer_with("ana", "10").await;
    assert!(a.number(newest).await > 0);
    assert_eq!(b.number(newest).await, before);
    slices.close().await;
}

/// The bank uses the first schema of the path, whatever the others contain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_in_another_schema_of_the_path_is_left_alone() {
    let bank = TestBank::open(Backend::Postgres).await;
    bank.customer_with("ana", "10").await;
    bank.execute("CREATE SCHEMA slice_a").await;
    let url = url_in(&bank.database.url, "slice_a,public");
    let db = Db::connect(&url).await.expect("the schema can be worked in");
    let applied = migration::up(&db.write).await.expect("it can be migrated");
    assert!(
        applied.len() >= 9,
        "the steps of the other schema count for nothing: {applied:?}"
    );
    let empty = verify(&db).await.expect("the books can be read");
    assert_eq!((empty.is_clean(), empty.wallets), (true, 0));
    db.close().await;
    bank.assert_books_balance().await;
    assert_eq!(bank.row_counts().await, (1, 2));
    bank.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_are_generic_unless_that_is_switched_off() {
    let database = TestDatabase::new(Backend::Postgres).await;
    let modes = async |generic_plans| {
        let settings = ConnectSettings { generic_plans };
        let db = Db::connect_with(&database.url, settings)
            .await
            .expect("it can be opened");
        let mut modes = Vec::new();
        for pool in [&db.commit, &db.write] {
            let sql = "SELECT current_setting('plan_cache_mode') AS value";
            let row = pool
                .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
                .await;
            let row = row.expect("the query runs").expect("a setting has a value");
            modes.push(row.try_get::<String>("", "value").expect("it is text"));
        }
        db.close().await;
        modes
    };
    assert_eq!(modes(true).await, ["force_generic_plan", "force_generic_plan"]);
    assert_eq!(modes(false).await, ["auto", "auto"]);
    database.drop().await;
}

/// The bank works without generic plans, and locks wallets in the same order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_moves_without_generic_plans() {
    let database = TestDatabase::new(Backend::Postgres).await;
    let clock = Arc::new(harness::ManualClock::new());
    let set = |config: &mut service::config::Config| config.generic_plans = false;
    let bank = TestBank::open_with(Backend::Postgres, database, clock, set).await;
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    // PostgreSQL considers a generic plan from the sixth execution on.
    for _ in 0..10 {
        let body = crate::requests::transfer(ana.wallet, ben.wallet, "1");
        ana.caller.post("/v1/transfers", body).await.expect(201);
    }
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["90.0000", "10.0000"]);
    bank.assert_books_balance().await;
    bank.close().await;
}
