//! The bank's time, and whether this process' clock agrees with it.

use std::sync::Arc;

use chrono::TimeDelta;

use super::repo;
use super::skew::clocks_disagree;
use crate::clock::{Clock, ShiftedClock};
use crate::db::{Db, Fault};

/// This machine's clock with the offset that the database keeps: the clock of a process that commits.
pub async fn bank_clock(db: &Db) -> Result<Arc<dyn Clock>, Fault> {
    let offset = TimeDelta::microseconds(repo::bank_offset_us(db).await?);
    Ok(Arc::new(ShiftedClock::new(offset)))
}

/// How many milliseconds this process' clock is ahead of the database's (negative if it is behind); `None` where the
/// two do not contradict each other.
pub(crate) async fn clock_skew_ms(db: &Db, clock: &dyn Clock) -> Result<Option<i64>, Fault> {
    let sent = clock.now();
    let Some(time) = repo::bank_time(db).await? else {
        return Ok(None);
    };
    let received = clock.now();
    Ok(clocks_disagree(sent, time, received).then(|| (received - time).num_milliseconds()))
}
