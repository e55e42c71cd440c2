//! Two releases run at once: the migration of the newer one adds columns to every table, and the older one keeps
//! working.

use harness::{Backend, Customer, TestBank, run};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use service::values::WalletId;
use uuid::Uuid;

use crate::idempotency::{ana_and_ben, assert_replayed};
use crate::requests::{new_transfer, submit, transfer, wallet_path};

/// Enough that each of the older release's connections has prepared every statement.
const ROUNDS: usize = 5;
/// Each round opens a wallet in one of these.
const CURRENCIES: [&str; 2 * ROUNDS] = ["EUR", "GBP", "JPY", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF"];

async fn add_columns(bank: &TestBank) {
    let sql = "SELECT tablename::text AS name FROM pg_tables \
               WHERE schemaname = current_schema() AND tablename <> 'seaql_migrations'";
    let query = Statement::from_string(bank.db.backend(), sql);
    let rows = bank.db.read.query_all_raw(query).await.expect("the query runs");
    assert!(rows.len() > 12, "tables are missing: {}", rows.len());
    for row in rows {
        let table: String = row.try_get("", "name").expect("a table has a name");
        bank.execute(&format!("ALTER TABLE {table} ADD COLUMN of_a_newer_release integer"))
            .await;
    }
}

/// A transfer without the turn, then what takes the turn, then the services' reads.
async fn use_the_bank(bank: &TestBank, (ana, ben): (&Customer, &Customer), round: usize) {
    let pay = async |destination, key: &str| {
        let body = transfer(ana.wallet, destination, "1");
        ana.caller
            .post_once("/v1/transfers", &format!("{key}-{round}"), body)
            .await
    };
    // The bank looks a missing wallet up in the database, and also the key of a refused transfer.
    let missing_wallet = WalletId(Uuid::from_u128(1));
    pay(missing_wallet, "refused")
        .await
        .expect_problem(404, "wallet_not_found");
    let first = pay(ben.wallet, "paid").await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_replayed(&first, &pay(ben.wallet, "paid").await);
    pay(ben.wallet, "paid-anew").await.expect(201);
    let wallet = json!({ "currency": CURRENCIES[round] });
    ana.caller.post("/v1/wallets", wallet.clone()).await.expect(201);
    let again = ana.caller.post("/v1/wallets", wallet).await;
    again.expect_problem(409, "wallet_exists");
    let operator = bank.operator().await;
    let entries = wallet_path(ana.wallet, "/entries");
    for path in [
        "/v1/wallets",
        "/v1/transfers",
        &entries,
        "/readyz",
        "/stats?from_date=2026-01-01&to_date=2026-01-01",
    ] {
        operator.get(path).await.expect(200);
    }
    let unknown = operator.get("/v1/merchants/M1/summary").await;
    unknown.expect_problem(404, "merchant_not_found");
    let report = bank.services.ops.verify().await.expect("the books can be read");
    assert!(report.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_of_a_newer_release_stop_no_older_one() {
    run(Backend::Postgres, |bank| async move {
        let (ana, ben) = ana_and_ben(&bank).await;
        bank.fund(ana.wallet, "100", "visa").await;
        for round in 0..ROUNDS {
            use_the_bank(&bank, (&ana, &ben), round).await;
        }
        add_columns(&bank).await;
        for round in ROUNDS..2 * ROUNDS {
            use_the_bank(&bank, (&ana, &ben), round).await;
        }
        // The first batch of a process takes the turn. The other process then finds the head moved, and takes the turn,
        // too.
        for services in [bank.replica().await, bank.services.clone()] {
            let paid = submit(&services, &ana.actor, new_transfer(ana.wallet, ben.wallet, "1")).await;
            paid.expect("ana can pay");
        }
        assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["88.0000", "22.0000"]);
    })
    .await;
}
