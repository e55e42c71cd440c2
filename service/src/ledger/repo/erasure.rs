//! Erases texts of transfers, with their salts and the digests that were computed from them, and the ids that clients have
//! chosen for their requests. The digest of the texts stays, so that the journal's leaf does not change.

use crate::db::{Db, Fault, Sweep};
use crate::values::{RecordId, UserId, WalletId};

/// Transfers or changes that one index leads to, and that a person asked for. Together the ranges of a person and of their
/// wallets have every text of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextsRange {
    /// What moved a wallet's money, and its owner asked for.
    Moved(WalletId),
    /// Holds on a wallet that its owner asked for.
    Held(WalletId),
    /// Refusals of what was to go out of a wallet, and its owner asked for.
    Refused(WalletId),
    /// What a user asked for on wallets of others.
    Asked(UserId),
    /// Refusals of that.
    RefusedToAsker(UserId),
    /// Changes of a wallet that its owner asked for.
    Changed(WalletId),
    /// Changes of wallets of others that a user asked for.
    ChangedByAsker(UserId),
}

impl TextsRange {
    /// The ranges of a person and of all their wallets.
    pub(crate) fn all(user: UserId, wallets: &[WalletId]) -> Vec<Self> {
        let of_wallets = wallets
            .iter()
            .flat_map(|wallet| [Self::Moved, Self::Held, Self::Refused, Self::Changed].map(|range| range(*wallet)));
        of_wallets
            .chain([Self::Asked, Self::RefusedToAsker, Self::ChangedByAsker].map(|range| range(user)))
            .collect()
    }

    /// The conditions of the partial indexes are written as in the schema. What the owner of the source asked for has no
    /// asker. A refused transfer keeps no texts, but the digest of its request was computed from them.
    fn sweep(self) -> Sweep {
        let of_changes = |column, key| Sweep {
            index: ("changes", column, "id"),
            also: String::new(),
            key,
            table: "changes",
            is_left: HAS_CLIENTS_ID.to_owned(),
            emptied: "request_id = NULL",
        };
        let of_transfers = |column| ("transfers", column, "id");
        let (index, also, key, is_theirs) = match self {
            Self::Moved(wallet) => (("entries", "wallet_id", "transfer_id"), "", wallet.0, OWNERS),
            Self::Held(wallet) => (
                of_transfers("source_wallet_id"),
                " AND kind IN (5, 6) AND status <> 3",
                wallet.0,
                OWNERS,
            ),
            Self::Refused(wallet) => (of_transfers("source_wallet_id"), " AND status = 3", wallet.0, OWNERS),
            Self::Asked(user) => (of_transfers("created_by"), " AND status <> 3", user.0, ASKERS),
            Self::RefusedToAsker(user) => (of_transfers("created_by"), " AND status = 3", user.0, ASKERS),
            Self::Changed(wallet) => {
                let changes = of_changes("subject", wallet.0);
                return Sweep {
                    is_left: format!("t.created_by IS NULL AND {HAS_CLIENTS_ID}"),
                    ..changes
                };
            }
            Self::ChangedByAsker(user) => return of_changes("created_by", user.0),
        };
        Sweep {
            index,
            also: also.to_owned(),
            key,
            table: "transfers",
            is_left: format!("{is_theirs} AND {HAS_TEXTS}"),
            emptied: EMPTIED,
        }
    }
}

const OWNERS: &str = "t.created_by IS NULL AND t.source_wallet_id = $1";
const ASKERS: &str = "t.created_by = $1";
/// The digest of a batch's request stands on the first row of the batch, whose own transfer may have no texts.
const HAS_TEXTS: &str = "(t.texts_salt IS NOT NULL OR t.request_digest IS NOT NULL OR length(t.request_id) <> 16)";
const HAS_CLIENTS_ID: &str = "length(t.request_id) <> 16";
/// An id of a request that is a UUID stays: it says nothing about a person. A client's own id may be a name.
const EMPTIED: &str = "description = NULL, metadata = NULL, texts_salt = NULL, request_digest = NULL, \
                       request_id = CASE WHEN length(request_id) = 16 THEN request_id END";

/// Erases the texts of the next rows of a range after an id, and gives where the rest of it begins; `None` at its end.
pub(crate) async fn erase_some_texts(
    db: &Db,
    range: TextsRange,
    after: Option<RecordId>,
) -> Result<Option<RecordId>, Fault> {
    let reached = db.sweep(&range.sweep(), after.map(|id| id.0)).await?;
    Ok(reached.map(RecordId))
}
