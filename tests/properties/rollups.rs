//! Random feeds in random blocks and parts, with faults and repetitions: the rollups equal a recomputation from the
//! stored rows, and every event is stored once.

use std::sync::Arc;

use csv::ByteRecord;
use entity::{activities, imports};
use harness::{Backend, TestBank, on_every_backend};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sea_orm::{ActiveModelTrait, EntityTrait, Set};
use service::clock::{Clock, id_at};
use service::imports::{Checkpoint, FileKind, Import, ImportTotals, Parsed, RowCounts, Stored};
use service::merchants::{self, Activity, ActivityBatch, ActivityFiles, ActivityLayout, COLUMNS};
use service::values::{Digest, ImportId, ImportKind, ImportStatus};
use uuid::Uuid;

use crate::cases::{Met, hold_on_bank};
use crate::recomputed::agree;

on_every_backend!(rollups_equal_a_recomputation);

/// Few different values, so that events, merchants and months collide.
const EVENTS: u128 = 40;
const MERCHANTS: [&str; 7] = ["M1", "M10", "M2", "m1", "Zoë", " ", "M3"];
const TIMES: [&str; 8] = [
    "2024-01-31T23:59:59",
    "2024-02-01T00:30:00+01:00",
    "2024-01-31T23:30:00-01:00",
    "2024-02-29",
    "1999-12-31 12:00:00.000001",
    "2024-02-01T00:00:00Z",
    "",
    "NOT-A-DATE",
];
const AMOUNTS: [&str; 10] = [
    "10.00",
    "10",
    "-10",
    "0.00005",
    "99999999999999.9999",
    "-99999999999999.9999",
    "INVALID",
    "",
    "nan",
    "-3.3333",
];
const PRODUCTS: [&str; 8] = [
    "POS",
    "AIRTIME",
    "BILLS",
    "CARD_PAYMENT",
    "SAVINGS",
    "MONIEBOOK",
    "KYC",
    "LOANS",
];
const EVENT_TYPES: [&str; 4] = ["DOCUMENT_SUBMITTED", "VERIFICATION_COMPLETED", "TIER_UPGRADE", "SALE"];
const STATUSES: [&str; 5] = ["SUCCESS", "SUCCESS", "FAILED", "PENDING", "DONE"];

type Fields = (
    u128,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

fn line() -> impl Strategy<Value = Fields> {
    // The wrong values come last and are rare.
    fn mostly<const N: usize>(words: [&'static str; N], good: usize) -> impl Strategy<Value = &'static str> {
        prop_oneof![9 => select(words[..good].to_vec()), 1 => select(words.to_vec())]
    }
    (
        1..=EVENTS,
        mostly(MERCHANTS, 5),
        mostly(TIMES, 6),
        mostly(PRODUCTS, 7),
        select(EVENT_TYPES.to_vec()),
        select(AMOUNTS.to_vec()),
        mostly(STATUSES, 4),
    )
}

/// A block of a file, and how it is stored.
#[derive(Clone, Debug)]
struct Step {
    lines: Vec<Fields>,
    part_rows_max: usize,
    /// The size of the parts in which the block is stored after a fault.
    other_rows_max: usize,
    /// Storing this event fails once.
    poison: Option<u128>,
    /// The block is stored a second time.
    again: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let poison = prop::option::of(1..=EVENTS);
    let sizes = (1..6_usize, 1..6_usize);
    (vec(line(), 0..12), sizes, poison, any::<bool>()).prop_map(|(lines, sizes, poison, again)| Step {
        lines,
        part_rows_max: sizes.0,
        other_rows_max: sizes.1,
        poison,
        again,
    })
}

async fn rollups_equal_a_recomputation(bank: Arc<TestBank>) {
    bank.execute(poison_trigger(bank.backend)).await;
    let met = Met::default();
    hold_on_bank(file!(), &vec(vec(step(), 1..5), 1..4), async |files| {
        forget_everything(&bank).await;
        let rows = ActivityFiles::new(&bank.db);
        let mut inserted = 0;
        for steps in files {
            inserted += File::begin(&bank, &rows, &met).await.run(steps).await?;
        }
        let stored = activities::Entity::find()
            .all(&bank.db.read)
            .await
            .expect("rows can be read");
        prop_assert_eq!(stored.len() as u64, inserted);
        agree(&bank, &stored).await
    });
    met.expect_all(&[
        "broken",
        "broken in a later part",
        "stale",
        "duplicate",
        "skipped",
        "nothing",
    ]);
}

fn poison_trigger(backend: Backend) -> &'static str {
    match backend {
        Backend::Postgres => {
            "CREATE TABLE poison (event_id uuid PRIMARY KEY);
            CREATE FUNCTION poisoned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF EXISTS (SELECT 1 FROM poison p WHERE p.event_id = NEW.event_id) THEN RAISE EXCEPTION 'poison'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER poisoned BEFORE INSERT ON activities FOR EACH ROW EXECUTE FUNCTION poisoned();"
        }
        Backend::Sqlite => {
            "CREATE TABLE poison (event_id BLOB PRIMARY KEY);
            CREATE TRIGGER poisoned BEFORE INSERT ON activities
            WHEN EXISTS (SELECT 1 FROM poison WHERE event_id = NEW.event_id) BEGIN SELECT RAISE(ABORT, 'poison'); END;"
        }
    }
}

async fn forget_everything(bank: &TestBank) {
    let empty = match bank.backend {
        Backend::Postgres => "TRUNCATE activities, merchants, merchant_months, report_counts, imports, import_rejects;",
        Backend::Sqlite => {
            "DELETE FROM activities; DELETE FROM merchants; DELETE FROM merchant_months; DELETE FROM report_counts;
            DELETE FROM activity_parts; DELETE FROM imports;"
        }
    };
    let ranking = "UPDATE merchant_ranking SET version = version + 1, ranking = '{\"leaders\":[],\"floor\":null}'";
    bank.execute(&format!("{empty} {ranking}")).await;
}

/// A file that the test imports block by block.
struct File<'a> {
    bank: &'a TestBank,
    rows: &'a ActivityFiles,
    met: &'a Met,
    /// As it is before its first block.
    import: Import,
}

impl<'a> File<'a> {
    async fn begin(bank: &'a TestBank, rows: &'a ActivityFiles, met: &'a Met) -> Self {
        let now = bank.clock.now();
        let import = Import {
            id: ImportId(id_at(now)),
            kind: ImportKind::Activities,
            file_name: "activities.csv".to_owned(),
            status: ImportStatus::Running,
            failure: None,
            digest: Digest([0; 16]),
            size: 1_000_000,
            bytes_applied: 0,
            blocks_applied: 0,
            counts: ImportTotals::default(),
            started_at: now,
            finished_at: None,
        };
        let record = imports::ActiveModel {
            id: Set(import.id),
            kind: Set(import.kind),
            file: Set(import.file_name.clone()),
            path: Set(None),
            digest: Set(import.digest),
            size: Set(1_000_000),
            checkpoint: Set(0),
            block: Set(0),
            rows_read: Set(0),
            rows_inserted: Set(0),
            rows_duplicate: Set(0),
            rows_skipped: Set(0),
            amounts_coerced: Set(0),
            skip_reasons: Set("{}".to_owned()),
            status: Set(ImportStatus::Running),
            failure: Set(None),
            holds_content: Set(false),
            started_at: Set(now),
            finished_at: Set(None),
        };
        record.insert(&bank.db.write).await.expect("an import can be recorded");
        Self {
            bank,
            rows,
            met,
            import,
        }
    }

    /// Stores every block, again after a fault, and returns the number of new rows.
    async fn run(&self, steps: Vec<Step>) -> Result<u64, TestCaseError> {
        let mut total = 0;
        for (number, step) in steps.iter().enumerate() {
            let (checkpoint, batch) = self.block(number as u64, step, step.other_rows_max);
            let mut stored = match step.poison {
                Some(event) => {
                    let (checkpoint, batch) = self.block(number as u64, step, step.part_rows_max);
                    self.store_poisoned(&checkpoint, &batch, event).await?
                }
                None => None,
            };
            if stored.is_none() {
                stored = self.rows.store(&checkpoint, &batch).await.map(Some).map_err(fail)?;
            }
            let Some(Stored::Applied(rows)) = stored else {
                return Err(TestCaseError::fail("a fresh block is stale"));
            };
            prop_assert_eq!(rows.inserted() + rows.duplicate(), checkpoint.rows());
            if rows.duplicate() > 0 {
                self.met.count("duplicate");
            }
            total += rows.inserted();
            if step.again {
                self.met.count("stale");
                let again = self.rows.store(&checkpoint, &batch).await;
                prop_assert_eq!(again.map_err(fail)?, Stored::Stale);
            }
        }
        Ok(total)
    }

    /// Stores a block while one event makes every transaction that contains it fail; `None` if the block failed.
    async fn store_poisoned(
        &self,
        checkpoint: &Checkpoint,
        batch: &ActivityBatch,
        event: u128,
    ) -> Result<Option<Stored>, TestCaseError> {
        let hex = event_id(event).simple().to_string();
        let literal = match self.bank.backend {
            Backend::Postgres => format!("'{hex}'"),
            Backend::Sqlite => format!("x'{hex}'"),
        };
        self.bank
            .execute(&format!("INSERT INTO poison VALUES ({literal})"))
            .await;
        let stored = self.rows.store(checkpoint, batch).await;
        self.bank.execute("DELETE FROM poison").await;
        if stored.is_err() {
            self.met.count("broken");
            if self.bank.backend == Backend::Postgres
                || self.bank.number("SELECT count(*) AS n FROM activity_parts").await > 0
            {
                self.met.count("broken in a later part");
            }
        }
        Ok(stored.ok())
    }

    fn block(&self, number: u64, step: &Step, part_rows_max: usize) -> (Checkpoint, ActivityBatch) {
        let layout = ActivityLayout::of(&ByteRecord::from(COLUMNS.to_vec())).expect("these are the columns");
        let (mut rows, mut counts): (Vec<Activity>, RowCounts) = (Vec::new(), RowCounts::default());
        for line in &step.lines {
            counts.read += 1;
            match merchants::parse(&layout, &record(line)) {
                Parsed::Row { row, coerced } => {
                    counts.coerced += u64::from(coerced);
                    rows.push(row);
                }
                Parsed::Skipped(reason) => {
                    self.met.count("skipped");
                    *counts.skipped.entry(reason).or_default() += 1;
                }
            }
        }
        if rows.is_empty() {
            self.met.count("nothing");
        }
        let import = Import {
            bytes_applied: number * 1_000,
            blocks_applied: number,
            ..self.import.clone()
        };
        let checkpoint = Checkpoint::new(&import, import.bytes_applied + 1_000, counts);
        (checkpoint, ActivityBatch::new(rows, part_rows_max))
    }
}

fn fail(fault: service::db::Fault) -> TestCaseError {
    TestCaseError::fail(format!("{fault:?}"))
}

fn event_id(number: u128) -> Uuid {
    // Spread like random ids.
    Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn record((event, merchant, time, product, event_type, amount, status): &Fields) -> ByteRecord {
    let event = event_id(*event).to_string();
    let fields = [
        event.as_str(),
        merchant,
        time,
        product,
        event_type,
        amount,
        status,
        "APP",
        "LAGOS",
        "VERIFIED",
    ];
    ByteRecord::from(fields.to_vec())
}
