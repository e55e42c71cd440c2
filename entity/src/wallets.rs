//! Wallets: a customer's in one currency, or the bank's own side of one payment method (a system wallet).

use sea_orm::entity::prelude::*;

use crate::values::{Currency, Method, Money, UserId, Version, WalletId, WalletStatus};

/// A wallet.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "wallets")]
pub struct Model {
    /// Of a customer's wallet, the last 12 bits are those of the owner's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WalletId,
    /// The owner; `None` on a system wallet.
    pub user_id: Option<UserId>,
    /// The payment method; `None` on a customer's wallet.
    pub method: Option<Method>,
    /// The currency of balance and held.
    pub currency: Currency,
    /// The sum of the wallet's entries; below zero on system wallets only.
    pub balance: Money,
    /// The part of the balance that open holds have claimed; at least zero, and at most a customer's balance.
    pub held: Money,
    /// Whether money may move; always ACTIVE on a system wallet.
    pub status: WalletStatus,
    /// How many entries the wallet has.
    pub version: Version,
    /// When it was opened.
    pub created_at: DateTimeUtc,
    /// The time of the newest record that changed it: an entry, a hold or its end, a change.
    pub updated_at: DateTimeUtc,
    /// The most that one transfer may take out.
    pub limit_per_transfer: Option<Money>,
    /// The most that may go out on one UTC day.
    pub limit_per_day_amount: Option<Money>,
    /// How many transfers may go out on one UTC day.
    pub limit_per_day_count: Option<i64>,
    /// The UTC day, in days since 1970-01-01, that the two counters below are for; `None` without limits.
    pub counted_day: Option<i32>,
    /// What went out on that day.
    pub counted_amount: Option<Money>,
    /// How many transfers went out on that day.
    pub counted_transfers: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
