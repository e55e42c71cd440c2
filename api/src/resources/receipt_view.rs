//! A receipt as clients see it. The samples fit together: the key of the sample set verifies the sample receipt.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use service::db::hex;
use service::journal::{MerkleStep, PathSide, PublicTransfer};
use service::receipts::{Receipt, ReceiptCommit};
use uuid::Uuid;

use super::journal_view::JournalHeadView;
use crate::samples;
use crate::wire::{Amount, PathSideWord, Time, TransferKindWord, TransferStatusWord};

/// The proof that a transfer stands in the journal. To check it takes the bank's public keys and no word of the bank;
/// `docs/receipts.md` says how.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Receipt", example)]
pub struct ReceiptView {
    /// Always `florin receipt 1`.
    #[oai(validator(pattern = "^florin receipt 1$"))]
    format: String,
    transfer: ReceiptTransferView,
    leaf: ReceiptLeafView,
    /// From the leaf up to the root: what is hashed with the leaf's digest, and then with each result.
    #[oai(validator(max_items = 33))]
    path: Vec<PathStepView>,
    commit: ReceiptCommitView,
    head: JournalHeadView,
}

/// The transfer as it was written, which the public bytes of the leaf say too. A hold is shown as it began.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ReceiptTransfer", example)]
pub struct ReceiptTransferView {
    /// Names the transfer.
    id: Uuid,
    /// When it was decided (RFC 3339, UTC, microseconds).
    created_at: Time,
    kind: TransferKindWord,
    status: TransferStatusWord,
    /// The wallet that pays; for a deposit, the bank's own wallet of the payment method.
    source_wallet_id: Uuid,
    /// The wallet that receives; for a withdrawal, the bank's own wallet of the payment method.
    destination_wallet_id: Uuid,
    /// Above zero, exact, with four decimals.
    amount: Amount,
    /// ISO 4217; the currency of the source wallet.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    currency: String,
    /// The payment method of a deposit or withdrawal, or of the hold or reversal of one; null for other transfers.
    #[oai(validator(pattern = "^[a-z0-9_]{1,32}$"))]
    method: Option<String>,
    /// The refusal's code, of `limit_exceeded` with the limit behind a slash; null unless FAILED.
    #[oai(validator(pattern = "^[a-z_]+(/[a-z_]+)?$"))]
    reason: Option<String>,
    /// The hold of a CAPTURE or RELEASE, or the transfer that a REVERSAL takes back; null for other transfers.
    parent_id: Option<Uuid>,
    /// The batch that asked for it; null for a transfer of its own.
    batch_id: Option<Uuid>,
    /// The user who asked for it; null when that is the source's owner, and for the release of an expired hold.
    created_by: Option<Uuid>,
    /// When a HOLD ends by itself (RFC 3339, UTC, microseconds); null for other transfers.
    expires_at: Option<Time>,
    /// What a RELEASE, or the final CAPTURE of a hold, gave back; null where nothing was.
    released: Option<Amount>,
    /// SHA-256 of description and metadata with a random salt, in hexadecimal digits; null without texts. It stays when the
    /// texts are erased.
    #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
    texts_digest: Option<String>,
}

/// The leaf of the transfer in the tree of its commit: SHA-256 of a byte 0, the public bytes and `sealed`.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ReceiptLeaf", example)]
pub struct ReceiptLeafView {
    /// The public bytes, in hexadecimal digits. They say what `transfer` says.
    #[oai(validator(pattern = "^([0-9a-f]{2})+$"))]
    public: String,
    /// HMAC of what only the source's owner may know, in hexadecimal digits.
    #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
    sealed: String,
}

/// A step of the way up to the root: SHA-256 of a byte 1, the left digest and the right one.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "PathStep", example)]
pub struct PathStepView {
    side: PathSideWord,
    /// The digest beside the one that the way has led to, in hexadecimal digits.
    #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
    digest: String,
}

/// The commit's row of the journal, as far as the head does not say it.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ReceiptCommit", example)]
pub struct ReceiptCommitView {
    /// The digest of the row before, in hexadecimal digits.
    #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
    previous_digest: String,
    /// The greatest id of its transfers and changes.
    last_id: Uuid,
    /// How many changes of wallets it has.
    #[oai(validator(minimum(value = "0")))]
    changes: i64,
    /// The root of the tree of its leaves, in hexadecimal digits.
    #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
    root: String,
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        Self {
            format: "florin receipt 1".to_owned(),
            transfer: receipt.transfer.into(),
            leaf: ReceiptLeafView {
                public: hex(&receipt.public),
                sealed: receipt.sealed.to_string(),
            },
            path: receipt.path.into_iter().map(PathStepView::from).collect(),
            commit: receipt.commit.into(),
            head: receipt.head.into(),
        }
    }
}

impl From<PublicTransfer> for ReceiptTransferView {
    fn from(transfer: PublicTransfer) -> Self {
        Self {
            id: transfer.id.0,
            created_at: Time(transfer.created_at),
            kind: transfer.kind.into(),
            status: transfer.status.into(),
            source_wallet_id: transfer.source.0,
            destination_wallet_id: transfer.destination.0,
            amount: Amount(transfer.amount),
            currency: transfer.currency.code().to_owned(),
            method: transfer.method.as_ref().map(ToString::to_string),
            reason: transfer.reason,
            parent_id: transfer.parent.map(|parent| parent.0),
            batch_id: transfer.batch.map(|batch| batch.0),
            created_by: transfer.created_by.map(|user| user.0),
            expires_at: transfer.expires_at.map(Time),
            released: transfer.released.map(Amount),
            texts_digest: transfer.texts.map(|digest| digest.to_string()),
        }
    }
}

impl From<MerkleStep> for PathStepView {
    fn from(step: MerkleStep) -> Self {
        Self {
            side: step.side.into(),
            digest: step.digest.to_string(),
        }
    }
}

impl From<ReceiptCommit> for ReceiptCommitView {
    fn from(commit: ReceiptCommit) -> Self {
        Self {
            previous_digest: commit.previous_digest.to_string(),
            last_id: commit.last_id.0,
            changes: commit.changes.into(),
            root: commit.root.to_string(),
        }
    }
}

const SAMPLE_TEXTS: &str = "d3470f2963c8c3e06302c7aeb288dfbf10932cfb134d8ab55921ee01577dae1e";
const SAMPLE_PUBLIC: &str = "5401993f2a6e807d409c6e9a4f3b8dce040006479bbab5e610010201993f2a5c017b209a4c7e2d1f6bac02\
    01993f2a5d407c308b5d8f3e2a7cbd03000000000001e848035553440000000000000001d3470f2963c8c3e06302c7aeb288dfbf10932cfb134d\
    8ab55921ee01577dae1e";
impl Example for ReceiptView {
    fn example() -> Self {
        Self {
            format: "florin receipt 1".to_owned(),
            transfer: ReceiptTransferView::example(),
            leaf: ReceiptLeafView::example(),
            path: vec![PathStepView::example()],
            commit: ReceiptCommitView::example(),
            head: JournalHeadView::example(),
        }
    }
}

impl Example for ReceiptTransferView {
    fn example() -> Self {
        Self {
            id: samples::TRANSFER_ID,
            created_at: samples::time(),
            kind: TransferKindWord::Transfer,
            status: TransferStatusWord::Completed,
            source_wallet_id: samples::WALLET_ID,
            destination_wallet_id: samples::OTHER_WALLET_ID,
            amount: samples::amount(125_000),
            currency: "USD".to_owned(),
            method: None,
            reason: None,
            parent_id: None,
            batch_id: None,
            created_by: None,
            expires_at: None,
            released: None,
            texts_digest: Some(SAMPLE_TEXTS.to_owned()),
        }
    }
}

impl Example for ReceiptLeafView {
    fn example() -> Self {
        Self {
            public: SAMPLE_PUBLIC.to_owned(),
            sealed: "ebb5d75daaaac03aeb626dda02eea364ca910ea5f434d276159e1ee1982211fe".to_owned(),
        }
    }
}

impl Example for PathStepView {
    fn example() -> Self {
        Self {
            side: PathSide::Left.into(),
            digest: "1f3e35151efbc900eb0c997a5246c1e7d4cfcd4ca5c5a1091cb1355890828b66".to_owned(),
        }
    }
}

impl Example for ReceiptCommitView {
    fn example() -> Self {
        Self {
            previous_digest: "5529df01e8bb72bfb133b2a2eee18a99d75be15bfb12c56e8e4239408808ddb1".to_owned(),
            last_id: samples::TRANSFER_ID,
            changes: 0,
            root: "d59ed8171488f7a74809bfe11f2ea4f1c47497bdf9ac474c0e2ffcd0fe993cc6".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use service::receipts::{TrustedKeys, check_receipt};

    use super::*;
    use crate::resources::journal_view::JournalKeySetView;

    #[test]
    fn the_sample_receipt_is_proved_by_the_sample_keys() {
        let receipt = serde_json::to_string(&ReceiptView::example()).expect("it is JSON");
        let keys = serde_json::to_string(&JournalKeySetView::example()).expect("it is JSON");
        let keys = TrustedKeys::parse(&keys).expect("the sample is a set of keys");
        let read = check_receipt(&receipt, &keys).expect("the sample is proved");
        let again = serde_json::to_string(&ReceiptView::from(read)).expect("it is JSON");
        assert_eq!(again, receipt);
    }
}
