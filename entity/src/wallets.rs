//! Balances: a customer's in one currency, or the bank's own side of one payment method (a system wallet).

use sea_orm::entity::prelude::*;

use crate::values::{Currency, Method, Money, UserId, Version, WalletId, WalletStatus};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "wallets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WalletId,
    /// The owner; `None` on a system wallet.
    pub user_id: Option<UserId>,
    /// The payment method; `None` on a customer's wallet.
    pub method: Option<Method>,
    pub currency: Currency,
    pub balance: Money,
    /// The part of the balance that pending transfers have claimed.
    pub held: Money,
    pub status: WalletStatus,
    /// How many entries the wallet has.
    pub version: Version,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
