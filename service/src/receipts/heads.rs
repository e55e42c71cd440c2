//! Heads of the bank's own journal: the newest row is signed. A journal that has an older head's row, and whose digests are
//! right from there on, extends that head.

use uuid::Uuid;

use super::JournalKeys;
use super::document::SignedHead;
use crate::db::{Db, Fault};
use crate::feed;
use crate::journal::head_bytes;
use crate::values::Timestamp;

/// Signs the newest row of the journal.
pub async fn sign_newest(db: &Db, keys: &JournalKeys, now: Timestamp) -> Result<SignedHead, Fault> {
    let ledger = feed::ledger_id(&db.read).await?;
    let newest = feed::head(&db.read).await?;
    let transfers = u32::try_from(newest.transfers).map_err(Fault::broken)?;
    let (number, digest) = (newest.mark.number, newest.mark.digest);
    let signed = keys.sign(&head_bytes(ledger, number, digest, transfers, newest.at), now);
    Ok(SignedHead {
        ledger,
        number,
        digest,
        transfers,
        at: newest.at,
        signature: signed.signature,
        key_id: signed.key_id,
    })
}

/// The id of the ledger in this database, which the head of another bank does not have.
pub async fn ledger_id(db: &Db) -> Result<Uuid, Fault> {
    feed::ledger_id(&db.read).await
}
