//! What has become of each hold: how much is still held, how much was captured, and how it ended. The hold itself is a row
//! of `transfers`, which is never changed.

use sea_orm::entity::prelude::*;

use crate::values::{HoldEnd, Money, TransferId, WalletId};

/// The state of one hold.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "holds")]
pub struct Model {
    /// The transfer of kind HOLD.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TransferId,
    /// The wallet on which the money is held: the source.
    pub wallet_id: WalletId,
    /// What is still held; zero once the hold has ended.
    pub remaining: Money,
    /// What captures have taken.
    pub captured: Money,
    /// When it ends by itself, in the bank's time.
    pub expires_at: DateTimeUtc,
    /// How it ended; `None` while it is open, or has expired and its release is not written yet.
    pub end: Option<HoldEnd>,
    /// When it ended, in the bank's time; the time of its expiry for a hold that expired.
    pub ended_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
