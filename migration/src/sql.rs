//! Shared by the steps: running one dialect's statements, and the CHECK that keeps money canonical on SQLite.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// The statements of one step in both dialects.
pub struct Dialects<'a> {
    pub postgres: &'a str,
    pub sqlite: &'a str,
}

/// Runs the statements that fit the database.
pub async fn run(manager: &SchemaManager<'_>, dialects: Dialects<'_>) -> Result<(), DbErr> {
    let statements = match manager.get_database_backend() {
        DbBackend::Postgres => dialects.postgres,
        DbBackend::Sqlite => dialects.sqlite,
        other => {
            return Err(DbErr::Migration(format!(
                "Florin runs on PostgreSQL and SQLite, not on {other:?}"
            )));
        }
    };
    manager.get_connection().execute_unprepared(statements).await?;
    Ok(())
}

/// SQLite: a money column in ten-thousandths, since a comparison of its texts puts '9' above '10'.
pub fn units(column: &str) -> String {
    format!("CAST(replace({column}, '.', '') AS INTEGER)")
}

/// SQLite: true when a money column holds exactly the text that `Money` prints, which also bounds it to 18 digits.
pub fn canonical(column: &str) -> String {
    let units = units(column);
    format!(
        "{column} = CASE WHEN {units} < 0 THEN '-' ELSE '' END || (abs({units}) / 10000) || '.' \
         || substr('000' || (abs({units}) % 10000), -4) AND abs({units}) < 1000000000000000000"
    )
}
