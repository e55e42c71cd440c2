//! Reads the ledger's identity outside of the committer.

use entity::ledger;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use crate::db::Fault;
use crate::journal::LedgerIdentity;

/// The ledger's identity; `None` if its row is missing or damaged.
pub(crate) async fn stored_identity(db: &impl ConnectionTrait) -> Result<Option<LedgerIdentity>, Fault> {
    let query = Statement::from_string(db.get_database_backend(), "SELECT id, salt FROM ledger");
    let row = db.query_one_raw(query).await?;
    let model = row.and_then(|row| ledger::Model::from_query_result(&row, "").ok());
    Ok(model.map(|ledger| LedgerIdentity {
        id: ledger.id,
        salt: ledger.salt.0,
    }))
}
