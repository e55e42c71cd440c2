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
    /// The part of the balance that pending transfers have claimed; at least zero, and at most a customer's balance.
    pub held: Money,
    /// Whether money may move; always ACTIVE on a system wallet.
    pub status: WalletStatus,
    /// How many entries the wallet has.
    pub version: Version,
    /// When it was opened.
    pub created_at: DateTimeUtc,
    /// The time of its newest entry or change of status.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
