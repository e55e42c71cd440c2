//! `florin verify` beside a pipeline that lags behind, or whose Redis is out of reach: it reports both, and neither as
//! wrong.

use harness::{Backend, Caller};
use serde_json::{Value, json};

use super::{Bank, CLOSED, on_both_stores, redis_url, until};
use crate::program::two_customers;

on_both_stores!(what_is_on_its_way_is_late_and_not_wrong);

const CLAIM: &str = "the daily aggregates have every deposit and withdrawal of the ledger once";

impl Bank {
    /// The findings of `verify --json` on the aggregates. Fails if anything is wrong.
    async fn proof(&self, redis: Option<&str>) -> Value {
        let ended = self.run_with(redis, &["verify", "--json"]).await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let report: Value = serde_json::from_str(&ended.stdout).expect("the report is JSON");
        assert_eq!(report["clean"], true, "{report}");
        let aggregates = &report["aggregates"];
        assert_eq!(
            (&aggregates["claim"], &aggregates["offenders"]),
            (&json!(CLAIM), &json!([]))
        );
        json!([aggregates["holds"], aggregates["lag"], aggregates["not_compared"]])
    }

    /// The text of `verify`. Fails if anything is wrong.
    async fn proof_in_words(&self, redis: Option<&str>) -> String {
        let ended = self.run_with(redis, &["verify"]).await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(ended.stdout.ends_with("the books balance\n"), "{ended:?}");
        assert!(!ended.stdout.contains("BROKEN"), "{ended:?}");
        assert!(
            !format!("{}{}", ended.stdout, ended.stderr).contains("hunter2"),
            "{ended:?}"
        );
        ended.stdout
    }

    /// A server that reaches no Redis accepts a deposit and a withdrawal, relays neither, and is killed.
    async fn leave_two_payments_behind(&self) {
        let server = self.serve_with(Some(CLOSED)).await;
        let (ana, _) = two_customers(&self.place, &server, "10").await;
        let path = format!("/v1/wallets/{}/withdrawals", ana.wallet());
        let withdrawal = json!({ "amount": "4", "method": "visa" });
        ana.caller.post(&path, withdrawal).await.expect(201);
        server.kill().await;
    }
}

/// The number of sums that `/stats` has in all days that it accepts.
async fn sums(caller: &Caller) -> usize {
    let stats = caller.get("/stats?from_date=2025-01-01&to_date=2034-12-31").await;
    let data = stats.expect(200);
    let days = data["data"].as_object().into_iter().flat_map(|days| days.values());
    let sides = days.flat_map(|day| [&day["deposits"], &day["withdrawals"]]);
    sides.filter_map(Value::as_object).map(serde_json::Map::len).sum()
}

async fn what_is_on_its_way_is_late_and_not_wrong(bank: Bank) {
    bank.leave_two_payments_behind().await;
    assert_eq!(bank.proof(bank.redis.as_deref()).await, json!([true, 2, null]));
    let words = bank.proof_in_words(bank.redis.as_deref()).await;
    assert!(
        words.contains(&format!("holds   {CLAIM}\n"))
            && words.contains("2 deposits and withdrawals are on their way to the aggregates\n"),
        "{words}"
    );
    // The next server relays them.
    let server = bank.serve().await;
    until(&2, || async { sums(&server.caller()).await }).await;
    assert_eq!(bank.proof(bank.redis.as_deref()).await, json!([true, 0, null]));
    server.kill().await;
    assert_eq!(bank.proof(bank.redis.as_deref()).await, json!([true, 0, null]));
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_was_never_reached_is_told_and_not_wrong() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bank = Bank::new(backend, false).await;
        assert_eq!(bank.run_with(None, &["migrate", "up"]).await.status, Some(0));
        let away = "Redis is out of reach";
        assert_eq!(bank.proof(Some(CLOSED)).await, json!([null, 0, away]));
        bank.leave_two_payments_behind().await;
        assert_eq!(bank.proof(Some(CLOSED)).await, json!([null, 2, away]));
        let words = bank.proof_in_words(Some(CLOSED)).await;
        assert!(
            words.contains(&format!("unknown {CLAIM}: {away}\n"))
                && words.contains("2 deposits and withdrawals are on their way"),
            "{words}"
        );
        bank.place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recent_days_that_are_in_a_redis_out_of_reach_are_not_compared() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bank = Bank::new(backend, true).await;
        let server = bank.serve().await;
        two_customers(&bank.place, &server, "10").await;
        until(&1, || async { sums(&server.caller()).await }).await;
        // Redis has the batch before the database records that. Until then a proof without Redis may count it as on its
        // way.
        let away = "Redis is out of reach";
        until(&json!([null, 0, away]), || bank.proof(Some(CLOSED))).await;
        server.kill().await;
        assert_eq!(bank.proof(bank.redis.as_deref()).await, json!([true, 0, null]));
        for (redis, why) in [
            (Some(CLOSED.to_owned()), away),
            (None, "hot days are in Redis, and this process has no address of it"),
            // A Redis without any data of this bank.
            (Some(redis_url().await), "the hot store is being rebuilt"),
        ] {
            assert_eq!(bank.proof(redis.as_deref()).await, json!([null, 0, why]), "{backend:?}");
            let words = bank.proof_in_words(redis.as_deref()).await;
            assert!(words.contains(&format!("unknown {CLAIM}: {why}\n")), "{words}");
        }
        // The proofs with the wrong addresses have changed nothing.
        assert_eq!(bank.proof(bank.redis.as_deref()).await, json!([true, 0, null]));
        bank.place.remove().await;
    }
}
