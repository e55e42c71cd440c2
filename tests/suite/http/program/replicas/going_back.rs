//! When a database comes back without its newest commits, the log and the metrics report the lost row numbers.

use std::time::Duration;

use harness::program::Serving;
use harness::servers::{Durability, PostgresServer, REPLICATED};

use crate::program::imports::number;
use crate::program::{Place, User, try_post, two_customers, verifies};

const HEAD: &str = "SELECT max(number) AS n FROM journal";

/// Pays under these keys, each until it is made; tells whether the last one was a replay.
async fn pay(ana: &User, ben: &User, keys: &[&str]) -> String {
    let mut replayed = String::new();
    for key in keys {
        replayed = loop {
            let answer = try_post(&ana.caller, "/v1/transfers", key, &ana.one_to(ben)).await;
            let answer = answer.expect("the process lives");
            if answer.status == 201 {
                break answer.header("idempotent-replayed").to_owned();
            }
            assert_eq!(answer.status, 503, "{}", answer.text);
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
    }
    replayed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_went_back_is_told_with_the_numbers_that_were_lost() {
    let started = PostgresServer::start(Durability::Fast, REPLICATED).await;
    let mut server = started.unwrap_or_else(|error| panic!("{error:#}"));
    server.create_database("bank").await.expect("a database can be made");
    let place = Place {
        folder: tempfile::tempdir().expect("a temporary folder can be made"),
        url: server.url("bank"),
        database: Some("bank".to_owned()),
    };
    let mut bank: Serving = place.serve().await;
    let (ana, ben) = two_customers(&place, &bank, "10").await;
    pay(&ana, &ben, &["kept"]).await;
    let copy = server.copy_data().await.expect("a running server can be copied");
    let kept = number(&place, HEAD).await;
    pay(&ana, &ben, &["lost-1", "lost-2", "lost-3"]).await;
    let lost = number(&place, HEAD).await;
    assert_eq!(lost, kept + 3);
    server.kill().expect("a server can be killed");
    server.put_back(copy).expect("a copy can be put back");
    server.start_again().await.expect("the server starts on the copy");
    assert_eq!(pay(&ana, &ben, &["lost-2"]).await, "", "it is made again");
    let log = bank.stderr_with("the database went back").await;
    for words in [format!("\"journal_has\":{kept}"), format!("\"lost_through\":{lost}")] {
        assert!(log.contains(&words), "{words}: {log}");
    }
    let metrics = bank.caller().get("/metrics").await.text;
    assert!(
        metrics.contains("florin_ledger_database_went_back_total 1\n"),
        "{metrics}"
    );
    assert_eq!(pay(&ana, &ben, &["kept"]).await, "true");
    // Reads directly, since the bank's pool may still hold a connection to the killed server.
    let balance = format!(
        "SELECT CAST(balance AS bigint) AS n FROM wallets WHERE id = '{}'",
        ana.wallet()
    );
    assert_eq!(number(&place, &balance).await, 8);
    verifies(&place).await;
    bank.kill().await;
}
