//! The archiver: no total changes, whatever happens between its steps, and cold days are only in the database.

use std::sync::Arc;

use harness::TestBank;
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
    what_was_archived_and_lost_with_the_database_is_made_anew,],
);

async fn cold_days_move_and_hot_days_stay(bank: Arc<TestBank>) {
    let lines = lines(400, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&lines))).await;
    assert_eq!(rows(&bank, "cold_totals", "true").await, 0);
    bank.services
        .aggregates
        .archiver()
        .step()
        .await
        .expect("the archiver works");
    // The newest day is 2026-01-05; the seven days before it begin with 2025-12-29.
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
    let (left_archiver, right_archiver) = (one.archiver(), other.archiver());
    for round in 0..5 {
        let mut lines = lines(120, 25);
        for line in &mut lines {
            line.units += round;
        }
        import(&bank, &file(&bank, &format!("round{round}.csv"), &csv(&lines))).await;
        all.extend(lines);
        let (left, right) = tokio::join!(left_archiver.step(), right_archiver.step());
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

/// Performs the first `count` steps of the archiver, like a process that then dies.
pub(super) async fn steps(aggregates: &Aggregates, count: usize) {
    let sealed = aggregates.archiver().seal().await.expect("days can be closed");
    if count > 1 {
        aggregates
            .archiver()
            .write_sealed(&sealed)
            .await
            .expect("days can be written");
    }
    if count > 2 {
        aggregates
            .archiver()
            .remove_sealed(&sealed)
            .await
            .expect("days can be removed");
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
    // Steps are repeated, and a slow archiver performs them late.
    let slow = restarted(&bank);
    let sealed = slow.archiver().seal().await.expect("days can be closed");
    for _ in 0..2 {
        restarted(&bank).archiver().step().await.expect("the archiver works");
        slow.archiver()
            .write_sealed(&sealed)
            .await
            .expect("days can be written again");
        slow.archiver()
            .remove_sealed(&sealed)
            .await
            .expect("days can be removed again");
        assert_eq!(answer(&bank.services.aggregates).await, expected(&all));
    }
}

/// By then only the version at which its days were closed shows that they have been archived.
async fn an_archiver_that_slept_for_days_changes_no_total(bank: Arc<TestBank>) {
    let all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    let slow = restarted(&bank);
    let sealed = slow.archiver().seal().await.expect("days can be closed");
    for _ in 0..2 {
        restarted(&bank).archiver().step().await.expect("the archiver works");
        bank.advance(chrono::TimeDelta::days(2)).await;
    }
    assert_eq!(rows(&bank, "archived_generations", "true").await, 1, "the last one's");
    slow.archiver()
        .write_sealed(&sealed)
        .await
        .expect("there is nothing to write");
    assert_eq!(answer(&bank.services.aggregates).await, expected(&all));
}

async fn a_late_row_between_any_two_steps_changes_no_total(bank: Arc<TestBank>) {
    let mut all = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&all))).await;
    let aggregates = restarted(&bank);
    let sealed = aggregates.archiver().seal().await.expect("days can be closed");
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
            0 => aggregates
                .archiver()
                .write_sealed(&sealed)
                .await
                .expect("days can be written"),
            1 => aggregates
                .archiver()
                .remove_sealed(&sealed)
                .await
                .expect("days can be removed"),
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

/// A standby is promoted that has the whole journal but lacks the archiver's transactions. Redis has removed the days.
async fn what_was_archived_and_lost_with_the_database_is_made_anew(bank: Arc<TestBank>) {
    let lines = lines(150, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&lines))).await;
    for who in ["a process that knows the epoch", "one that starts", "the archiver"] {
        let version = bank.number("SELECT version AS n FROM aggregates_state").await;
        let archiver = restarted(&bank);
        archiver.archiver().step().await.expect("the archiver works");
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
            let noticed = asked.archiver().step().await;
            assert!(matches!(noticed, Err(AggregatesError::Rebuilding)), "{noticed:?}");
            asked.archiver().step().await.expect("the archiver goes on");
            assert!(rows(&bank, "cold_totals", "true").await > 0);
        }
        assert_eq!(answer(&asked).await, expected(&lines), "asked by {who}");
    }
}

pub(super) async fn rows(bank: &TestBank, table: &str, condition: &str) -> i64 {
    bank.number(&format!("SELECT count(*) AS n FROM {table} WHERE {condition}"))
        .await
}
