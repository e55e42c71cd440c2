//! The proof finds wrong aggregates, and reports those that only lag behind as late.

use std::sync::Arc;

use harness::TestBank;
use secrecy::SecretString;
use service::aggregates::{Aggregates, Verdict};
use service::ops::verify;
use service::redis::Redis;

use super::{command, csv, deposit, file, import, key, lines, on_every_store, restarted, settle};

on_every_store!(
    everywhere: [a_tampered_total_is_found, imported_rows_prove_nothing_and_break_nothing],
    with_redis: [what_is_between_the_journal_and_redis_is_late,
    a_tampered_total_in_redis_is_found,
    a_database_that_lost_what_was_archived_last_is_named,
    the_proof_holds_while_everything_moves,],
);

async fn verdict(bank: &TestBank) -> Verdict {
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    assert_eq!(proof.is_clean(), proof.aggregates.is_clean());
    proof.aggregates.verdict
}

async fn a_tampered_total_is_found(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    settle(&bank.services.aggregates).await;
    bank.advance(chrono::TimeDelta::days(20)).await;
    bank.fund(ana.wallet, "3", "wire").await;
    settle(&bank.services.aggregates).await;
    assert_eq!(verdict(&bank).await, Verdict::Equal);
    for (column, found) in [
        (
            "units_low",
            "USD 2026-01-05 deposit by visa is off by 1 ten-thousandths and 0 in number",
        ),
        (
            "units_high",
            "USD 2026-01-05 deposit by visa is off by 1000000000 ten-thousandths and 0 in number",
        ),
        (
            "count",
            "USD 2026-01-05 deposit by visa is off by 0 ten-thousandths and 1 in number",
        ),
    ] {
        bank.execute(&format!("UPDATE cold_totals SET {column} = {column} + 1"))
            .await;
        assert_eq!(verdict(&bank).await, Verdict::Different(vec![found.to_owned()]));
        bank.execute(&format!("UPDATE cold_totals SET {column} = {column} - 1"))
            .await;
    }
    bank.execute("UPDATE cold_totals SET source = 2").await;
    let missing = "USD 2026-01-05 deposit by visa is off by -100000 ten-thousandths and -1 in number";
    assert_eq!(verdict(&bank).await, Verdict::Different(vec![missing.to_owned()]));
    bank.execute("UPDATE cold_totals SET source = 1").await;
}

async fn imported_rows_prove_nothing_and_break_nothing(bank: Arc<TestBank>) {
    bank.customer_with("ana", "10").await;
    import(&bank, &file(&bank, "other.csv", &csv(&lines(100, 12)))).await;
    settle(&bank.services.aggregates).await;
    assert_eq!(verdict(&bank).await, Verdict::Equal);
}

async fn what_is_between_the_journal_and_redis_is_late(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    settle(&bank.services.aggregates).await;
    bank.fund(ana.wallet, "3", "wire").await;
    bank.fund(ana.wallet, "4", "wire").await;
    bank.fund(ana.wallet, "5", "wire").await;
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    assert_eq!((proof.aggregates.verdict, proof.aggregates.lag), (Verdict::Equal, 3));
    // No server listens on this port.
    let away = SecretString::from("redis://127.0.0.1:1/0");
    let away = Redis::try_new(&away).expect("this is an address");
    let aggregates = Aggregates::new(bank.db.clone(), bank.clock.clone(), Some(away));
    let proof = verify(&bank.db, &aggregates).await.expect("the books can be read");
    let not_compared = Verdict::NotCompared("Redis is out of reach".to_owned());
    assert_eq!((proof.aggregates.verdict, proof.aggregates.lag), (not_compared, 3));
}

async fn a_tampered_total_in_redis_is_found(bank: Arc<TestBank>) {
    bank.customer_with("ana", "10").await;
    settle(&bank.services.aggregates).await;
    let generation = command(&bank, &["HGET", &key(&bank, "open").await, "2026-01-05"]).await;
    let generation = generation.lines().nth(1).expect("the day is open").to_owned();
    let day = key(&bank, &format!("day:2026-01-05/{generation}")).await;
    command(&bank, &["HINCRBY", &day, "bank:USD:deposit:visa:low", "-3"]).await;
    let found = "USD 2026-01-05 deposit by visa is off by -3 ten-thousandths and 0 in number";
    assert_eq!(verdict(&bank).await, Verdict::Different(vec![found.to_owned()]));
    command(&bank, &["HINCRBY", &day, "bank:USD:deposit:visa:low", "3"]).await;
}

async fn a_database_that_lost_what_was_archived_last_is_named(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    bank.fund(ana.wallet, "5", "wire").await;
    settle(&bank.services.aggregates).await;
    bank.advance(chrono::TimeDelta::days(20)).await;
    bank.fund(ana.wallet, "3", "wire").await;
    settle(&bank.services.aggregates).await;
    bank.execute("DELETE FROM cold_totals").await;
    bank.execute("DELETE FROM archived_generations").await;
    let Verdict::Different(named) = verdict(&bank).await else {
        panic!("two sums are missing");
    };
    let [why] = named.as_slice() else { panic!("{named:#?}") };
    assert!(why.contains("went back") && why.contains("makes them anew"), "{why}");
    settle(&restarted(&bank)).await;
    assert_eq!(verdict(&bank).await, Verdict::Equal);
}

async fn the_proof_holds_while_everything_moves(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    let mover = bank.clone();
    let moving = tokio::spawn(async move {
        let aggregates = restarted(&mover);
        let operator = mover.operator_actor().await;
        for _ in 0..40 {
            deposit(&mover, &operator, ana.wallet, "1", "visa").await;
            mover.advance(chrono::TimeDelta::days(3)).await;
            aggregates.relay().run_once().await.expect("the relay works");
            aggregates.archiver().step().await.expect("the archiver works");
        }
    });
    let mut proofs = 0;
    while !moving.is_finished() {
        match verdict(&bank).await {
            Verdict::Equal => proofs += 1,
            // The archiver has run between five snapshots in a row.
            Verdict::NotCompared(_) => {}
            Verdict::Different(differences) => panic!("{differences:#?}"),
        }
    }
    moving.await.expect("moving works");
    assert!(proofs > 0);
}
