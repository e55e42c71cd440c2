//! Compares the bank's own deposits and withdrawals in the aggregates with the ledger's entries, in one snapshot of the
//! database.
//!
//! Redis is read a moment earlier. What the relay adds to it in between is in the snapshot as rows of the journal after
//! the mark. What the archiver moves in between would be counted twice, so then both are read again.

use std::collections::BTreeSet;

use sea_orm::DatabaseTransaction;

use super::AggregatesError;
use super::hot::{Generation, Reading};
use super::reader::same_epoch;
use super::repo;
use super::totals::{Source, Totals};
use crate::db::Fault;
use crate::feed::{self, Mark};

/// Differences that are named; there may be more.
const OFFENDERS_MAX: usize = 100;

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The aggregates and the ledger say the same.
    Equal,
    /// They do not; the differences, at most a hundred.
    Different(Vec<String>),
    /// They could not be compared, and why.
    NotCompared(String),
}

/// The aggregates beside the ledger.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the comparison found.
    pub verdict: Verdict,
    /// The last row of the journal that is counted; `None` when it is not known.
    pub mark: Option<u64>,
    /// Deposits and withdrawals that the reports do not count yet.
    pub lag: u64,
    /// Further facts for the operator.
    pub notes: Vec<String>,
}

impl Comparison {
    fn impossible(why: String, lag: u64, notes: Vec<String>) -> Self {
        Self {
            verdict: Verdict::NotCompared(why),
            mark: None,
            lag,
            notes,
        }
    }

    /// The database went back and no longer has what Redis rests on.
    fn lost(what: &str, lag: u64, notes: Vec<String>) -> Self {
        Self {
            verdict: Verdict::Different(vec![format!("{what}; a running bank makes them anew")]),
            mark: None,
            lag,
            notes,
        }
    }

    /// False only when the aggregates are wrong; aggregates that are late or out of reach are not wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !matches!(self.verdict, Verdict::Different(_))
    }
}

/// Compares. `None` asks for another reading of Redis: the archiver moved something after this one, or, while
/// `may_repeat`, may have.
pub(crate) async fn compare(
    tx: &DatabaseTransaction,
    reading: Result<Option<Reading>, AggregatesError>,
    may_repeat: bool,
) -> Result<Option<Comparison>, Fault> {
    let state = repo::state(tx).await?;
    let mut notes = Vec::new();
    if let Some(at) = state.rebuilt_at {
        notes.push(format!(
            "Redis restarted, or something was lost: the totals were made anew from the database, the last time of {} on {at}",
            state.rebuilds
        ));
    }
    let confirmed = match state.mark() {
        Some(mark) => Some(mark),
        None => feed::first_mark(tx).await?,
    };
    let Some(confirmed) = confirmed else {
        let why = "row 0 of the journal is missing".to_owned();
        return Ok(Some(Comparison::impossible(why, 0, notes)));
    };
    let reading = match reading.and_then(|reading| same_epoch(reading, state.epoch.as_deref())) {
        Ok(reading) => reading,
        Err(error) => {
            // Redis' own mark is unknown; the database's confirmed mark is a lower bound.
            let beyond = beyond(tx, confirmed).await?.unwrap_or_default();
            let lag = number_of(&beyond);
            return Ok(Some(Comparison::impossible(error.to_string(), lag, notes)));
        }
    };
    let archived = repo::archived(tx).await?;
    let in_redis = reading.as_ref().and_then(|reading| reading.at.mark);
    let reading = reading.unwrap_or_default();
    if has_moved(&reading, &archived) {
        return Ok(None);
    }
    note_queue(&reading, &mut notes);
    let mark = match state.epoch {
        Some(_) => in_redis.unwrap_or(confirmed),
        None => confirmed,
    };
    let Some(beyond) = beyond(tx, mark).await? else {
        let what = format!(
            "they stand at row {} of the journal, which is not there or another one",
            mark.number
        );
        return Ok(Some(Comparison::lost(&what, 0, notes)));
    };
    let lag = number_of(&beyond);
    let removed = reading.at.removed.as_ref();
    if removed.is_some_and(|step| !archived.contains(step)) {
        // The archiver may have replaced this name in Redis since, and purged it from the database.
        if may_repeat {
            return Ok(None);
        }
        let what = "the database went back and does not have what was archived last, which is gone from Redis";
        return Ok(Some(Comparison::lost(what, lag, notes)));
    }
    let mut found = repo::stored_totals(tx).await?;
    found.add_all(beyond);
    for (generation, _, totals) in reading.generations {
        if !archived.contains(&generation.id) {
            found.add_all(totals);
        }
    }
    let found = found.filtered(|key| key.source == Source::Bank);
    let head = feed::head(tx).await?;
    let verdict = verdict(found.differences(&repo::ledger_totals(tx, head.last_id).await?));
    Ok(Some(Comparison {
        verdict,
        mark: u64::try_from(mark.number).ok(),
        lag,
        notes,
    }))
}

/// True when a generation is archived that was open when Redis was read, or was opened later.
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

/// The payments after a mark of the journal; `None` when the journal does not have the mark.
async fn beyond(tx: &DatabaseTransaction, mark: Mark) -> Result<Option<Totals>, Fault> {
    match feed::last_id_of(tx, mark).await? {
        Some(last_id) => Ok(Some(repo::payments_after(tx, last_id).await?)),
        None => Ok(None),
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
