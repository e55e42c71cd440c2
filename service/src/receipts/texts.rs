//! The structs of the JSON of receipts and heads. To parse them refuses unknown and doubled members. Pure.

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiptText {
    pub format: String,
    pub transfer: TransferText,
    pub leaf: LeafText,
    pub path: Vec<PathStepText>,
    pub commit: CommitText,
    pub head: HeadText,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferText {
    pub id: String,
    pub created_at: String,
    pub kind: String,
    pub status: String,
    pub source_wallet_id: String,
    pub destination_wallet_id: String,
    pub amount: String,
    pub currency: String,
    pub method: Option<String>,
    pub reason: Option<String>,
    pub parent_id: Option<String>,
    pub batch_id: Option<String>,
    pub created_by: Option<String>,
    pub expires_at: Option<String>,
    pub released: Option<String>,
    pub texts_digest: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeafText {
    pub public: String,
    pub sealed: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PathStepText {
    pub side: String,
    pub digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitText {
    pub previous_digest: String,
    pub last_id: String,
    pub changes: u32,
    pub root: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadText {
    pub ledger: String,
    pub number: i64,
    pub digest: String,
    pub transfers: u32,
    pub at: String,
    pub signature: String,
    pub key_id: String,
}
