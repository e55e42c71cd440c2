//! Feeds for single tests: a row has the values that the test sets, and ordinary ones otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use harness::TestBank;
use service::Services;
use service::imports::{Import, ImportOutcome, RunOptions};
use service::values::ImportKind;

/// A file of activities.
#[derive(Clone, Default)]
pub struct Feed {
    lines: Vec<String>,
}

/// One line of a feed.
#[derive(Clone)]
pub struct Row {
    pub event_id: String,
    pub merchant: &'static str,
    pub time: &'static str,
    pub product: &'static str,
    pub event_type: &'static str,
    pub amount: String,
    pub status: &'static str,
    pub channel: &'static str,
}

pub const HEADER: &str =
    "event_id,merchant_id,event_timestamp,product,event_type,amount,status,channel,region,merchant_tier";

/// A merchant's successful sale, with a new event id.
pub fn row(merchant: &'static str) -> Row {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let number = u128::from(COUNT.fetch_add(1, Ordering::Relaxed));
    Row {
        // Spread like random ids.
        event_id: uuid::Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_string(),
        merchant,
        time: "2024-01-15T12:00:00",
        product: "POS",
        event_type: "CARD_TRANSACTION",
        amount: "10.00".to_owned(),
        status: "SUCCESS",
        channel: "POS",
    }
}

impl Row {
    pub fn time(self, time: &'static str) -> Self {
        Self { time, ..self }
    }

    pub fn product(self, product: &'static str) -> Self {
        Self { product, ..self }
    }

    pub fn kyc(self, event_type: &'static str) -> Self {
        Self {
            product: "KYC",
            event_type,
            ..self
        }
    }

    pub fn amount(self, amount: impl Into<String>) -> Self {
        Self {
            amount: amount.into(),
            ..self
        }
    }

    pub fn status(self, status: &'static str) -> Self {
        Self { status, ..self }
    }

    pub fn event(self, event_id: impl Into<String>) -> Self {
        Self {
            event_id: event_id.into(),
            ..self
        }
    }

    pub fn line(&self) -> String {
        let Self {
            event_id,
            merchant,
            time,
            product,
            event_type,
            amount,
            status,
            channel,
        } = self;
        format!("{event_id},{merchant},{time},{product},{event_type},{amount},{status},{channel},LAGOS,VERIFIED")
    }
}

impl Feed {
    pub fn of(rows: impl IntoIterator<Item = Row>) -> Self {
        Self {
            lines: rows.into_iter().map(|row| row.line()).collect(),
        }
    }

    pub fn text(&self) -> String {
        format!("{HEADER}\n{}\n", self.lines.join("\n"))
    }

    /// Imports it and brings the reports up to date.
    pub async fn import(&self, bank: &Arc<TestBank>) -> Import {
        import(bank, &self.text()).await
    }
}

/// Imports a text as a file and brings the reports up to date.
pub async fn import(bank: &Arc<TestBank>, text: impl AsRef<[u8]>) -> Import {
    let import = import_into(&bank.services, text).await;
    bank.services
        .merchants
        .refresh()
        .await
        .expect("the reports can be read");
    import
}

/// Imports a text as a file.
pub async fn import_into(services: &Services, text: impl AsRef<[u8]>) -> Import {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("activities_20240101.csv");
    std::fs::write(&path, text).expect("a file can be written");
    let outcome = services
        .imports
        .import_file(ImportKind::Activities, &path, RunOptions::default())
        .await
        .expect("the import runs");
    match outcome {
        ImportOutcome::Finished(import) => import,
        ImportOutcome::Stopped(_) | ImportOutcome::SkippedAsKnown(_) => panic!("{outcome:?}"),
    }
}
