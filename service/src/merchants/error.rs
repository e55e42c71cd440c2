//! Why requests for a merchant fail.

use crate::db::Fault;

/// Why a merchant's summary is not answered.
#[derive(Debug, thiserror::Error)]
pub enum MerchantError {
    /// No activity names this merchant.
    #[error("no activity of this merchant is known")]
    NotFound,
    /// A fault of the database.
    #[error(transparent)]
    Fault(#[from] Fault),
}
