//! A month of another system's transactions: every day's answer is exact to the cent, whenever the archiver runs.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use harness::{Caller, TestBank};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use super::{Line, answer, csv, expected, file, import, on_every_store, restarted, settle};

on_every_store!(
    everywhere: [
        a_month_in_one_file_answers_before_and_after_the_archiver,
        a_month_in_parts_answers_with_the_archiver_after_each,
        a_month_from_its_end_to_its_beginning_answers_the_same,
    ],
    with_redis: [],
);

const ROWS: usize = 5_000;
const DAYS: u64 = 30;
const PARTS: usize = 6;

/// The clock of the tests is on the last of these days.
fn all_days() -> Vec<String> {
    let last = NaiveDate::from_ymd_opt(2026, 1, 5).expect("this is a day");
    (0..DAYS)
        .rev()
        .map(|back| (last - Days::new(back)).to_string())
        .collect()
}

/// Rows of a month, unordered and in whole cents.
fn month() -> Vec<Line> {
    let (mut random, days) = (StdRng::seed_from_u64(6), all_days());
    let mut line = || {
        let day = &days[random.random_range(0..days.len())];
        let (hour, second) = (random.random_range(0..24), random.random_range(0..60));
        Line {
            time: format!("{day}T{hour:02}:33:{second:02}"),
            kind: ["deposit", "withdrawal"][random.random_range(0..2)],
            method: ["visa", "apple_pay", "wire", "paypal"][random.random_range(0..4)],
            units: random.random_range(1..=200_000) * 100,
        }
    };
    (0..ROWS).map(|_| line()).collect()
}

/// Imports lines as a separate file. True if they were new; then all of them are.
async fn import_part(bank: &TestBank, name: &str, lines: &[Line]) -> bool {
    let counts = import(bank, &file(bank, name, &csv(lines))).await.counts;
    assert_eq!(
        (counts.rows_read, counts.rows_skipped),
        (lines.len() as u64, 0),
        "{counts:?}"
    );
    assert!(
        counts.rows_inserted == 0 || counts.rows_duplicate == 0,
        "a part of a file: {counts:?}"
    );
    counts.rows_inserted > 0
}

async fn archive(bank: &TestBank) {
    let archived = restarted(bank).archiver().step().await;
    archived.expect("the archiver works");
}

/// Checks the answers of `GET /stats` against the rows: each day, the total, and one day and method.
async fn answers(bank: &TestBank, operator: &Caller, lines: &[Line]) {
    let days = all_days();
    let path = format!("/stats?from_date={}&to_date={}", days[0], days[days.len() - 1]);
    let stats = operator.get(&path).await.expect(200);
    let answered = stats["data"].as_object().expect("days are an object");
    assert_eq!(answered.keys().collect::<Vec<_>>(), days.iter().collect::<Vec<_>>());
    for (kind, side) in [("deposit", "deposits"), ("withdrawal", "withdrawals")] {
        let methods = answered.values().filter_map(|day| day[side].as_object());
        let sum: i64 = methods.flat_map(|methods| methods.values()).map(units).sum();
        let rows = lines.iter().filter(|line| line.kind == kind);
        assert_eq!(sum, rows.map(|line| line.units).sum::<i64>(), "{side}");
        for (day, method) in [
            ("2025-12-07", "wire"),
            ("2025-12-29", "visa"),
            ("2026-01-01", "apple_pay"),
        ] {
            let is_meant = |line: &&Line| line.kind == kind && line.method == method && line.time.starts_with(day);
            let rows: Vec<&Line> = lines.iter().filter(is_meant).collect();
            assert!(!rows.is_empty(), "a choice that proves nothing");
            let sum: i64 = rows.iter().map(|line| line.units).sum();
            assert_eq!(units(&answered[day][side][method]), sum, "{day} {side} {method}");
        }
    }
    assert_eq!(answer(&bank.services.aggregates).await, expected(lines));
}

/// A number with at most four decimals, in ten-thousandths.
fn units(amount: &Value) -> i64 {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}{fraction:0<4}")
        .parse()
        .expect("an amount has four decimals at most")
}

async fn a_month_in_one_file_answers_before_and_after_the_archiver(bank: Arc<TestBank>) {
    let (operator, lines) = (bank.operator().await, month());
    assert!(import_part(&bank, "month.csv", &lines).await);
    answers(&bank, &operator, &lines).await;
    assert!(!import_part(&bank, "again.csv", &lines).await, "imported twice");
    for _ in 0..2 {
        archive(&bank).await;
        answers(&bank, &operator, &lines).await;
    }
    assert!(!import_part(&bank, "and again.csv", &lines).await, "imported twice");
    settle(&bank.services.aggregates).await;
    answers(&bank, &operator, &lines).await;
}

async fn a_month_in_parts_answers_with_the_archiver_after_each(bank: Arc<TestBank>) {
    let (operator, lines) = (bank.operator().await, month());
    in_parts(&bank, &operator, &lines).await;
}

/// After the first part all other rows are late: their days are already cold.
async fn a_month_from_its_end_to_its_beginning_answers_the_same(bank: Arc<TestBank>) {
    let (operator, mut lines) = (bank.operator().await, month());
    lines.sort_by(|one, other| other.time.cmp(&one.time));
    in_parts(&bank, &operator, &lines).await;
}

async fn in_parts(bank: &TestBank, operator: &Caller, lines: &[Line]) {
    let parts: Vec<_> = lines.chunks(ROWS.div_ceil(PARTS)).collect();
    let mut so_far: Vec<Line> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        assert!(import_part(bank, &format!("part {index}.csv"), part).await);
        so_far.extend_from_slice(part);
        assert_eq!(answer(&bank.services.aggregates).await, expected(&so_far));
        archive(bank).await;
        assert_eq!(answer(&bank.services.aggregates).await, expected(&so_far));
    }
    answers(bank, operator, lines).await;
    for (index, part) in parts.iter().enumerate().rev() {
        assert!(
            !import_part(bank, &format!("part {index}.csv"), part).await,
            "imported twice"
        );
        archive(bank).await;
    }
    answers(bank, operator, lines).await;
}
