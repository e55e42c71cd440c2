//! A clock that a test moves, and the clock of a test's database.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta};
use sea_orm::ConnectionTrait;
use service::clock::{Clock, SystemClock};
use service::db::{Db, is_sqlite};
use service::values::Timestamp;

use crate::bank::TestBank;

/// A clock that stands still until a test moves it.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// Starts on 2026-01-05 at 03:33:58 UTC.
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(
            DateTime::from_timestamp(1_767_584_038, 0).expect("this is a time"),
        ))
    }

    /// Moves the clock; back if negative.
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().expect("no test panics while it holds the clock") += by;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no test panics while it holds the clock")
    }
}

impl TestBank {
    /// Moves the clocks of the bank's processes and of its database; back if negative.
    pub async fn advance(&self, by: TimeDelta) {
        set_bank_time(&self.database.url, self.clock.now() + by).await;
        self.clock.advance(by);
    }
}

/// Stops the database's clock at a time, for every process of the bank. Does nothing on SQLite, where each process has
/// only its own clock.
pub async fn set_bank_time(url: &str, time: Timestamp) {
    if is_sqlite(url) {
        return;
    }
    let db = Db::connect(url).await.expect("a test's database can be opened");
    let sql = format!("UPDATE bank_clock SET stands_at = '{}'", time.to_rfc3339());
    db.write.execute_unprepared(&sql).await.expect("the clock can be set");
    db.close().await;
}

/// The real time, by this machine's clock.
#[must_use]
pub fn world_time() -> Timestamp {
    SystemClock.now()
}
