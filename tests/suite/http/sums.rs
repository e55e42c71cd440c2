//! Files of transactions, and the sums that `/stats` must answer for them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{Days, NaiveDate};
use harness::Caller;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

/// Ten-thousandths by `day side method`, for example `2026-01-05 deposits visa`.
pub type Sums = BTreeMap<String, i64>;

pub const HEADER: &str = "timestamp,type,payment_method,amount,sleep_ms\n";

/// A file with rows of 30 days, unordered.
pub struct Month {
    pub first: NaiveDate,
    pub last: NaiveDate,
    pub text: String,
    pub sums: Sums,
}

const DAYS: u64 = 30;
const SIDES: [(&str, &str); 2] = [("deposit", "deposits"), ("withdrawal", "withdrawals")];
const METHODS: [&str; 4] = ["visa", "wire", "apple_pay", "paypal"];

impl Month {
    /// A number of rows up to a last day; different seeds make different rows.
    pub fn new(seed: u64, rows: u64, last: NaiveDate) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut text, mut sums) = (HEADER.to_owned(), Sums::new());
        for _ in 0..rows {
            let day = last - Days::new(random.random_range(0..DAYS));
            let (word, side) = SIDES[random.random_range(0..SIDES.len())];
            let method = METHODS[random.random_range(0..METHODS.len())];
            let cents: i64 = random.random_range(1..=250_000);
            let (hour, second) = (random.random_range(0..24), random.random_range(0..60));
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{day}T{hour:02}:30:{second:02},{word},{method},{}.{:02},9",
                cents / 100,
                cents % 100
            );
            *sums.entry(format!("{day} {side} {method}")).or_default() += cents * 100;
        }
        let first = last - Days::new(DAYS - 1);
        Self {
            first,
            last,
            text,
            sums,
        }
    }

    /// The answer of `/stats` for these days and one more, since a test may begin just before midnight.
    pub async fn answered(&self, caller: &Caller) -> Sums {
        let path = format!("/stats?from_date={}&to_date={}", self.first, self.last + Days::new(1));
        sums_of(&caller.get(&path).await.expect(200))
    }
}

fn sums_of(stats: &Value) -> Sums {
    let mut sums = Sums::new();
    for (day, sides) in members(&stats["data"]) {
        for (side, methods) in members(sides) {
            for (method, amount) in members(methods) {
                sums.insert(format!("{day} {side} {method}"), ten_thousandths(amount));
            }
        }
    }
    sums
}

fn ten_thousandths(amount: &Value) -> i64 {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    format!("{whole}{fraction:0<4}")
        .parse()
        .unwrap_or_else(|_| panic!("{text} has more than four decimals"))
}

fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().expect("this is an object").iter()
}
