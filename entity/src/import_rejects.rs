//! Rejected lines of imported files: the first ones of each import.

use sea_orm::entity::prelude::*;

use crate::values::ImportId;

/// A line that was left out.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import_rejects")]
pub struct Model {
    /// The import that left it out.
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: ImportId,
    /// The line of the file on which the record begins.
    #[sea_orm(primary_key, auto_increment = false)]
    pub line: i64,
    /// Why it was left out, such as `blank_timestamp`.
    pub reason: String,
    /// The beginning of the line itself.
    pub raw: String,
}

impl ActiveModelBehavior for ActiveModel {}
