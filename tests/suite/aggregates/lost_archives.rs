//! The database has lost an archiver's step. This is detected, whatever else has been removed since.

use super::archive::{rows, steps};
use super::{Line, answer, command, csv, expected, file, import, key, lines, on_every_store, restarted, settle};
use harness::TestBank;
use sea_orm::{ConnectionTrait, TransactionTrait};
use service::aggregates::AggregatesError;
use std::sync::Arc;

on_every_store!(
    everywhere: [],
    with_redis: [a_lost_archiving_is_noticed_though_older_ones_are_removed_with_it,
    a_lost_archiving_is_noticed_though_older_ones_are_removed_after_it,
    a_lost_archiving_is_noticed_by_an_archiver_that_sealed_before_it,
    an_archiver_that_paused_for_days_keeps_the_name_that_redis_has,
    a_name_that_was_replaced_a_moment_ago_begins_no_epoch,],
);

/// Rows of so many days, all older than those of `lines`, which every archiver therefore reads first.
fn older_lines(days: u64) -> Vec<Line> {
    let first = chrono::NaiveDate::from_ymd_opt(2025, 6, 1).expect("this is a day");
    (0..days)
        .map(|index| Line {
            time: format!("{}T10:00:58", first + chrono::Days::new(index)),
            kind: "deposit",
            method: "visa",
            units: 70_000,
        })
        .collect()
}

/// The state of a standby that does not receive what the archivers write from now on.
struct Standby {
    version: i64,
    purged_version: i64,
}

impl Standby {
    async fn copy(bank: &TestBank) -> Self {
        for table in ["cold_totals", "archived_generations"] {
            bank.execute(&format!("CREATE TABLE copy_of_{table} AS SELECT * FROM {table}"))
                .await;
        }
        let state = async |column: &str| {
            bank.number(&format!("SELECT {column} AS n FROM aggregates_state"))
                .await
        };
        Self {
            version: state("version").await,
            purged_version: state("purged_version").await,
        }
    }

    async fn promote(self, bank: &TestBank) {
        for table in ["cold_totals", "archived_generations"] {
            bank.execute(&format!("DELETE FROM {table}")).await;
            let columns = match table {
                "cold_totals" => "day, source, currency, kind, method, units_high, units_low, count",
                _ => "generation, archived_at",
            };
            bank.execute(&format!(
                "INSERT INTO {table} ({columns}) SELECT {columns} FROM copy_of_{table}"
            ))
            .await;
            bank.execute(&format!("DROP TABLE copy_of_{table}")).await;
        }
        let Self {
            version,
            purged_version,
        } = self;
        bank.execute(&format!(
            "UPDATE aggregates_state SET version = {version}, purged_version = {purged_version}"
        ))
        .await;
    }
}

/// An archiver died between writing and removing. What it has written is last in the list of the next archiver.
async fn a_lost_archiving_is_noticed_though_older_ones_are_removed_with_it(bank: Arc<TestBank>) {
    let mut all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    steps(&restarted(&bank), 2).await;
    let late = older_lines(1);
    import(&bank, &file(&bank, "late.csv", &csv(&late))).await;
    all.extend(late);
    let standby = Standby::copy(&bank).await;
    steps(&restarted(&bank), 3).await;
    standby.promote(&bank).await;
    assert_eq!(answer(&restarted(&bank)).await, expected(&all));
}

/// More days are closed than an archiver reads at once, so the second archiver reads none that the first has written.
async fn a_lost_archiving_is_noticed_though_older_ones_are_removed_after_it(bank: Arc<TestBank>) {
    let mut all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    let slow = restarted(&bank);
    let sealed = slow.archiver().seal().await.expect("days can be closed");
    slow.archiver()
        .write_sealed(&sealed)
        .await
        .expect("days can be written");
    let late = older_lines(64);
    import(&bank, &file(&bank, "late.csv", &csv(&late))).await;
    all.extend(late);
    let standby = Standby::copy(&bank).await;
    steps(&restarted(&bank), 3).await;
    slow.archiver().remove_sealed(&sealed).await.expect("Redis answers");
    standby.promote(&bank).await;
    assert_eq!(answer(&restarted(&bank)).await, expected(&all));
}

/// The archiver reads from the database before the failover, and writes after it.
async fn a_lost_archiving_is_noticed_by_an_archiver_that_sealed_before_it(bank: Arc<TestBank>) {
    let mut all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    let standby = Standby::copy(&bank).await;
    steps(&restarted(&bank), 3).await;
    let late = older_lines(1);
    import(&bank, &file(&bank, "late.csv", &csv(&late))).await;
    all.extend(late);
    let slow = restarted(&bank);
    let sealed = slow.archiver().seal().await.expect("days can be closed");
    standby.promote(&bank).await;
    let written = slow.archiver().write_sealed(&sealed).await;
    assert!(matches!(written, Err(AggregatesError::Rebuilding)), "{written:?}");
    assert_eq!(rows(&bank, "cold_totals", "true").await, 0, "nothing was written");
    assert_eq!(answer(&restarted(&bank)).await, expected(&all));
}

/// Another archiver has replaced the name that this one has read. This one then removes only names that are days old.
async fn an_archiver_that_paused_for_days_keeps_the_name_that_redis_has(bank: Arc<TestBank>) {
    let mut all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    settle(&bank.services.aggregates).await;
    let slow = restarted(&bank);
    let sealed = slow.archiver().seal().await.expect("days can be closed");
    assert!(sealed.generations.is_empty());
    let late = older_lines(1);
    import(&bank, &file(&bank, "late.csv", &csv(&late))).await;
    all.extend(late);
    settle(&bank.services.aggregates).await;
    bank.advance(chrono::TimeDelta::days(2)).await;
    slow.archiver()
        .purge(&sealed)
        .await
        .expect("old names can be forgotten");
    assert_eq!(answer(&restarted(&bank)).await, expected(&all));
    assert_eq!(bank.number("SELECT rebuilds AS n FROM aggregates_state").await, 0);
}

/// A process that connects has read the old name from Redis and waits for the database, which then has only the new
/// name.
async fn a_name_that_was_replaced_a_moment_ago_begins_no_epoch(bank: Arc<TestBank>) {
    if bank.db.backend() == sea_orm::DbBackend::Sqlite {
        // On SQLite readers do not wait for a writer, so a test cannot hold one there.
        return;
    }
    let all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    settle(&bank.services.aggregates).await;
    let tx = bank.db.write.begin().await.expect("a transaction begins");
    let lock = "LOCK TABLE archived_generations";
    tx.execute_unprepared(lock).await.expect("the table can be locked");
    let connecting = restarted(&bank);
    let connecting = tokio::spawn(async move { connecting.archiver().seal().await });
    let waiting = "SELECT count(*) AS n FROM pg_locks JOIN pg_database ON pg_database.oid = database \
        WHERE NOT granted AND relation = 'archived_generations'::regclass AND datname = current_database()";
    while bank.number(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
    let rename = "DELETE FROM archived_generations; INSERT INTO archived_generations VALUES (now(), 'newer')";
    tx.execute_unprepared(rename).await.expect("the names can be changed");
    let state = key(&bank, "state").await;
    command(&bank, &["HSET", &state, "removed", "newer"]).await;
    tx.commit().await.expect("it commits");
    connecting.await.expect("it ends").expect("nothing was lost");
    assert_eq!(bank.number("SELECT rebuilds AS n FROM aggregates_state").await, 0);
    assert_eq!(answer(&restarted(&bank)).await, expected(&all));
}
