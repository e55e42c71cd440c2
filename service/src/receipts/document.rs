//! A receipt and a head, and the JSON in which they leave the bank. Reading one checks its form only; `check` proves it.
//! Pure.

use serde_json::Value;
use uuid::Uuid;

use super::fault::ReceiptFault;
use super::kind::DocumentKind;
use super::spelling::{array_of, bytes_of, difference, digest_of, joined, kid_of, member, read, time_of, uuid_of};
use super::texts::{CommitText, HeadText, LeafText, PathStepText, ReceiptText, TransferText};
use crate::db::hex;
use crate::journal::{ChainRow, MerkleStep, PathSide, PublicTransfer, digest_of_row, head_bytes};
use crate::values::{RecordId, Sha256Digest, Timestamp, time_text};

/// What the member `format` of a receipt says.
const FORMAT: &str = "florin receipt 1";
/// A commit has fewer than 2^33 leaves: 2^32 transfers, and 2^32 changes.
const PATH_STEPS_MAX: usize = 33;

/// A row of the journal, signed by the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// The ledger's id.
    pub ledger: Uuid,
    /// The row's number.
    pub number: i64,
    /// The row's digest, which rests on all rows before it.
    pub digest: Sha256Digest,
    /// How many transfers its commit has, recorded refusals included.
    pub transfers: u32,
    /// The bank's time of the commit.
    pub at: Timestamp,
    /// Ed25519, over the row's bytes.
    pub signature: [u8; 64],
    /// Which of the bank's keys has signed.
    pub key_id: String,
}

/// A transfer, the way from its leaf to a row of the journal, and that row, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What the public bytes say.
    pub transfer: PublicTransfer,
    /// The public bytes of the leaf.
    pub public: Vec<u8>,
    /// HMAC of its private bytes.
    pub sealed: Sha256Digest,
    /// From the leaf up to the root of its commit.
    pub path: Vec<MerkleStep>,
    /// What the row has beside what the head says.
    pub commit: ReceiptCommit,
    /// The head that the commit made.
    pub head: SignedHead,
}

/// What the digest of a row rests on, beside what its head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptCommit {
    /// The digest of the row before.
    pub previous_digest: Sha256Digest,
    /// The greatest id of the commit.
    pub last_id: RecordId,
    /// How many changes of wallets it has.
    pub changes: u32,
    /// The root of the tree of its leaves.
    pub root: Sha256Digest,
}

impl SignedHead {
    /// Reads a head. Its signature is not checked.
    pub fn parse(text: &str) -> Result<Self, ReceiptFault> {
        let (document, plain) = read::<HeadText>(text, DocumentKind::Head)?;
        let head = Self::of(&document, "")?;
        match difference(&head.to_json(), &plain) {
            None => Ok(head),
            Some(member) => Err(ReceiptFault::Spelling { member }),
        }
    }

    /// The JSON of the head, in the order of the format.
    #[must_use]
    pub fn to_json(&self) -> Value {
        to_value(&self.text())
    }

    /// What the signature covers.
    pub(super) fn signed_bytes(&self) -> Vec<u8> {
        head_bytes(self.ledger, self.number, self.digest, self.transfers, self.at)
    }

    /// The head at this path of a document, which is empty where the head is the document.
    fn of(text: &HeadText, path: &str) -> Result<Self, ReceiptFault> {
        let below = |name: &str| joined(path, name);
        Ok(Self {
            ledger: member(uuid_of(&text.ledger), &below("ledger"))?,
            number: member(Some(text.number).filter(|number| *number >= 0), &below("number"))?,
            digest: member(digest_of(&text.digest), &below("digest"))?,
            transfers: text.transfers,
            at: member(time_of(&text.at), &below("at"))?,
            signature: member(array_of(&text.signature), &below("signature"))?,
            key_id: member(kid_of(&text.key_id), &below("key_id"))?,
        })
    }

    fn text(&self) -> HeadText {
        HeadText {
            ledger: self.ledger.to_string(),
            number: self.number,
            digest: self.digest.to_string(),
            transfers: self.transfers,
            at: time_text(self.at),
            signature: hex(&self.signature),
            key_id: self.key_id.clone(),
        }
    }
}

impl Receipt {
    /// Reads a receipt, whose transfer must be what its public bytes say. Nothing else is checked.
    pub fn parse(text: &str) -> Result<Self, ReceiptFault> {
        let (document, plain) = read::<ReceiptText>(text, DocumentKind::Receipt)?;
        let receipt = Self::of(&document)?;
        match difference(&receipt.to_json(), &plain) {
            None => Ok(receipt),
            Some(member) if member.starts_with("transfer.") => Err(ReceiptFault::Transfer { member }),
            Some(member) => Err(ReceiptFault::Spelling { member }),
        }
    }

    /// The JSON of the receipt, in the order of the format.
    #[must_use]
    pub fn to_json(&self) -> Value {
        to_value(&ReceiptText {
            format: FORMAT.to_owned(),
            transfer: text_of_transfer(&self.transfer),
            leaf: LeafText {
                public: hex(&self.public),
                sealed: self.sealed.to_string(),
            },
            path: self.path.iter().map(PathStepText::of).collect(),
            commit: CommitText {
                previous_digest: self.commit.previous_digest.to_string(),
                last_id: self.commit.last_id.to_string(),
                changes: self.commit.changes,
                root: self.commit.root.to_string(),
            },
            head: self.head.text(),
        })
    }

    /// The digest of the commit's row.
    pub(super) fn digest(&self) -> Sha256Digest {
        let row = ChainRow {
            number: self.head.number,
            last_id: self.commit.last_id,
            transfers: self.head.transfers,
            changes: self.commit.changes,
            at: self.head.at,
            root: self.commit.root,
        };
        digest_of_row(self.head.ledger, self.commit.previous_digest, &row)
    }

    fn of(text: &ReceiptText) -> Result<Self, ReceiptFault> {
        let head = SignedHead::of(&text.head, "head")?;
        let commit = ReceiptCommit {
            previous_digest: member(digest_of(&text.commit.previous_digest), "commit.previous_digest")?,
            last_id: member(uuid_of(&text.commit.last_id).map(RecordId), "commit.last_id")?,
            changes: text.commit.changes,
            root: member(digest_of(&text.commit.root), "commit.root")?,
        };
        if text.path.len() > PATH_STEPS_MAX {
            return Err(ReceiptFault::LongPath);
        }
        let steps = text.path.iter().map(PathStepText::step);
        let path = steps.collect::<Option<_>>();
        let public = member(bytes_of(&text.leaf.public), "leaf.public")?;
        Ok(Self {
            path: member(path, "path")?,
            sealed: member(digest_of(&text.leaf.sealed), "leaf.sealed")?,
            transfer: PublicTransfer::decode(&public).ok_or(ReceiptFault::PublicBytes)?,
            public,
            commit,
            head,
        })
    }
}

impl PathStepText {
    fn of(step: &MerkleStep) -> Self {
        let side = match step.side {
            PathSide::Left => "left",
            PathSide::Right => "right",
        };
        Self {
            side: side.to_owned(),
            digest: step.digest.to_string(),
        }
    }

    fn step(&self) -> Option<MerkleStep> {
        let side = match self.side.as_str() {
            "left" => PathSide::Left,
            "right" => PathSide::Right,
            _ => return None,
        };
        let digest = digest_of(&self.digest)?;
        Some(MerkleStep { side, digest })
    }
}

fn text_of_transfer(transfer: &PublicTransfer) -> TransferText {
    TransferText {
        id: transfer.id.to_string(),
        created_at: time_text(transfer.created_at),
        kind: transfer.kind.to_string(),
        status: transfer.status.to_string(),
        source_wallet_id: transfer.source.to_string(),
        destination_wallet_id: transfer.destination.to_string(),
        amount: transfer.amount.to_string(),
        currency: transfer.currency.to_string(),
        method: transfer.method.as_ref().map(ToString::to_string),
        reason: transfer.reason.clone(),
        parent_id: transfer.parent.map(|id| id.to_string()),
        batch_id: transfer.batch.map(|id| id.to_string()),
        created_by: transfer.created_by.map(|id| id.to_string()),
        expires_at: transfer.expires_at.map(time_text),
        released: transfer.released.map(|amount| amount.to_string()),
        texts_digest: transfer.texts.map(|digest| digest.to_string()),
    }
}

fn to_value(text: &impl serde::Serialize) -> Value {
    serde_json::to_value(text).expect("structs of texts and numbers always serialize")
}
