//! Table `merchant_months`: in which months a merchant had an activity that succeeded.

use sea_orm::entity::prelude::*;

/// A merchant was active in a month.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "merchant_months")]
pub struct Model {
    /// Year and month as one number, such as 202401, in UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub merchant_id: String,
}

impl ActiveModelBehavior for ActiveModel {}
