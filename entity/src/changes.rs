//! What group commits did besides moving money: wallets opened, frozen, unfrozen, closed, limited. Written once; only the id of a
//! request can be erased.

use sea_orm::entity::prelude::*;

use crate::values::{ChangeId, ChangeKind, Money, RequestId, UserId, Version, WalletId, WalletStatus};

/// One change of a wallet: it was opened, frozen, unfrozen, closed or given limits.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "changes")]
pub struct Model {
    /// Ids of changes and of transfers share one order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChangeId,
    /// What was done to the wallet.
    pub kind: ChangeKind,
    /// The wallet that changed.
    pub subject: WalletId,
    /// The user who asked for it; `None` when it was the wallet's owner.
    pub created_by: Option<UserId>,
    /// The id of that request; `None` for a command of the terminal, and where a client's own id was erased.
    pub request_id: Option<RequestId>,
    /// The status or limits before; `None` for an opening.
    pub before: Option<String>,
    /// The status or limits after; for an opening, a JSON object with the currency and the owner or payment method.
    pub after: String,
    /// The wallet's balance at that time.
    pub balance: Money,
    /// What its open holds had claimed.
    pub held: Money,
    /// How many entries it had.
    pub version: Version,
    /// Its status after the change.
    pub status: WalletStatus,
    /// Its limits after the change, as `after` has them; `{}` without any.
    pub limits: String,
}

impl ActiveModelBehavior for ActiveModel {}
