//! The bank's own deposits and withdrawals in the aggregates against the ledger's entries, in one snapshot of the database.
//!
//! Redis is read a moment before: what batches bring to it in between is in the snapshot as batches beyond the mark, and
//! what the archiver takes from it in between would be there twice, so then both are read again.

use std::collections::BTreeSet;

use sea_orm::DatabaseTransaction;

use super::hot::{Generation, Reading};
use super::repo;
use super::totals::{Source, Totals};
use super::{AggregatesError, belonging};
use crate::db::Fault;

/// Differences that are named; there may be more.
const OFFENDERS_MAX: usize = 100;
const BATCHES_MAX: i64 = 256;

/// What the comparison came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The aggregates and the ledger say the same.
    Equal,
    /// They do not; what differs, at most a hundred.
    Different(Vec<String>),
    /// They could not be compared, and why.
    NotCompared(String),
}

/// The aggregates beside the ledger.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub verdict: Verdict,
    /// The last of the bank's batches that is in the hot store; none without Redis, where the outbox is all that is late.
    pub mark: Option<u64>,
    /// Deposits and withdrawals that are not in the answers of reports yet.
    pub lag: u64,
    /// What an operator should know besides.
    pub notes: Vec<String>,
}

impl Comparison {
    /// False only when the aggregates are wrong: late or out of reach is not wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !matches!(self.verdict, Verdict::Different(_))
    }
}

/// Compares; `None` when the archiver came in between and Redis has to be read again.
pub(crate) async fn compare(
    tx: &DatabaseTransaction,
    reading: Result<Option<Reading>, AggregatesError>,
) -> Result<Option<Comparison>, Fault> {
    let state = repo::state(tx).await?;
    let mut notes = Vec::new();
    if let Some(at) = state.rebuilt_at {
        notes.push(format!(
            "Redis restarted or lost something: its totals were made anew from the database, the last time of {} on {at}",
            state.rebuilds
        ));
    }
    let outbox = repo::outbox_len(tx).await?;
    let reading = match reading.and_then(|reading| belonging(reading, state.epoch.as_deref())) {
        Ok(reading) => reading,
        Err(error) => {
            // Nobody can say how far Redis is; what is known is how far it is at least.
            let beyond = batches_beyond(tx, state.confirmed).await?;
            return Ok(Some(Comparison {
                verdict: Verdict::NotCompared(error.to_string()),
                mark: None,
                lag: outbox + number_of(&beyond),
                notes,
            }));
        }
    };
    let archived = repo::archived(tx).await?;
    let mark = reading.as_ref().map(|reading| reading.at.next_batch.saturating_sub(1));
    let reading = reading.unwrap_or_default();
    if has_moved(&reading, &archived) {
        return Ok(None);
    }
    note_queue(&reading, &mut notes);
    // What was taken out of the outbox and had not reached Redis when it was read.
    let beyond = batches_beyond(tx, reading.at.next_batch.saturating_sub(1).cast_signed()).await?;
    let lag = outbox + number_of(&beyond);
    let mut found = repo::stored_totals(tx).await?;
    found.add_all(beyond);
    for (generation, _, totals) in reading.generations {
        if !archived.contains(&generation.id) {
            found.add_all(totals);
        }
    }
    let found = found.filtered(|key| key.source == Source::Bank);
    let verdict = verdict(found.differences(&repo::ledger_totals(tx).await?));
    Ok(Some(Comparison {
        verdict,
        mark,
        lag,
        notes,
    }))
}

/// True when something is archived that was open when Redis was read, or opened after.
fn has_moved(reading: &Reading, archived: &BTreeSet<String>) -> bool {
    let was_open =
        |(generation, is_open, _): &(Generation, bool, Totals)| *is_open && archived.contains(&generation.id);
    let at = &reading.at;
    reading.generations.iter().any(was_open)
        || archived
            .iter()
            .any(|id| !at.epoch.is_empty() && Generation::is_later(id, &at.epoch, at.generation))
}

fn note_queue(reading: &Reading, notes: &mut Vec<String>) {
    let at = &reading.at;
    if at.waiting > 0 {
        notes.push(format!("{} blocks of imports wait in the queue", at.waiting));
    }
    if at.dead > 0 {
        notes.push(format!(
            "{} messages that could not be read or did not follow what was applied are among the dead letters",
            at.dead
        ));
    }
}

fn number_of(totals: &Totals) -> u64 {
    totals.iter().map(|(_, sum)| sum.count).sum()
}

/// The batches after one.
async fn batches_beyond(tx: &DatabaseTransaction, mut mark: i64) -> Result<Totals, Fault> {
    let mut totals = Totals::default();
    loop {
        let batches = repo::batches_after(tx, mark, BATCHES_MAX).await?;
        let Some((last, _)) = batches.last() else {
            return Ok(totals);
        };
        mark = last.cast_signed();
        for (_, batch) in batches {
            totals.add_all(batch);
        }
    }
}

fn verdict(differences: Vec<(super::Key, i128, i128)>) -> Verdict {
    if differences.is_empty() {
        return Verdict::Equal;
    }
    let named = differences.into_iter().take(OFFENDERS_MAX);
    Verdict::Different(
        named
            .map(|(key, units, count)| {
                format!(
                    "{} {} {} by {} is off by {units} ten-thousandths and {count} in number",
                    key.currency,
                    key.day,
                    key.kind.word(),
                    key.method
                )
            })
            .collect(),
    )
}
