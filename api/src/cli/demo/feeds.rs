//! The files that the demo imports: activities of merchants, and deposits and withdrawals of another system. Each has a few
//! rows that the importer rejects, corrects, or knows already.

use std::fmt::Write as _;

use chrono::{Days, NaiveDate};
use uuid::Builder;

use super::chance::DemoChance;

/// Makes one file of each kind after the other; a merchant's story goes on from one file to the next.
pub struct FeedWriter {
    activities: DemoChance,
    transactions: DemoChance,
    /// Merchants who have begun to prove who they are.
    begun: usize,
    /// The first row of the file before, which comes again.
    repeated: Option<String>,
}

/// The days of a file.
#[derive(Clone, Copy, Debug)]
pub struct FeedDays {
    pub first: NaiveDate,
    pub count: u32,
}

/// The topics of the seed.
const ACTIVITIES: u64 = 3;
const TRANSACTIONS: u64 = 4;

const MERCHANTS: usize = 120;
/// How many merchants begin in a file.
const NEW_MERCHANTS: usize = 17;
const ACTIVITIES_A_DAY: i64 = 80;
const TRANSACTIONS_A_DAY: i64 = 36;

const REGIONS: [&str; 5] = ["NORTH", "SOUTH", "EAST", "WEST", "CENTRAL"];
const CHANNELS: [&str; 5] = ["POS", "APP", "USSD", "WEB", "OFFLINE"];
const METHODS: [&str; 6] = ["visa", "mastercard", "apple_pay", "wire", "sepa", "cash"];

/// A product, what merchants do with it, how often in a thousand activities it is used and fails, and up to how many cents
/// one is worth.
struct ProductUse {
    product: &'static str,
    event: &'static str,
    share: i64,
    failing: u64,
    cents_max: i64,
}

static PRODUCTS: [ProductUse; 6] = [
    product("POS", "PURCHASE", (360, 42), 1_900_000),
    product("AIRTIME", "TOP_UP", (200, 65), 250_000),
    product("BILLS", "BILL_PAYMENT", (170, 88), 900_000),
    product("CARD_PAYMENT", "SUPPLIER_PAYMENT", (140, 53), 4_500_000),
    product("SAVINGS", "SAVINGS_DEPOSIT", (80, 20), 1_200_000),
    product("MONIEBOOK", "ENTRY_RECORDED", (50, 15), 0),
];

/// How many of a thousand activities have no outcome yet.
const PENDING: u64 = 25;

const fn product(
    product: &'static str,
    event: &'static str,
    (share, failing): (i64, u64),
    cents_max: i64,
) -> ProductUse {
    ProductUse {
        product,
        event,
        share,
        failing,
        cents_max,
    }
}

/// What every row of activities has in one place of the demo.
struct ActivityRow<'a> {
    merchant: usize,
    product: &'a str,
    event: &'a str,
    cents: i64,
    status: &'a str,
}

impl FeedWriter {
    pub fn new(seed: u64) -> Self {
        Self {
            activities: DemoChance::new(seed, ACTIVITIES),
            transactions: DemoChance::new(seed, TRANSACTIONS),
            begun: 0,
            repeated: None,
        }
    }

    /// A file of merchants' activities on these days.
    pub fn activities(&mut self, days: FeedDays) -> String {
        let header =
            "event_id,merchant_id,event_timestamp,product,event_type,amount,status,channel,region,merchant_tier";
        let mut rows = vec![header.to_owned()];
        for _ in 0..NEW_MERCHANTS {
            if self.begun < MERCHANTS {
                self.identify(days, &mut rows);
            }
        }
        for date in days.dates() {
            for _ in 0..ACTIVITIES_A_DAY {
                let row = self.activity();
                let row = self.activity_row(date, &row);
                rows.push(row);
            }
        }
        rows.extend(self.repeated.take());
        self.repeated = rows.get(1).cloned();
        self.spoil_activities(days.first, &mut rows);
        rows.join("\n") + "\n"
    }

    /// A merchant proves who it is, most of them to the end.
    fn identify(&mut self, days: FeedDays, rows: &mut Vec<String>) {
        let merchant = self.begun;
        self.begun += 1;
        for (event, per_mille) in [
            ("DOCUMENT_SUBMITTED", 1_000),
            ("VERIFICATION_COMPLETED", 780),
            ("TIER_UPGRADE", 560),
        ] {
            if !self.activities.happens(per_mille) {
                return;
            }
            let date = days.first + Days::new(self.activities.draw() % u64::from(days.count.max(1)));
            let tries: &[&str] = if self.activities.happens(180) {
                &["FAILED", "SUCCESS"]
            } else {
                &["SUCCESS"]
            };
            for status in tries {
                let row = ActivityRow {
                    merchant,
                    product: "KYC",
                    event,
                    cents: 0,
                    status,
                };
                let row = self.activity_row(date, &row);
                rows.push(row);
            }
        }
    }

    fn activity(&mut self) -> ActivityRow<'static> {
        let chance = &mut self.activities;
        let begun = i64::try_from(self.begun).unwrap_or(1);
        // The smaller of two numbers: some merchants are busier than others.
        let busy = chance.between(0, begun - 1).min(chance.between(0, begun - 1));
        let mut drawn = chance.between(1, PRODUCTS.iter().map(|used| used.share).sum());
        let used = PRODUCTS.iter().find(|used| {
            drawn -= used.share;
            drawn <= 0
        });
        let used = used.unwrap_or(&PRODUCTS[0]);
        let status = if chance.happens(used.failing) {
            "FAILED"
        } else if chance.happens(PENDING) {
            "PENDING"
        } else {
            "SUCCESS"
        };
        ActivityRow {
            merchant: usize::try_from(busy).unwrap_or_default(),
            product: used.product,
            event: used.event,
            cents: chance.between(used.cents_max / 100, used.cents_max),
            status,
        }
    }

    fn activity_row(&mut self, date: NaiveDate, row: &ActivityRow<'_>) -> String {
        let chance = &mut self.activities;
        let bytes = u128::from(chance.draw()) << 64 | u128::from(chance.draw());
        let id = Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid();
        let (time, channel) = (
            time_of_day(chance),
            chance.one_of(&CHANNELS).copied().unwrap_or_default(),
        );
        let region = REGIONS[row.merchant % REGIONS.len()];
        let tier = match row.merchant % 10 {
            0 => "PREMIUM",
            1..5 => "VERIFIED",
            _ => "STARTER",
        };
        let (product, event, status, amount) = (row.product, row.event, row.status, amount(row.cents));
        let merchant = row.merchant + 1;
        format!("{id},MRC-{merchant:06},{date}T{time}Z,{product},{event},{amount},{status},{channel},{region},{tier}")
    }

    /// Adds rows that are rejected, each for another reason, and two whose amount cannot be read.
    fn spoil_activities(&mut self, date: NaiveDate, rows: &mut Vec<String>) {
        let row = ActivityRow {
            merchant: 0,
            product: "POS",
            event: "PURCHASE",
            cents: 1_000,
            status: "SUCCESS",
        };
        let spoilt = [
            (0, "not-an-id"),
            (1, ""),
            (2, ""),
            (2, "yesterday"),
            (3, "LOTTERY"),
            (6, "MAYBE"),
            (5, "NaN"),
            (5, "n/a"),
            (5, ""),
        ];
        for (column, text) in spoilt {
            let good = self.activity_row(date, &row);
            let place = self.activities.between(1, rows.len() as i64);
            rows.insert(usize::try_from(place).unwrap_or(1), with_field(&good, column, text));
        }
    }

    /// A file of another system's deposits and withdrawals on these days.
    pub fn transactions(&mut self, days: FeedDays) -> String {
        let chance = &mut self.transactions;
        let mut text = String::from("timestamp,type,payment_method,amount,sleep_ms\n");
        for date in days.dates() {
            for _ in 0..TRANSACTIONS_A_DAY {
                let kind = if chance.happens(570) { "deposit" } else { "withdrawal" };
                let method = chance.one_of(&METHODS).copied().unwrap_or_default();
                let (time, amount) = (time_of_day(chance), amount(chance.between(500, 240_000)));
                let sleep_ms = chance.between(1, 40);
                // Writing to a text cannot fail.
                let _ = writeln!(text, "{date}T{time},{kind},{method},{amount},{sleep_ms}");
            }
        }
        let date = days.first;
        for spoilt in [
            format!("{date} at noon,deposit,visa,10.00,1"),
            "2999-01-01T00:00:00,deposit,visa,10.00,1".to_owned(),
            format!("{date}T12:00:00,refund,visa,10.00,1"),
            format!("{date}T12:00:00,deposit,gift card,10.00,1"),
            format!("{date}T12:00:00,withdrawal,wire,-10.00,1"),
        ] {
            text.push_str(&spoilt);
            text.push('\n');
        }
        text
    }
}

impl FeedDays {
    fn dates(self) -> impl Iterator<Item = NaiveDate> {
        (0..self.count).map(move |day| self.first + Days::new(day.into()))
    }

    /// The last day, which is in the file's name.
    pub fn last(self) -> NaiveDate {
        self.first + Days::new(self.count.saturating_sub(1).into())
    }
}

fn time_of_day(chance: &mut DemoChance) -> String {
    let second = chance.between(6 * 3_600, 23 * 3_600 - 1);
    format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

fn amount(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// A row with another text in one of its fields, none of which is quoted.
fn with_field(row: &str, column: usize, text: &str) -> String {
    let mut fields: Vec<&str> = row.split(',').collect();
    if let Some(field) = fields.get_mut(column) {
        *field = text;
    }
    fields.join(",")
}

#[cfg(test)]
#[path = "feeds_tests.rs"]
mod tests;
