//! The SQL of merchants: stores rows and rollups a block at a time, reads reports and summaries.

mod copy;
mod part_size;
mod postgres;
mod reads;
mod sqlite;
mod sqlite_inserts;
mod sqlite_rollups;

pub(super) use self::postgres::PostgresActivityStore;
pub(super) use self::reads::{load, summary, version};
pub(super) use self::sqlite::SqliteActivityStore;

use std::collections::BTreeMap;

use super::month::Month;
use super::ranking::{Leaders, Ranked, Ranking};
use super::remembered::{Changes, Remembered};
use super::report::Item;
use super::rollup::{Merchant, Rollup};
use crate::clock::random_bytes;
use crate::db::Fault;

/// A transaction that rollups are written in.
trait RollupTx: Send {
    /// Reads the version of the rollups and the ranking, and locks the rollups against every other importer until this
    /// transaction ends. It is taken before any other lock on them, so that importers cannot deadlock.
    fn lock(&mut self) -> impl Future<Output = Result<(i64, Ranking), Fault>> + Send;

    /// Reads merchants; the answer leaves out those that are not stored.
    fn read_merchants(&mut self, ids: &[&str])
    -> impl Future<Output = Result<Vec<(Box<str>, Merchant)>, Fault>> + Send;

    /// Writes merchants, new ones and changed ones.
    fn write_merchants(&mut self, merchants: &[(Box<str>, Merchant)])
    -> impl Future<Output = Result<(), Fault>> + Send;

    /// Stores in which months merchants were active, and answers by month how many of these are new.
    fn add_months(
        &mut self,
        months: &[(Month, Box<str>)],
    ) -> impl Future<Output = Result<BTreeMap<Month, u64>, Fault>> + Send;

    /// Adds to the numbers of the reports.
    fn add_to_numbers(&mut self, numbers: BTreeMap<Item, u64>) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The best merchants, one more than the ranking keeps; `None` where the scan would make every other writer wait.
    fn best(&mut self) -> impl Future<Output = Result<Option<Vec<Ranked>>, Fault>> + Send;

    /// Writes the ranking under a new version.
    fn save(&mut self, version: i64, ranking: &Ranking) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The best merchants at a version of the rollups: more than the ranking keeps and a part changes.
struct Best {
    version: i64,
    merchants: Vec<Ranked>,
}

/// How many rows were inserted, and what that changed.
type InsertedRows = (u64, Option<Changes>);

/// What became of a rollup that was to be added.
enum Added {
    /// To be remembered once it is committed.
    Done(Changes),
    /// The leaders are unknown: the caller rolls back, finds the best merchants, and adds again.
    Leaderless,
}

/// Adds a rollup to the stored ones. `best` is used only if it is of their present version.
async fn add(
    tx: &mut impl RollupTx,
    rollup: &Rollup,
    remembered: &mut Remembered,
    best: Option<&Best>,
) -> Result<Added, Fault> {
    let (version, mut ranking) = tx.lock().await?;
    remembered.forget_unless_at(version);
    let unknown = remembered.unknown(rollup);
    if !unknown.is_empty() {
        remembered.learn(tx.read_merchants(&unknown).await?);
    }
    let mut changes = remembered.change(rollup, &ranking);
    tx.write_merchants(&changes.merchants).await?;
    let months = tx.add_months(&changes.months).await?;
    tx.add_to_numbers(changes.numbers(rollup, months)).await?;
    if ranking.change(changes.take_succeeded()) == Leaders::Lost {
        let best = match best.filter(|best| best.version == version) {
            Some(best) => changes.best_after(&best.merchants),
            None => match tx.best().await? {
                Some(best) => best,
                None => return Ok(Added::Leaderless),
            },
        };
        ranking = Ranking::of_best(best);
    }
    changes.version = next_version(version);
    tx.save(changes.version, &ranking).await?;
    Ok(Added::Done(changes))
}

/// A later version, by a random step of at most 2^31: an `i64` leaves room for four thousand million of these, more
/// than blocks will ever come. `remembered` says why it is random.
fn next_version(version: i64) -> i64 {
    version + 1 + i64::from(u32::from_be_bytes(random_bytes()) >> 1)
}
