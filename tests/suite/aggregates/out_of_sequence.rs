//! Redis and the database do not continue from the same state: one of them, or a process between them, has lost what it
//! knew. In each case a row and a deposit count once.

use std::sync::Arc;

use harness::TestBank;
use service::aggregates::{TransactionFiles, Verdict, decode_totals};
use service::db::{Fault, FaultKind};
use service::imports::{Checkpoint, FileKind, Import, RowCounts, Stored};
use service::values::WalletId;

use super::{
    Shown, answer, command, csv, expected, file, import, lines, on_every_store, restarted, settle, together, usd,
};

on_every_store!(
    everywhere: [a_block_of_a_finished_import_is_stale,
    payments_of_a_database_that_went_back_are_counted_anew,],
    with_redis: [a_late_importer_meets_an_epoch_that_does_not_know_its_import,
    a_block_that_was_another_when_it_was_applied_counts_as_it_is_now],
);

/// Stores the first block of an import, as a process does that read the file before it was applied.
async fn store(rows: &TransactionFiles, import: &Import, totals: &str) -> Result<Stored, Fault> {
    let totals = decode_totals(totals).expect("a test's totals are some");
    let unapplied = Import {
        bytes_applied: 0,
        blocks_applied: 0,
        ..import.clone()
    };
    let counts = RowCounts {
        read: totals.iter().map(|(_, sum)| sum.count).sum(),
        ..RowCounts::default()
    };
    rows.store(&Checkpoint::new(&unapplied, import.size, counts), &totals)
        .await
}

const BLOCK: &str = "2026-01-04 imported USD deposit cash 70000 2\n";

async fn a_block_of_a_finished_import_is_stale(bank: Arc<TestBank>) {
    let lines = lines(100, 30);
    let import = import(&bank, &file(&bank, "rows.csv", &csv(&lines))).await;
    let late = TransactionFiles::new(&restarted(&bank), usd());
    let stored = store(&late, &import, BLOCK).await;
    // With Redis the totals show the difference first, and a new epoch begins.
    match stored {
        Ok(stored) => assert_eq!(stored, Stored::Stale),
        Err(fault) => assert_eq!(fault.kind, FaultKind::Conflict),
    }
    let stored = store(&late, &import, BLOCK).await.expect("the stores answer");
    assert_eq!(stored, Stored::Stale);
    settle(&restarted(&bank)).await;
    assert_eq!(answer(&bank.services.aggregates).await, expected(&lines));
}

async fn a_late_importer_meets_an_epoch_that_does_not_know_its_import(bank: Arc<TestBank>) {
    let lines = lines(100, 30);
    let import = import(&bank, &file(&bank, "rows.csv", &csv(&lines))).await;
    command(&bank, &["FLUSHDB"]).await;
    let late = TransactionFiles::new(&restarted(&bank), usd());
    let stored = store(&late, &import, BLOCK).await.expect("the stores answer");
    assert_eq!(stored, Stored::Stale);
    settle(&restarted(&bank)).await;
    assert_eq!(answer(&restarted(&bank)).await, expected(&lines));
}

/// For example, a row had a time in the future when it was first read, and no longer when it is read again after a
/// crash.
async fn a_block_that_was_another_when_it_was_applied_counts_as_it_is_now(bank: Arc<TestBank>) {
    let lines = lines(1, 1);
    let import = import(&bank, &file(&bank, "rows.csv", &csv(&lines))).await;
    // As if the process had died after the write to Redis and before that to the database.
    bank.execute(
        "UPDATE imports SET status = 'RUNNING', finished_at = NULL, checkpoint = 0, block = 0, rows_read = 0, \
         rows_inserted = 0",
    )
    .await;
    bank.execute("DELETE FROM imported_totals").await;
    let rows = TransactionFiles::new(&restarted(&bank), usd());
    let fault = store(&rows, &import, BLOCK).await.expect_err("a new epoch begins");
    assert_eq!(fault.kind, FaultKind::Conflict);
    let stored = store(&rows, &import, BLOCK).await.expect("the stores answer");
    let Stored::Applied(rows) = stored else {
        panic!("it is stale")
    };
    assert_eq!((rows.inserted(), rows.duplicate()), (2, 0));
    let now = Shown::from([("2026-01-04 deposit cash".to_owned(), "70000/2".to_owned())]);
    assert_eq!(answer(&restarted(&bank)).await, now);
}

/// Removes the newest deposit from the books, as if a standby without it had been promoted.
async fn lose_a_deposit(bank: &TestBank, wallet: WalletId, balance: &str) {
    let (ana, visa) = (bank.literal(wallet.0), bank.literal(bank.system_wallet("visa").await.0));
    let newest = "(SELECT last_id FROM journal ORDER BY number DESC LIMIT 1)";
    bank.unlock_history().await;
    for sql in [
        format!("DELETE FROM entries WHERE transfer_id = {newest}"),
        format!("DELETE FROM transfers WHERE id = {newest}"),
        format!("UPDATE wallets SET balance = '{balance}', version = version - 1 WHERE id = {ana}"),
        format!("UPDATE wallets SET balance = '-{balance}', version = version - 1 WHERE id = {visa}"),
        "DELETE FROM journal WHERE number = (SELECT max(number) FROM journal)".to_owned(),
    ] {
        bank.execute(&sql).await;
    }
}

async fn payments_of_a_database_that_went_back_are_counted_anew(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let lines = lines(100, 30);
    import(&bank, &file(&bank, "rows.csv", &csv(&lines))).await;
    for amount in ["5", "7"] {
        bank.fund(ana.wallet, amount, "visa").await;
        settle(&bank.services.aggregates).await;
    }
    lose_a_deposit(&bank, ana.wallet, "5.0000").await;
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    let Verdict::Different(differences) = proof.aggregates.verdict else {
        panic!("{:?}", proof.aggregates)
    };
    assert!(differences[0].contains("which is not there"), "{differences:?}");
    settle(&restarted(&bank)).await;
    let own = |sum: &str| Shown::from([("2026-01-05 deposit visa".to_owned(), sum.to_owned())]);
    assert_eq!(
        answer(&restarted(&bank)).await,
        together(expected(&lines), own("50000/1"))
    );
    // Here another row already has the lost row's number when the relay looks for it.
    bank.fund(ana.wallet, "8", "visa").await;
    settle(&restarted(&bank)).await;
    lose_a_deposit(&bank, ana.wallet, "5.0000").await;
    bank.fund(ana.wallet, "9", "visa").await;
    settle(&restarted(&bank)).await;
    assert_eq!(
        answer(&restarted(&bank)).await,
        together(expected(&lines), own("140000/2"))
    );
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    assert_eq!(proof.aggregates.verdict, Verdict::Equal);
    assert!(
        proof.aggregates.notes[0].contains("made anew from the database, the last time of 2 on"),
        "{:?}",
        proof.aggregates.notes
    );
}
