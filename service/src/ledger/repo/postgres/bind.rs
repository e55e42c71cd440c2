//! Binding columns of rows, each as an array.

use sea_orm::sqlx::Postgres;
use sea_orm::sqlx::postgres::PgArguments;
use sea_orm::sqlx::query::Query;

/// A statement with some of its parameters.
pub(super) type BoundQuery<'q> = Query<'q, Postgres, PgArguments>;

/// One column of some rows.
pub(super) fn column<T, V>(rows: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}
