//! Proves the journal: its numbers have no gap, each row's digest is that of its content and of the row before, and the
//! transfers between two rows are, byte by byte, those that the later one counts.

use entity::{changes, journal, ledger, transfers};
use sea_orm::{ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Check, OFFENDERS_MAX};
use crate::db::Fault;
use crate::journal::{Identity, Row, digest_of_row, merkle_root};
use crate::ledger::commit::{leaf, leaf_of_change};
use crate::ledger::repo::transfer_of;
use crate::ledger::types::Change;
use crate::values::{RecordId, Sha256Digest};

/// Rows of the journal that are read at once.
const ROWS_AT_ONCE: u64 = 200;
/// Transfers that are read at once, however many one commit has.
const TRANSFERS_AT_ONCE: u64 = 5_000;

/// Walks the whole journal in the snapshot.
pub(super) async fn journal_is_whole(tx: &DatabaseTransaction) -> Result<Check, Fault> {
    let mut walk = Walk::begin(tx).await?;
    loop {
        let rows = journal::Entity::find()
            .filter(journal::Column::Number.gt(walk.before.number))
            .order_by_asc(journal::Column::Number)
            .limit(ROWS_AT_ONCE)
            .all(tx)
            .await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            walk.step(row).await?;
        }
    }
    walk.end().await
}

/// Where the walk has come to.
struct Walk<'a> {
    tx: &'a DatabaseTransaction,
    identity: Identity,
    before: journal::Model,
    offenders: Vec<String>,
}

impl<'a> Walk<'a> {
    async fn begin(tx: &'a DatabaseTransaction) -> Result<Self, Fault> {
        let ledger = ledger::Entity::find().one(tx).await?;
        let ledger = ledger.ok_or_else(|| missing("the ledger's identity"))?;
        let birth = journal::Entity::find_by_id(0_i64).one(tx).await?;
        Ok(Self {
            tx,
            identity: Identity {
                id: ledger.id,
                salt: ledger.salt.0,
            },
            before: birth.ok_or_else(|| missing("row 0 of the journal"))?,
            offenders: Vec::new(),
        })
    }

    async fn step(&mut self, stored: journal::Model) -> Result<(), Fault> {
        let expected = self.before.number + 1;
        if stored.number != expected {
            self.offend(format!("rows {expected} to {} are missing", stored.number - 1));
        }
        if stored.last_id < self.before.last_id || stored.at < self.before.at {
            self.offend(format!(
                "row {}: its ids or its time are before those of the row before",
                stored.number
            ));
        }
        let leaves = self.leaves(self.before.last_id, Some(stored.last_id)).await?;
        let counted = usize::try_from(stored.transfers + stored.changes).unwrap_or_default();
        if leaves.len() != counted {
            self.offend(format!(
                "row {}: counts {counted} transfers and changes, and there are {}",
                stored.number,
                leaves.len()
            ));
        } else if merkle_root(&leaves) != stored.root {
            self.offend(format!(
                "row {}: its transfers and changes are not those that were committed",
                stored.number
            ));
        }
        let row = Row {
            number: stored.number,
            last_id: stored.last_id,
            transfers: stored.transfers.unsigned_abs(),
            changes: stored.changes.unsigned_abs(),
            at: stored.at,
            root: stored.root,
        };
        if digest_of_row(self.identity.id, self.before.digest, &row) != stored.digest {
            self.offend(format!(
                "row {}: its digest is not that of its content and of the row before",
                stored.number
            ));
        }
        self.before = stored;
        Ok(())
    }

    /// What lies beyond the head was written past the journal.
    async fn end(mut self) -> Result<Check, Fault> {
        let beyond = self.leaves(self.before.last_id, None).await?.len();
        if beyond > 0 {
            self.offend(format!("{beyond} transfers and changes are in no row"));
        }
        Ok(Check {
            claim: "the journal has no gap, and its digests are those of what is stored",
            offenders: self.offenders,
        })
    }

    /// The leaves of the transfers and changes after one id, through another, in id order.
    async fn leaves(&self, after: RecordId, through: Option<RecordId>) -> Result<Vec<Sha256Digest>, Fault> {
        let mut leaves = self.leaves_of_transfers(after, through).await?;
        leaves.extend(self.leaves_of_changes(after, through).await?);
        leaves.sort_unstable_by_key(|(id, _)| *id);
        Ok(leaves.into_iter().map(|(_, leaf)| leaf).collect())
    }

    async fn leaves_of_changes(
        &self,
        after: RecordId,
        through: Option<RecordId>,
    ) -> Result<Vec<(RecordId, Sha256Digest)>, Fault> {
        let mut query = changes::Entity::find().filter(changes::Column::Id.gt(after));
        if let Some(through) = through {
            query = query.filter(changes::Column::Id.lte(through));
        }
        let found = query.all(self.tx).await?;
        let leaf = |change: Change| (change.id.into(), leaf_of_change(&change, &self.identity.salt));
        Ok(found.into_iter().map(|model| leaf(change_of(model))).collect())
    }

    async fn leaves_of_transfers(
        &self,
        after: RecordId,
        through: Option<RecordId>,
    ) -> Result<Vec<(RecordId, Sha256Digest)>, Fault> {
        let mut leaves = Vec::new();
        let mut after = after;
        loop {
            let mut query = transfers::Entity::find().filter(transfers::Column::Id.gt(after));
            if let Some(through) = through {
                query = query.filter(transfers::Column::Id.lte(through));
            }
            let found = query
                .order_by_asc(transfers::Column::Id)
                .limit(TRANSFERS_AT_ONCE)
                .all(self.tx)
                .await?;
            let Some(last) = found.last() else {
                return Ok(leaves);
            };
            after = last.id.into();
            let is_last = (found.len() as u64) < TRANSFERS_AT_ONCE;
            for model in found {
                let id = model.id.into();
                leaves.push((id, leaf(&transfer_of(model)?, &self.identity.salt)));
            }
            if is_last {
                return Ok(leaves);
            }
        }
    }

    fn offend(&mut self, offence: String) {
        if self.offenders.len() < OFFENDERS_MAX {
            self.offenders.push(offence);
        }
    }
}

fn missing(what: &str) -> Fault {
    DbErr::RecordNotFound(format!("{what} is missing")).into()
}

fn change_of(model: changes::Model) -> Change {
    Change {
        id: model.id,
        kind: model.kind,
        subject: model.subject,
        created_by: model.created_by,
        before: model.before,
        after: model.after,
    }
}
