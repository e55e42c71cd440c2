//! Random receipts as an honest bank makes them, with the key that signs them.

use ed25519_dalek::{Signer, SigningKey};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use service::journal::{ChainRow, PublicTransfer, digest_of_row, head_bytes, leaf_digest, merkle_root, path_of};
use service::receipts::{JournalPublicKey, Receipt, ReceiptCommit, SignedHead, TrustedKeys};
use service::values::{
    BatchId, Method, RecordId, Sha256Digest, Timestamp, TransferId, TransferKind, TransferStatus, UserId, WalletId,
};
use uuid::Uuid;

use crate::cases::{money, units, units_above_zero};
use crate::domain::{any_currency, id, time};

/// The most leaves of a commit beside the receipt's own.
const OTHERS_MAX: usize = 70;
/// The name of the key that signs.
const KID: &str = "5f0c1e9ab2d37846";

/// A transfer in a commit, and what the row of that commit says.
#[derive(Clone, Debug)]
pub struct CommitCase {
    pub transfer: PublicTransfer,
    sealed: Sha256Digest,
    /// The other leaves, and where the transfer's own stands among them.
    others: Vec<Sha256Digest>,
    place: Index,
    row: RowCase,
    secret: [u8; 32],
}

#[derive(Clone, Debug)]
struct RowCase {
    ledger: Uuid,
    previous_digest: Sha256Digest,
    number: i64,
    last_id: RecordId,
    changes: Index,
    at: Timestamp,
}

impl CommitCase {
    /// The receipt, signed with this secret.
    pub fn receipt_signed_with(&self, secret: [u8; 32]) -> Receipt {
        let public = self.transfer.encode();
        let place = self.place.index(self.others.len() + 1);
        let mut leaves = self.others.clone();
        leaves.insert(place, leaf_digest(&public, self.sealed));
        let (count, changes) = (leaves.len() as u32, self.row.changes.index(leaves.len()) as u32);
        let row = ChainRow {
            number: self.row.number,
            last_id: self.row.last_id,
            transfers: count - changes,
            changes,
            at: self.row.at,
            root: merkle_root(&leaves),
        };
        let digest = digest_of_row(self.row.ledger, self.row.previous_digest, &row);
        let bytes = head_bytes(self.row.ledger, row.number, digest, row.transfers, row.at);
        Receipt {
            transfer: self.transfer.clone(),
            public,
            sealed: self.sealed,
            path: path_of(&leaves, place),
            commit: ReceiptCommit {
                previous_digest: self.row.previous_digest,
                last_id: row.last_id,
                changes,
                root: row.root,
            },
            head: SignedHead {
                ledger: self.row.ledger,
                number: row.number,
                digest,
                transfers: row.transfers,
                at: row.at,
                signature: SigningKey::from_bytes(&secret).sign(&bytes).to_bytes(),
                key_id: KID.to_owned(),
            },
        }
    }

    /// The receipt, signed with the bank's key.
    pub fn receipt(&self) -> Receipt {
        self.receipt_signed_with(self.secret)
    }

    /// What the bank publishes.
    pub fn keys(&self) -> TrustedKeys {
        TrustedKeys::of(vec![JournalPublicKey {
            kid: KID.to_owned(),
            public: SigningKey::from_bytes(&self.secret).verifying_key().to_bytes(),
            created_at: Timestamp::UNIX_EPOCH,
            retired_at: None,
        }])
    }
}

pub fn digest() -> impl Strategy<Value = Sha256Digest> {
    any::<[u8; 32]>().prop_map(Sha256Digest)
}

/// Any transfer that the public bytes can say, although the bank makes only some of these.
pub fn public_transfer() -> impl Strategy<Value = PublicTransfer> {
    let method = "[a-z0-9_]{1,32}".prop_map(|name| Method::try_new(name).expect("this shape is a method's"));
    let words = (select(TransferKind::ALL), select(TransferStatus::ALL), any_currency());
    let texts = (option::of(method), option::of("[a-z0-9_/]{1,40}"), option::of(digest()));
    let ids = (option::of(id()), option::of(id()), option::of(id()));
    let values = (units_above_zero(), option::of(units()), time(), option::of(time()));
    (id(), (id(), id()), words, texts, ids, values).prop_map(|(id, sides, words, texts, ids, values)| PublicTransfer {
        id: TransferId(id),
        created_at: values.2,
        kind: words.0,
        status: words.1,
        source: WalletId(sides.0),
        destination: WalletId(sides.1),
        amount: money(values.0),
        currency: words.2,
        method: texts.0,
        reason: texts.1,
        parent: ids.0.map(TransferId),
        batch: ids.1.map(BatchId),
        created_by: ids.2.map(UserId),
        expires_at: values.3,
        released: values.1.map(money),
        texts: texts.2,
    })
}

pub fn commit_case() -> impl Strategy<Value = CommitCase> {
    let row = (id(), digest(), 1..=i64::MAX, id(), any::<Index>(), time()).prop_map(
        |(ledger, previous_digest, number, last_id, changes, at)| RowCase {
            ledger,
            previous_digest,
            number,
            last_id: RecordId(last_id),
            changes,
            at,
        },
    );
    let others = (vec(digest(), 0..=OTHERS_MAX), any::<Index>());
    (public_transfer(), digest(), others, row, any::<[u8; 32]>()).prop_map(
        |(transfer, sealed, (others, place), row, secret)| CommitCase {
            transfer,
            sealed,
            others,
            place,
            row,
            secret,
        },
    )
}
