//! Proves the journal in one walk over two streams: its rows by number, and the records that have leaves in them by id.
//! The numbers have no gap, each row's digest is that of its content and of the row before, and what lies between two
//! rows is, byte by byte, what the later one counts. The walk keeps a page of each stream in memory, and no leaf.

use entity::{journal, ledger};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Statement};

use super::records::{LeafRecords, LeafTable};
use super::rows::{JournalPages, StoredRow};
use super::{Check, JournalSpan, OFFENDERS_MAX, VerifyError, id_text};
use crate::db::Fault;
use crate::journal::{ChainRow, LedgerIdentity, MerkleTree, digest_of_row};
use crate::values::{Sha256Digest, Timestamp};

const CLAIM: &str = "the journal has no gap, and its digests are those of what is stored";

/// Walks the journal from the row after `since` on, in the snapshot. The digest of row `since` is taken as it is
/// stored.
pub(super) async fn journal_is_whole(
    tx: &DatabaseTransaction,
    since: i64,
) -> Result<(JournalSpan, Check), VerifyError> {
    let newest = StoredRow::newest(tx, i64::MAX).await?;
    let head = newest.as_ref().map_or(0, |newest| newest.number);
    if since < 0 || since > head {
        return Err(VerifyError::NoSuchRow { since, head });
    }
    // If the row is missing, the one before it: the walk names the gap.
    let start = StoredRow::newest(tx, since).await?;
    let mut offenders = Offenders::default();
    let mut span = JournalSpan {
        start: start.as_ref().map(StoredRow::row_digest),
        rows: 0,
        head: newest.as_ref().map(StoredRow::row_digest),
    };
    match identity(tx).await? {
        None => offenders.push("the ledger's identity is missing, and nothing can be checked without it".to_owned()),
        Some(identity) => {
            let mut walk = JournalWalk::begin(tx, identity, start, offenders);
            let mut rows = JournalPages::after(walk.before.number);
            while let Some(row) = rows.next(tx).await? {
                walk.step(row).await?;
                span.rows += 1;
            }
            offenders = walk.end().await?;
        }
    }
    Ok((
        span,
        Check {
            claim: CLAIM,
            offenders: offenders.0,
        },
    ))
}

/// `None` if the row is missing or damaged.
async fn identity(tx: &DatabaseTransaction) -> Result<Option<LedgerIdentity>, Fault> {
    let query = Statement::from_string(tx.get_database_backend(), "SELECT id, salt FROM ledger");
    let row = tx.query_one_raw(query).await?;
    let model = row.and_then(|row| ledger::Model::from_query_result(&row, "").ok());
    Ok(model.map(|ledger| LedgerIdentity {
        id: ledger.id,
        salt: ledger.salt.0,
    }))
}

/// What the walk keeps of the row before. A `None` is not compared.
struct RowBefore {
    number: i64,
    last_id: Option<Vec<u8>>,
    at: Option<Timestamp>,
    digest: Option<Sha256Digest>,
}

impl From<StoredRow> for RowBefore {
    fn from(row: StoredRow) -> Self {
        Self {
            number: row.number,
            last_id: row.last_id,
            at: row.model.map(|model| model.at),
            digest: row.digest,
        }
    }
}

/// Sentences about what is wrong, up to a limit.
#[derive(Default)]
struct Offenders(Vec<String>);

impl Offenders {
    fn push(&mut self, offence: String) {
        if self.0.len() < OFFENDERS_MAX {
            self.0.push(offence);
        }
    }
}

/// The state of the walk.
struct JournalWalk<'a> {
    tx: &'a DatabaseTransaction,
    identity: LedgerIdentity,
    records: LeafRecords<'a>,
    before: RowBefore,
    offenders: Offenders,
}

impl<'a> JournalWalk<'a> {
    fn begin(
        tx: &'a DatabaseTransaction,
        identity: LedgerIdentity,
        start: Option<StoredRow>,
        mut offenders: Offenders,
    ) -> Self {
        if let Some(row) = start.as_ref().filter(|row| row.model.is_none()) {
            offenders.push(unreadable(row.number));
        }
        // Row 0 has no records, so a record with an id below its last id is counted to row 1.
        let first = start.as_ref().filter(|row| row.number > 0);
        let records = LeafRecords::after(tx, identity.salt, first.and_then(|row| row.last_id.clone()));
        let before = start.map_or(
            RowBefore {
                number: -1,
                last_id: None,
                at: None,
                digest: None,
            },
            RowBefore::from,
        );
        Self {
            tx,
            identity,
            records,
            before,
            offenders,
        }
    }

    async fn step(&mut self, stored: StoredRow) -> Result<(), Fault> {
        let (expected, number) = (self.before.number + 1, stored.number);
        if number != expected {
            self.offenders
                .push(format!("rows {expected} to {} are missing", number - 1));
        }
        match (&stored.model, &stored.last_id) {
            (Some(row), Some(last_id)) => {
                if self.before.last_id.as_ref().is_some_and(|before| last_id < before)
                    || self.before.at.is_some_and(|before| row.at < before)
                {
                    self.offenders.push(format!(
                        "row {number}: its ids or its time are before those of the row before"
                    ));
                }
                self.compare_records(row, last_id).await?;
                self.compare_digest(row);
            }
            (_, last_id) => {
                self.offenders.push(unreadable(number));
                // Its records cannot be compared with it, and must not be counted to the next row.
                if let Some(last_id) = last_id {
                    while self.records.next_through(last_id).await?.is_some() {}
                }
            }
        }
        self.before = stored.into();
        Ok(())
    }

    /// Compares the records between the row before and this one with this row's counts and root.
    async fn compare_records(&mut self, row: &journal::Model, last_id: &[u8]) -> Result<(), Fault> {
        let number = row.number;
        let mut found = LeafTable::ALL.map(|table| (table, 0_i64));
        let (mut tree, mut is_comparable) = (MerkleTree::default(), true);
        while let Some(record) = self.records.next_through(last_id).await? {
            for (table, count) in &mut found {
                *count += i64::from(*table == record.table);
            }
            match record.leaf {
                Ok(leaf) => tree.push(leaf),
                Err(why) => {
                    is_comparable = false;
                    let (word, id) = (record.table.singular(), id_text(&record.id));
                    self.offenders.push(format!("row {number}: {word} {id} {why}"));
                }
            }
        }
        for (table, count) in found {
            let counted = table.counted_by(row);
            if count != counted {
                is_comparable = false;
                let word = table.plural();
                self.offenders
                    .push(format!("row {number}: counts {counted} {word}, and there are {count}"));
            }
        }
        if is_comparable && tree.root() != row.root {
            self.offenders.push(format!(
                "row {number}: its transfers and changes are not those that were committed"
            ));
        }
        Ok(())
    }

    fn compare_digest(&mut self, stored: &journal::Model) {
        let row = ChainRow {
            number: stored.number,
            last_id: stored.last_id,
            transfers: stored.transfers.unsigned_abs(),
            changes: stored.changes.unsigned_abs(),
            at: stored.at,
            root: stored.root,
        };
        let expected = |before| digest_of_row(self.identity.id, before, &row);
        if self
            .before
            .digest
            .is_some_and(|before| expected(before) != stored.digest)
        {
            self.offenders.push(format!(
                "row {}: its digest is not that of its content and of the row before",
                stored.number
            ));
        }
    }

    /// Counts records above the last row's last id: no row of the journal has them.
    async fn end(mut self) -> Result<Offenders, Fault> {
        for table in LeafTable::ALL {
            let beyond = table.count_above(self.tx, self.before.last_id.as_deref()).await?;
            if beyond > 0 {
                self.offenders
                    .push(format!("{beyond} {} are in no row", table.plural()));
            }
        }
        Ok(self.offenders)
    }
}

fn unreadable(number: i64) -> String {
    format!("row {number}: cannot be read as one")
}
