//! Why something of a merchant cannot be had.

use crate::db::Fault;

/// Why a merchant's summary cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum MerchantError {
    /// No activity names this merchant.
    #[error("no activity of this merchant is known")]
    NotFound,
    /// A fault of the database.
    #[error(transparent)]
    Fault(#[from] Fault),
}
