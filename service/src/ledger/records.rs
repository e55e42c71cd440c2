//! The records of the ledger in the journal's order, each with what is needed to tell of it: transfers, and changes of
//! wallets.

use std::sync::Arc;

use sea_orm::ConnectionTrait;

use super::repo;
use super::types::{Transfer, Wallet, WalletChange};
use crate::db::Fault;
use crate::feed::{FoundRecords, Selection};
use crate::values::{HoldEnd, RecordId, Timestamp};

/// One record of a group commit.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A movement of money, a hold or its end, or a recorded refusal.
    Transfer(RecordedTransfer),
    /// A wallet was opened or changed.
    Change(Arc<RecordedChange>),
}

/// A transfer as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedTransfer {
    /// The transfer.
    pub transfer: Arc<Transfer>,
    /// How the hold of a RELEASE ended, voided or expired; `None` on other kinds.
    pub hold_end: Option<HoldEnd>,
}

/// A change of a wallet as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedChange {
    /// The change.
    pub change: WalletChange,
    /// The wallet just after it. Of its limits the counters are not known.
    pub wallet: Wallet,
}

impl Record {
    /// Its place in the journal's order.
    #[must_use]
    pub fn id(&self) -> RecordId {
        match self {
            Self::Transfer(recorded) => recorded.transfer.id.into(),
            Self::Change(recorded) => recorded.change.id.into(),
        }
    }

    /// When it was decided, in the bank's time.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Transfer(recorded) => recorded.transfer.created_at,
            Self::Change(recorded) => recorded.wallet.updated_at,
        }
    }
}

/// Follows the journal with every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllRecords;

impl Selection for AllRecords {
    type Item = Record;

    fn has(&self, _record: &Record) -> bool {
        true
    }

    async fn read(
        &self,
        db: &impl ConnectionTrait,
        after: RecordId,
        through: RecordId,
    ) -> Result<FoundRecords<Record>, Fault> {
        let items = repo::records_in(db, after, through, None).await?;
        let transfers = items.iter().filter(|record| matches!(record, Record::Transfer(_)));
        let transfers = transfers.count() as u64;
        Ok(FoundRecords {
            transfers,
            changes: Some(items.len() as u64 - transfers),
            items,
        })
    }
}
