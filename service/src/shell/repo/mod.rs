//! Runs one statement on a connection that is not used again.

mod postgres;
mod sqlite;

use sea_orm::sqlx;
use sea_orm::{DatabaseConnection, DbBackend};

use super::{SqlAnswer, SqlError, SqlLimits};

pub(super) async fn read(pool: &DatabaseConnection, statement: &str, limits: SqlLimits) -> Result<SqlAnswer, SqlError> {
    if pool.get_database_backend() == DbBackend::Postgres {
        let connection = pool.get_postgres_connection_pool().acquire().await;
        let connection = connection.map_err(fault)?.detach();
        postgres::read(connection, statement, limits).await
    } else {
        let connection = pool.get_sqlite_connection_pool().acquire().await;
        let connection = connection.map_err(fault)?.detach();
        sqlite::read(connection, statement, limits).await
    }
}

fn fault(error: sqlx::Error) -> SqlError {
    SqlError::Fault(error.into())
}
