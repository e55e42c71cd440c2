//! Table `report_counts`: the numbers of the merchant reports, kept as rows arrive.

use sea_orm::entity::prelude::*;

/// One number of one report, such as how many merchants were active in `2024-01`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "report_counts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub report: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub item: String,
    pub count: i64,
}

impl ActiveModelBehavior for ActiveModel {}
