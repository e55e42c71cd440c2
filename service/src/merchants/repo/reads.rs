//! Reads the reports' numbers and one merchant's summary, on both databases.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

use crate::db::Fault;
use crate::merchants::report::{Item, Reports};
use crate::merchants::rollup::MerchantCounts;
use crate::merchants::summary::MerchantSummary;
use crate::merchants::volume::Volume;

/// The version of the stored reports; every change of them changes it.
pub(in crate::merchants) async fn version(db: &impl ConnectionTrait) -> Result<i64, Fault> {
    let row = one(db, "SELECT version FROM merchant_ranking WHERE id = 1", []).await?;
    Ok(row
        .ok_or_else(|| Fault::damaged("a ranking of merchants"))?
        .try_get_by_index(0)?)
}

// One statement, so that all rows are of one moment. The ranking's row has an empty report name, and its version as the
// count.
const NUMBERS: &str = "
SELECT '' AS report, ranking AS item, version AS count FROM merchant_ranking
UNION ALL SELECT report, item, count FROM report_counts";

/// Reads every report.
pub(in crate::merchants) async fn load(db: &impl ConnectionTrait) -> Result<Reports, Fault> {
    let statement = Statement::from_string(db.get_database_backend(), NUMBERS);
    let (mut version, mut ranking, mut numbers) = (0, None, Vec::new());
    for row in db.query_all_raw(statement).await? {
        let (report, item, count): (String, String, i64) = (
            row.try_get_by_index(0)?,
            row.try_get_by_index(1)?,
            row.try_get_by_index(2)?,
        );
        if report.is_empty() {
            version = count;
            ranking = Some(serde_json::from_str(&item).map_err(Fault::broken)?);
        } else {
            let item = Item::from_key(&report, &item).ok_or_else(|| Fault::damaged("a report of merchants"))?;
            numbers.push((item, count.unsigned_abs()));
        }
    }
    let ranking = ranking.ok_or_else(|| Fault::damaged("a ranking of merchants"))?;
    Ok(Reports::new(version, &ranking, numbers))
}

/// Reads what a merchant has done; `None` when no activity names it.
pub(in crate::merchants) async fn summary(
    db: &impl ConnectionTrait,
    merchant_id: &str,
) -> Result<Option<MerchantSummary>, Fault> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT merchant_id, counts, first_activity, last_activity, volume::text AS volume_text \
             FROM merchants WHERE merchant_id = $1"
        }
        _ => {
            "SELECT merchant_id, counts, first_activity, last_activity, volume_high, volume_low \
             FROM merchants WHERE merchant_id = $1"
        }
    };
    let Some(row) = one(db, sql, [merchant_id.into()]).await? else {
        return Ok(None);
    };
    let counts: String = row.try_get("", "counts")?;
    Ok(Some(MerchantSummary {
        merchant_id: row.try_get("", "merchant_id")?,
        volume: volume(db.get_database_backend(), &row)?,
        counts: MerchantCounts::from_text(&counts).ok_or_else(|| Fault::damaged("a counts of merchants"))?,
        first_activity: row.try_get("", "first_activity")?,
        last_activity: row.try_get("", "last_activity")?,
    }))
}

fn volume(backend: DbBackend, row: &QueryResult) -> Result<Volume, Fault> {
    match backend {
        DbBackend::Postgres => row.try_get::<String>("", "volume_text")?.parse().map_err(Fault::broken),
        _ => Ok(Volume::from_halves(
            row.try_get("", "volume_high")?,
            row.try_get("", "volume_low")?,
        )),
    }
}

async fn one<const N: usize>(
    db: &impl ConnectionTrait,
    sql: &str,
    values: [sea_orm::Value; N],
) -> Result<Option<QueryResult>, Fault> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(db.query_one_raw(statement).await?)
}
