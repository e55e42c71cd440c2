//! What other modules keep of a person. They stand above this one, so they are called by what they have passed in.

use std::future::Future;
use std::pin::Pin;

use sea_orm::DatabaseTransaction;

use crate::db::Fault;
use crate::values::{Timestamp, UserId};

/// A part of an erasure.
pub(crate) type ErasureStep<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// Rows of another module that are erased together with their user.
pub(crate) trait ErasedRows: Send + Sync + 'static {
    /// Erases what is few, in the transaction that erases the user. From then on nothing more is written of the user.
    fn begin<'tx>(&self, tx: &'tx DatabaseTransaction, user: UserId, now: Timestamp) -> ErasureStep<'tx, ()>;

    /// Erases some of what may be many rows, and says whether more may be left. It may be repeated.
    fn erase_some(&self, user: UserId) -> ErasureStep<'_, bool>;
}
