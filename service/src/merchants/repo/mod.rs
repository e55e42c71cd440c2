//! The SQL of merchants: rows and rollups go in by the block, reports and summaries come out.

mod copy;
mod postgres;
mod reads;
mod sqlite;
mod values;

pub(super) use self::postgres::PostgresRows;
pub(super) use self::reads::{load, summary, version};
pub(super) use self::sqlite::SqliteRows;

use std::collections::BTreeMap;

use super::month::Month;
use super::ranking::{Known, Ranked, Ranking};
use super::report::Item;
use super::rollup::{Mark, Marks, MerchantDelta, Rollup};
use crate::db::Fault;
use crate::values::{ActivityStatus, Product};

/// A transaction that rollups are written in.
trait RollupTx: Send {
    /// Reads the ranking and keeps every other importer from the rollups until this transaction ends: with one lock that
    /// is taken first, the order of the others cannot matter.
    fn lock_ranking(&mut self) -> impl Future<Output = Result<Ranking, Fault>> + Send;

    /// Adds to merchants. Answers with those that have a new mark, lead, or reach the ranking's least volume; others may
    /// be among them.
    fn add_to_merchants(
        &mut self,
        deltas: &[MerchantDelta],
        ranking: &Ranking,
    ) -> impl Future<Output = Result<Vec<Changed>, Fault>> + Send;

    /// Notes in which months merchants were active, and counts those that were not noted before.
    fn add_months(
        &mut self,
        months: &[(Month, Box<str>)],
    ) -> impl Future<Output = Result<BTreeMap<Month, u64>, Fault>> + Send;

    /// Adds to the numbers of the reports.
    fn add_to_numbers(&mut self, numbers: BTreeMap<Item, u64>) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The best of all merchants, one more than lead.
    fn best(&mut self) -> impl Future<Output = Result<Vec<Ranked>, Fault>> + Send;

    /// Writes the ranking under the next version.
    fn save_ranking(&mut self, ranking: &Ranking) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A merchant after a change.
struct Changed {
    merchant: Ranked,
    marks: Marks,
    new_marks: Marks,
}

/// Adds what rows add to every rollup.
async fn add(tx: &mut impl RollupTx, rollup: &Rollup) -> Result<(), Fault> {
    let mut ranking = tx.lock_ranking().await?;
    let changed = tx.add_to_merchants(&rollup.merchants, &ranking).await?;
    let months = tx.add_months(&rollup.months).await?;
    tx.add_to_numbers(numbers(rollup, &changed, months)).await?;
    let succeeded = changed.into_iter().filter(|one| one.marks.has(Mark::Succeeded));
    if ranking.change(succeeded.map(|one| one.merchant).collect()) == Known::Nobody {
        ranking = Ranking::of_best(tx.best().await?);
    }
    tx.save_ranking(&ranking).await
}

fn numbers(rollup: &Rollup, changed: &[Changed], months: BTreeMap<Month, u64>) -> BTreeMap<Item, u64> {
    let mut numbers: BTreeMap<Item, u64> = BTreeMap::new();
    for (month, count) in months {
        numbers.insert(Item::ActiveMerchants(month), count);
    }
    for (product, status, count) in rollup.counts.iter().filter(|(_, _, count)| *count > 0) {
        numbers.insert(Item::Activities(product, status), count);
    }
    for (mark, item) in Mark::all().filter_map(|mark| Some((mark, Item::of_mark(mark)?))) {
        let count = changed.iter().filter(|one| one.new_marks.has(mark)).count();
        if count > 0 {
            numbers.insert(item, count as u64);
        }
    }
    numbers
}

/// The names of a merchant's counters, in the order of `Counts::iter`.
fn counters() -> impl Iterator<Item = String> {
    let name = |product: Product, status: ActivityStatus| format!("{product}_{status}").to_lowercase();
    Product::ALL
        .iter()
        .flat_map(move |product| ActivityStatus::ALL.iter().map(move |status| name(*product, *status)))
}

/// What is stored and cannot have been written by this program.
fn damaged(what: &'static str) -> Fault {
    Fault::broken(sea_orm::DbErr::Type(format!("the stored {what} cannot be read")))
}
