//! Proves the journal in one walk over two streams: its rows by number, and the records that have leaves in them by id.
//! The numbers have no gap, each row's digest is that of its content and of the row before, and what lies between two
//! rows is, byte by byte, what the later one counts. The walk keeps a page of each stream in memory, and no leaf.

use entity::journal;
use sea_orm::DatabaseTransaction;

use super::entry_proof::DemandedEntries;
use super::fingerprint::FingerprintKey;
use super::progress::VerifyProgress;
use super::records::{LeafRecords, LeafTable};
use super::rows::{JournalPages, StoredRow};
use super::{Check, JournalSpan, OFFENDERS_MAX, VerifyError, id_text};
use crate::db::Fault;
use crate::journal::{ChainRow, LedgerIdentity, MerkleTree, digest_of_row};
use crate::ledger::repo::stored_identity;
use crate::values::{Sha256Digest, Timestamp};

const CLAIM: &str = "the journal has no gap, and its digests are those of what is stored";

/// What the walk has found.
pub(super) struct JournalWalkResult {
    pub span: JournalSpan,
    pub check: Check,
    /// The entries that the transfers after the first row demand. `None` where the walk did not begin.
    pub demanded: Option<DemandedEntries>,
    /// The greatest id that the walk did not read, if it began after row 0.
    pub skipped_through: Option<Vec<u8>>,
    /// True if the walk came by the noted row, and it had the noted digest.
    pub has_noted_row: bool,
}

/// Where a walk begins, and what it must come by.
#[derive(Clone, Copy)]
pub(super) struct WalkStart {
    /// The row before the first. Of this row only the digest is checked, against its content and the digest before.
    pub since: i64,
    /// A row's number and the digest that it had when it was noted elsewhere.
    pub noted: Option<(i64, Sha256Digest)>,
}

impl WalkStart {
    pub fn after(since: i64) -> Self {
        Self { since, noted: None }
    }
}

/// Walks the journal from the row after `since` on, in the snapshot.
pub(super) async fn walk_journal(
    tx: &DatabaseTransaction,
    WalkStart { since, noted }: WalkStart,
    key: FingerprintKey,
    progress: &VerifyProgress,
) -> Result<JournalWalkResult, VerifyError> {
    let newest = StoredRow::newest(tx, i64::MAX).await?;
    let head = newest.as_ref().map_or(0, |newest| newest.number);
    for asked in [Some(since), noted.map(|(number, _)| number)].into_iter().flatten() {
        if asked < 0 || asked > head {
            return Err(VerifyError::NoSuchRow { since: asked, head });
        }
    }
    // If the row is missing, the one before it: the walk names the gap.
    let start = StoredRow::newest(tx, since).await?;
    let mut offenders = Offenders::default();
    let mut span = JournalSpan {
        start: start.as_ref().map(StoredRow::row_digest),
        rows: 0,
        head: newest.as_ref().map(StoredRow::row_digest),
    };
    let (mut demanded, mut skipped_through, mut has_noted_row) = (None, None, false);
    match stored_identity(tx).await? {
        None => offenders.push("the ledger's identity is missing, and nothing can be checked without it".to_owned()),
        Some(identity) => {
            let previous = StoredRow::newest(tx, since - 1).await?;
            let mut walk = JournalWalk::begin(tx, identity, start, key, offenders);
            walk.noted = noted;
            walk.check_start(previous);
            skipped_through = walk.records.begins_after();
            let mut rows = JournalPages::after(walk.before.number);
            while let Some(row) = rows.next(tx).await? {
                progress.add(walk.step(row).await?);
                span.rows += 1;
            }
            walk.end().await?;
            has_noted_row = walk.has_noted_row;
            (offenders, demanded) = (walk.offenders, Some(walk.records.demanded));
        }
    }
    Ok(JournalWalkResult {
        span,
        check: Check {
            claim: CLAIM,
            offenders: offenders.0,
        },
        demanded,
        skipped_through,
        has_noted_row,
    })
}

/// What the walk keeps of the row before. A `None` is not compared.
struct RowBefore {
    number: i64,
    last_id: Option<Vec<u8>>,
    at: Option<Timestamp>,
    digest: Option<Sha256Digest>,
}

impl RowBefore {
    /// Before all rows.
    const NONE: Self = Self {
        number: -1,
        last_id: None,
        at: None,
        digest: None,
    };
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
    /// The content of the row before the first, if it can be read.
    start: Option<journal::Model>,
    noted: Option<(i64, Sha256Digest)>,
    has_noted_row: bool,
    offenders: Offenders,
}

impl<'a> JournalWalk<'a> {
    fn begin(
        tx: &'a DatabaseTransaction,
        identity: LedgerIdentity,
        start: Option<StoredRow>,
        key: FingerprintKey,
        mut offenders: Offenders,
    ) -> Self {
        if let Some(row) = start.as_ref().filter(|row| row.model.is_none()) {
            offenders.push(unreadable(row.number));
        }
        // Row 0 has no records, so a record with an id below its last id is counted to row 1.
        let first = start.as_ref().filter(|row| row.number > 0);
        let first = first.and_then(|row| row.last_id.clone());
        let records = LeafRecords::after(tx, identity.salt, first, DemandedEntries::new(key));
        let content = start.as_ref().and_then(|row| row.model.clone());
        let before = start.map_or(RowBefore::NONE, RowBefore::from);
        Self {
            tx,
            identity,
            records,
            before,
            start: content,
            noted: None,
            has_noted_row: false,
            offenders,
        }
    }

    /// Checks the digest of the row before the first: what it says of its last id decides which records the walk reads. Row 0
    /// has no digest before it.
    fn check_start(&mut self, previous: Option<StoredRow>) {
        self.check_noted();
        let Some(start) = self.start.take().filter(|start| start.number > 0) else {
            return;
        };
        let previous = previous.filter(|previous| previous.number == start.number - 1);
        let Some(previous) = previous else {
            self.offenders.push(format!("row {} is missing", start.number - 1));
            return;
        };
        let before = std::mem::replace(&mut self.before, previous.into());
        self.compare_digest(&start);
        self.before = before;
    }

    /// Compares the row that was read last with what was noted of it elsewhere.
    fn check_noted(&mut self) {
        let read = self.before.digest.map(|digest| (self.before.number, digest));
        self.has_noted_row |= read.is_some() && read == self.noted;
    }

    /// Compares a row with what follows from the row before and from its records; tells how many of these there are.
    async fn step(&mut self, stored: StoredRow) -> Result<u64, Fault> {
        let mut records = 0;
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
                records = self.compare_records(row, last_id).await?;
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
        self.check_noted();
        Ok(records)
    }

    /// Compares the records between the row before and this one with this row's counts and root.
    async fn compare_records(&mut self, row: &journal::Model, last_id: &[u8]) -> Result<u64, Fault> {
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
        Ok(found.iter().map(|(_, count)| count.unsigned_abs()).sum())
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
    async fn end(&mut self) -> Result<(), Fault> {
        for table in LeafTable::ALL {
            let beyond = table.count_above(self.tx, self.before.last_id.as_deref()).await?;
            if beyond > 0 {
                self.offenders
                    .push(format!("{beyond} {} are in no row", table.plural()));
            }
        }
        Ok(())
    }
}

fn unreadable(number: i64) -> String {
    format!("row {number}: cannot be read as one")
}
