//! Redis dies, is out of reach or is not configured: totals are kept, the bank goes on, and stopped work resumes.

use std::fs;

use harness::servers::{Persistence, RedisServer};
use harness::{Backend, Caller};
use serde_json::json;

use super::serving::{pay, rows_beyond};
use super::{Bank, CLOSED, MANY, answers, today, until};
use crate::imports::{finished, upload_to};
use crate::program::imports::summary;
use crate::program::{customer, operator};
use crate::sums::{Month, Sums};
use crate::transactions::{PATH, id_of};

const BACKENDS: [Backend; 2] = [Backend::Sqlite, Backend::Postgres];

/// Deposits one and adds it to the expected sums.
async fn deposit(op: &Caller, wallet: &str, expected: &mut Sums) {
    let day = pay(op, &format!("/v1/wallets/{wallet}/deposits"), "1", "visa").await;
    *expected.entry(format!("{day} deposits visa")).or_default() += 10_000;
}

async fn has_no_totals(caller: &Caller) {
    let stats = caller.get("/stats?from_date=2026-01-01&to_date=2026-01-01").await;
    stats.expect_problem(503, "unavailable");
    assert_eq!(stats.header("retry-after"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_dies_in_the_middle_of_an_import_costs_no_row() {
    for backend in BACKENDS {
        let mut redis = RedisServer::start(Persistence::None).await.expect("Redis starts");
        let mut bank = Bank::new(backend, false).await;
        bank.redis = Some(redis.url());
        let server = bank.serve().await;
        let op = operator(&bank.place, &server).await;
        let ana = customer(&server, "ana").await;
        let month = Month::new(6, MANY, today());
        let taken = upload_to(&op, PATH, "month.csv", month.text.as_bytes())
            .await
            .expect(202);
        let (mut expected, mut rows) = (month.sums.clone(), 0);
        for _ in 0..2 {
            rows = rows_beyond(&op, id_of(&taken), rows).await;
            redis.kill().expect("Redis can be killed");
            deposit(&op, ana.wallet(), &mut expected).await;
            has_no_totals(&op).await;
            redis.start_again().await.expect("Redis starts again");
        }
        let import = finished(&op, id_of(&taken)).await;
        assert_eq!(
            json!([import["status"], import["rows_inserted"]]),
            json!(["COMPLETED", MANY])
        );
        until(&true, || answers(&op)).await;
        until(&expected, || month.answered(&op)).await;
        server.kill().await;
        let proof = bank.run(&["verify"]).await;
        let sentence = "the totals were made anew from the database";
        assert!(proof.status == Some(0) && proof.stdout.contains(sentence), "{proof:?}");
        bank.place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_reaches_no_redis_says_so_and_goes_on_when_it_does() {
    for backend in BACKENDS {
        let bank = Bank::new(backend, true).await;
        let month = Month::new(7, 10_000, today());
        let path = bank.place.folder.path().join("month.csv");
        fs::write(path, &month.text).expect("a file can be written");
        let import = ["import", "transactions", "month.csv", "--json"];
        for _ in 0..2 {
            let ended = bank.run_with(Some(CLOSED), &import).await;
            assert_eq!(ended.status, Some(3), "{ended:?}");
            for words in [
                "florin: month.csv is not imported to its end; the same command goes on from there",
                "because Redis is out of reach",
            ] {
                assert!(ended.stderr.contains(words), "{words:?}: {ended:?}");
            }
            assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
        }
        let total = &summary(&bank.run(&import).await, 0)["total"];
        assert_eq!(
            json!([total["rows_inserted"], total["rows_duplicate"]]),
            json!([10_000, 0])
        );
        let server = bank.serve().await;
        assert_eq!(month.answered(&server.caller()).await, month.sums);
        server.kill().await;
        bank.place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_the_address_of_redis_loses_no_payment() {
    for backend in BACKENDS {
        let bank = Bank::new(backend, true).await;
        let server = bank.serve().await;
        let op = operator(&bank.place, &server).await;
        let token = op.token.clone().expect("an operator has a token");
        let ana = customer(&server, "ana").await;
        let (days, mut expected) = (Month::new(8, 0, today()), Sums::new());
        deposit(&op, ana.wallet(), &mut expected).await;
        until(&expected, || days.answered(&op)).await;
        server.kill().await;

        // The server refuses to answer totals and says why; new payments wait in the journal.
        let server = bank.serve_with(None).await;
        let op = server.caller().with_token(&token);
        has_no_totals(&op).await;
        deposit(&op, ana.wallet(), &mut expected).await;
        // It refuses a file, since a part of the file may already be in Redis.
        let path = bank.place.folder.path().join("month.csv");
        fs::write(path, Month::new(8, 100, today()).text).expect("a file can be written");
        let refused = bank.run_with(None, &["import", "transactions", "month.csv"]).await;
        assert_eq!(refused.status, Some(3), "{refused:?}");
        assert!(refused.stderr.contains("has no address of it"), "{refused:?}");
        server.kill().await;
        let server = bank.serve().await;
        let op = server.caller().with_token(&token);
        deposit(&op, ana.wallet(), &mut expected).await;
        until(&expected, || days.answered(&op)).await;
        let proof = bank.run(&["verify"]).await;
        assert!(
            proof.status == Some(0) && !proof.stdout.contains("unknown"),
            "{proof:?}"
        );
        server.kill().await;
        bank.place.remove().await;
    }
}
