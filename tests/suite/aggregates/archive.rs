//! The archiver: whatever comes between its steps, no total changes, and what is cold is in the database alone.

use std::sync::Arc;

use harness::TestBank;
use sea_orm::{ConnectionTrait, TransactionTrait};
use service::aggregates::{Aggregates, AggregatesError};

use super::{Line, answer, command, csv, expected, file, import, key, lines, on_every_store, restarted, settle};

on_every_store!(
    everywhere: [cold_days_move_and_hot_days_stay,
    two_archivers_at_once_change_no_total,
    late_rows_of_a_cold_day_join_it,],
    with_redis: [a_crash_after_any_step_changes_no_total,
    a_late_row_between_any_two_steps_changes_no_total,
    an_archiver_that_slept_for_days_changes_no_total,
    what_is_archived_is_forgotten_a_day_later,
    what_was_archived_and_lost_with_the_database_is_made_anew,
    a_lost_archiving_is_noticed_though_older_ones_are_removed_with_it,
    a_lost_archiving_is_noticed_though_older_ones_are_removed_after_it,
    a_lost_archiving_is_noticed_by_an_archiver_that_sealed_before_it,
    an_archiver_that_paused_for_days_keeps_the_name_that_redis_has,
    a_name_that_was_replaced_a_moment_ago_begins_no_epoch,],
);

async fn cold_days_move_and_hot_days_stay(bank: Arc<TestBank>) {
    let lines = lines(400, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&lines))).await;
    assert_eq!(rows(&bank, "cold_totals", "true").await, 0);
    bank.services
        .aggregates
        .archive_once()
        .await
        .expect("the archiver works");
    // The newest day is 2026-01-05; the last seven days before it touch 2025-12-29.
    assert_eq!(rows(&bank, "cold_totals", "day >= '2025-12-29'").await, 0);
    assert!(rows(&bank, "cold_totals", "true").await > 0);
    assert_eq!(rows(&bank, "hot_totals", "day < '2025-12-29'").await, 0);
    let open = match bank.config.redis_url {
        Some(_) => {
            assert!(
                command(&bank, &["SMEMBERS", &key(&bank, "sealed").await])
                    .await
                    .starts_with("*0")
            );
            command(&bank, &["HKEYS", &key(&bank, "open").await]).await
        }
        None => String::new(),
    };
    assert!(!open.contains("2025-12-28"), "{open}");
    assert_eq!(open.contains("2025-12-29"), bank.config.redis_url.is_some());
    assert_eq!(answer(&bank.services.aggregates).await, expected(&lines));
}

async fn two_archivers_at_once_change_no_total(bank: Arc<TestBank>) {
    let mut all: Vec<Line> = Vec::new();
    let (one, other) = (restarted(&bank), restarted(&bank));
    for round in 0..5 {
        let mut lines = lines(120, 25);
        for line in &mut lines {
            line.units += round;
        }
        import(&bank, &file(&bank, &format!("round{round}.csv"), &csv(&lines))).await;
        all.extend(lines);
        let (left, right) = tokio::join!(one.archive_once(), other.archive_once());
        assert!(left.is_ok() || right.is_ok(), "{left:?} {right:?}");
        assert_eq!(answer(&one).await, expected(&all));
    }
}

async fn late_rows_of_a_cold_day_join_it(bank: Arc<TestBank>) {
    let mut all = lines(200, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    settle(&bank.services.aggregates).await;
    let mut late = lines(90, 29);
    late.iter_mut().for_each(|line| line.units += 7);
    import(&bank, &file(&bank, "late.csv", &csv(&late))).await;
    all.extend(late);
    assert_eq!(answer(&bank.services.aggregates).await, expected(&all));
    settle(&bank.services.aggregates).await;
    assert_eq!(answer(&bank.services.aggregates).await, expected(&all));
}

/// Does the first so many of the archiver's steps, as a process that dies then.
async fn steps(aggregates: &Aggregates, count: usize) {
    let sealed = aggregates.seal().await.expect("days can be closed");
    if count > 1 {
        aggregates.write_sealed(&sealed).await.expect("days can be written");
    }
    if count > 2 {
        aggregates.drop_sealed(&sealed).await.expect("days can be removed");
    }
}

async fn a_crash_after_any_step_changes_no_total(bank: Arc<TestBank>) {
    let mut all: Vec<Line> = Vec::new();
    for done in [1, 2, 3, 1, 2] {
        let mut lines = lines(150, 30);
        lines.iter_mut().for_each(|line| line.units += all.len() as i64);
        import(&bank, &file(&bank, &format!("before{}.csv", all.len()), &csv(&lines))).await;
        all.extend(lines);
        steps(&restarted(&bank), done).await;
        assert_eq!(
            answer(&bank.services.aggregates).await,
            expected(&all),
            "after {done} steps"
        );
    }
    // Steps done again, and by somebody who took his time.
    let slow = restarted(&bank);
    let sealed = slow.seal().await.expect("days can be closed");
    for _ in 0..2 {
        restarted(&bank).archive_once().await.expect("the archiver works");
        slow.write_sealed(&sealed).await.expect("days can be written again");
        slow.drop_sealed(&sealed).await.expect("days can be removed again");
        assert_eq!(answer(&bank.services.aggregates).await, expected(&all));
    }
}

/// By then nothing tells any more that its days were archived, but for the version that they were closed at.
async fn an_archiver_that_slept_for_days_changes_no_total(bank: Arc<TestBank>) {
    let all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    let slow = restarted(&bank);
    let sealed = slow.seal().await.expect("days can be closed");
    for _ in 0..2 {
        restarted(&bank).archive_once().await.expect("the archiver works");
        bank.advance(chrono::TimeDelta::days(2)).await;
    }
    assert_eq!(rows(&bank, "archived_generations", "true").await, 1, "the last one's");
    slow.write_sealed(&sealed).await.expect("there is nothing to write");
    assert_eq!(answer(&bank.services.aggregates).await, expected(&all));
}

async fn a_late_row_between_any_two_steps_changes_no_total(bank: Arc<TestBank>) {
    let mut all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    let aggregates = restarted(&bank);
    let sealed = aggregates.seal().await.expect("days can be closed");
    for step in 0..3 {
        let mut late = lines(60, 30);
        late.iter_mut().for_each(|line| line.units += step + 1);
        import(&bank, &file(&bank, &format!("late{step}.csv"), &csv(&late))).await;
        all.extend(late);
        assert_eq!(
            answer(&bank.services.aggregates).await,
            expected(&all),
            "before step {step}"
        );
        match step {
            0 => aggregates.write_sealed(&sealed).await.expect("days can be written"),
            1 => aggregates.drop_sealed(&sealed).await.expect("days can be removed"),
            _ => {}
        }
        assert_eq!(
            answer(&bank.services.aggregates).await,
            expected(&all),
            "after step {step}"
        );
    }
    settle(&aggregates).await;
    assert_eq!(answer(&bank.services.aggregates).await, expected(&all));
}

async fn what_is_archived_is_forgotten_a_day_later(bank: Arc<TestBank>) {
    let lines = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&lines))).await;
    settle(&bank.services.aggregates).await;
    assert!(rows(&bank, "archived_generations", "true").await > 20);
    bank.clock
        .advance(chrono::TimeDelta::days(1) + chrono::TimeDelta::seconds(1));
    settle(&bank.services.aggregates).await;
    assert_eq!(rows(&bank, "archived_generations", "true").await, 1, "the last one's");
    assert_eq!(answer(&bank.services.aggregates).await, expected(&lines));
}

/// A standby that is promoted without the archiver's transactions, and with all of the journal: Redis has removed the days.
async fn what_was_archived_and_lost_with_the_database_is_made_anew(bank: Arc<TestBank>) {
    let lines = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&lines))).await;
    for who in ["a process that knows the epoch", "one that starts", "the archiver"] {
        let version = bank.number("SELECT version AS n FROM aggregates_state").await;
        let archiver = restarted(&bank);
        archiver.archive_once().await.expect("the archiver works");
        assert!(rows(&bank, "cold_totals", "true").await > 0);
        bank.execute("DELETE FROM cold_totals").await;
        bank.execute("DELETE FROM archived_generations").await;
        let state = format!("UPDATE aggregates_state SET version = {version}, purged_version = 0");
        bank.execute(&state).await;
        let asked = match who {
            "one that starts" => restarted(&bank),
            _ => archiver,
        };
        if who == "the archiver" {
            let noticed = asked.archive_once().await;
            assert!(matches!(noticed, Err(AggregatesError::Rebuilding)), "{noticed:?}");
            asked.archive_once().await.expect("the archiver goes on");
            assert!(rows(&bank, "cold_totals", "true").await > 0);
        }
        assert_eq!(answer(&asked).await, expected(&lines), "asked by {who}");
    }
}

/// Rows of so many days that every archiver reads before those of `lines`.
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

/// What a standby has that did not receive what the archivers write from now on.
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

/// An archiver died between writing and removing; what it had written comes last in the list of the next one.
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

/// More days are closed than an archiver reads at once, so that a second one reads none of what the first has written.
async fn a_lost_archiving_is_noticed_though_older_ones_are_removed_after_it(bank: Arc<TestBank>) {
    let mut all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    let slow = restarted(&bank);
    let sealed = slow.seal().await.expect("days can be closed");
    slow.write_sealed(&sealed).await.expect("days can be written");
    let late = older_lines(64);
    import(&bank, &file(&bank, "late.csv", &csv(&late))).await;
    all.extend(late);
    let standby = Standby::copy(&bank).await;
    steps(&restarted(&bank), 3).await;
    slow.drop_sealed(&sealed).await.expect("Redis answers");
    standby.promote(&bank).await;
    assert_eq!(answer(&restarted(&bank)).await, expected(&all));
}

/// It asked the database before the failover, and writes after it.
async fn a_lost_archiving_is_noticed_by_an_archiver_that_sealed_before_it(bank: Arc<TestBank>) {
    let mut all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    let standby = Standby::copy(&bank).await;
    steps(&restarted(&bank), 3).await;
    let late = older_lines(1);
    import(&bank, &file(&bank, "late.csv", &csv(&late))).await;
    all.extend(late);
    let slow = restarted(&bank);
    let sealed = slow.seal().await.expect("days can be closed");
    standby.promote(&bank).await;
    let written = slow.write_sealed(&sealed).await;
    assert!(matches!(written, Err(AggregatesError::Rebuilding)), "{written:?}");
    assert_eq!(rows(&bank, "cold_totals", "true").await, 0, "nothing was written");
    assert_eq!(answer(&restarted(&bank)).await, expected(&all));
}

/// Another archiver has replaced the name that it read, and what it forgets are the names of days ago.
async fn an_archiver_that_paused_for_days_keeps_the_name_that_redis_has(bank: Arc<TestBank>) {
    let mut all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    settle(&bank.services.aggregates).await;
    let slow = restarted(&bank);
    let sealed = slow.seal().await.expect("days can be closed");
    assert!(sealed.generations.is_empty());
    let late = older_lines(1);
    import(&bank, &file(&bank, "late.csv", &csv(&late))).await;
    all.extend(late);
    settle(&bank.services.aggregates).await;
    bank.advance(chrono::TimeDelta::days(2)).await;
    slow.purge(&sealed).await.expect("old names can be forgotten");
    assert_eq!(answer(&restarted(&bank)).await, expected(&all));
    assert_eq!(bank.number("SELECT rebuilds AS n FROM aggregates_state").await, 0);
}

/// Who connects has read the old name from Redis and waits for the database, which has only the new one by then.
async fn a_name_that_was_replaced_a_moment_ago_begins_no_epoch(bank: Arc<TestBank>) {
    if bank.db.backend() == sea_orm::DbBackend::Sqlite {
        // Its readers wait for no writer, so a test cannot hold one there.
        return;
    }
    let all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    settle(&bank.services.aggregates).await;
    let tx = bank.db.write.begin().await.expect("a transaction begins");
    let lock = "LOCK TABLE archived_generations";
    tx.execute_unprepared(lock).await.expect("the table can be locked");
    let connecting = restarted(&bank);
    let connecting = tokio::spawn(async move { connecting.seal().await });
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

async fn rows(bank: &TestBank, table: &str, condition: &str) -> i64 {
    bank.number(&format!("SELECT count(*) AS n FROM {table} WHERE {condition}"))
        .await
}
