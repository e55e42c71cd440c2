//! Receipts and heads: proofs that a stranger can check without the bank.
//!
//! Invariants: a receipt is given only to a caller who may see its transfer, and only if the journal proves it; it holds
//! nothing of the transfer but what its public bytes say. What a stranger does with it, in `check`, needs no database.

mod check;
mod commit;
mod document;
mod error;
mod fault;
mod heads;
mod journal_keys;
mod kind;
mod leaf_cache;
mod repo;
mod spelling;
mod texts;
mod trusted;

pub use check::{check_head, check_head_in, check_receipt};
pub use document::{Receipt, ReceiptCommit, SignedHead};
pub use error::{ProofMismatch, ReceiptError};
pub use fault::ReceiptFault;
pub use heads::{ledger_id, sign_newest};
pub use journal_keys::{
    JournalKeyReport, JournalKeyState, JournalKeys, JournalPublicKey, KeySignature, list_journal_keys,
    retire_journal_key, rotate_journal_keys,
};
pub use kind::DocumentKind;
pub use spelling::DOCUMENT_BYTES_MAX;
pub use trusted::{KEY_SET_BYTES_MAX, TrustedKey, TrustedKeys};

use std::sync::Arc;

use tokio::sync::OnceCell;
use uuid::Uuid;

use self::commit::FoundCommit;
use self::leaf_cache::{CommitLeaves, LeafCache};
use crate::actor::Actor;
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::journal::{LedgerIdentity, PublicTransfer, Salt, head_bytes, leaf_digest, path_of};
use crate::keys::KeyFileError;
use crate::ledger::{leaf_values_of, stored_identity};
use crate::transfers::Transfers;
use crate::values::TransferId;
use crate::workers::Workers;

/// Makes receipts and signs heads. Cloning clones a handle.
#[derive(Clone)]
pub struct Receipts {
    db: Db,
    clock: Arc<dyn Clock>,
    keys: Arc<JournalKeys>,
    transfers: Transfers,
    leaves: Arc<LeafCache>,
    ledger: Arc<OnceCell<LedgerIdentity>>,
    workers: Workers,
}

impl Receipts {
    pub(crate) fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        keys: Arc<JournalKeys>,
        transfers: Transfers,
        workers: Workers,
    ) -> Self {
        Self {
            db,
            clock,
            keys,
            transfers,
            leaves: Arc::new(LeafCache::new()),
            ledger: Arc::default(),
            workers,
        }
    }

    /// The receipt of a transfer that the actor may see: `Transfers::get` says which these are. A hold is shown
    /// as it began; its captures and its release have receipts of their own.
    pub async fn receipt(&self, actor: &Actor, id: TransferId) -> Result<Receipt, ReceiptError> {
        let transfer = self.transfers.stored(actor, id).await?.ok_or(ReceiptError::NotFound)?;
        let ledger = self.ledger().await?;
        let found = repo::commit_of(&self.db.read, id.into()).await?;
        let commit = found.ok_or(ProofMismatch::NoRow { transfer: id })?;
        commit.check_digest(ledger.id)?;
        let leaves = self.leaves_of(&commit, &ledger.salt).await?;
        let values = leaf_values_of(&transfer);
        let (public, sealed) = (values.public_bytes(), values.sealed(&ledger.salt));
        let leaf = leaf_digest(&public, sealed);
        let index = leaves.iter().position(|known| *known == leaf);
        let index = index.ok_or(ProofMismatch::OtherLeaf {
            number: commit.row.number,
            transfer: id,
        })?;
        let shown = PublicTransfer::decode(&public).ok_or_else(|| Fault::damaged(&format!("the transfer {id}")))?;
        Ok(Receipt {
            transfer: shown,
            public,
            sealed,
            path: path_of(&leaves, index),
            head: self.signed(ledger.id, &commit),
            commit: ReceiptCommit {
                previous_digest: commit.previous_digest,
                last_id: commit.row.last_id,
                changes: commit.row.changes,
                root: commit.row.root,
            },
        })
    }

    /// The journal's newest row, signed.
    pub async fn head(&self) -> Result<SignedHead, Fault> {
        sign_newest(&self.db, &self.keys, self.clock.now()).await
    }

    /// The public halves of all keys of the journal, the oldest first. A key stays among them for good.
    #[must_use]
    pub fn public_keys(&self) -> Vec<JournalPublicKey> {
        self.keys.public()
    }

    /// Reads the file with the keys again, as the worker does; true if it holds other keys now.
    pub fn reload_keys(&self) -> Result<bool, KeyFileError> {
        self.keys.reload()
    }

    /// Starts the worker that reads the keys' file every second. Must be called inside a tokio runtime.
    pub(crate) fn serve(&self) {
        self.keys.serve(&self.workers);
    }

    /// Stops the worker.
    pub(crate) async fn stop(&self) {
        self.workers.stop().await;
    }

    /// The ledger's identity. It is read once.
    async fn ledger(&self) -> Result<&LedgerIdentity, Fault> {
        self.ledger.get_or_try_init(|| self.read_ledger()).await
    }

    async fn read_ledger(&self) -> Result<LedgerIdentity, Fault> {
        let identity = stored_identity(&self.db.read).await?;
        identity.ok_or_else(|| Fault::damaged("the ledger's identity"))
    }

    /// The leaves of a commit in their order, which are those that its row was made of.
    async fn leaves_of(&self, commit: &FoundCommit, salt: &Salt) -> Result<CommitLeaves, ReceiptError> {
        let read = async {
            let stored = repo::leaves_of(&self.db.read, commit, salt).await?;
            Ok::<_, ReceiptError>(commit.prove(stored)?)
        };
        self.leaves.get_or_read(commit.mark(), read).await
    }

    /// The head that a commit made, signed with the key that signs now.
    fn signed(&self, ledger: Uuid, commit: &FoundCommit) -> SignedHead {
        let (row, digest) = (&commit.row, commit.digest);
        let bytes = head_bytes(ledger, row.number, digest, row.transfers, row.at);
        let KeySignature { key_id, signature } = self.keys.sign(&bytes, self.clock.now());
        SignedHead {
            ledger,
            number: row.number,
            digest,
            transfers: row.transfers,
            at: row.at,
            signature,
            key_id,
        }
    }
}
