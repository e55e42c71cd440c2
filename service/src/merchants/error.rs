//! Why something of a merchant cannot be had.

use crate::db::Fault;

/// Why a merchant's summary cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum MerchantError {
    #[error("no activity of this merchant is known")]
    NotFound,
    #[error(transparent)]
    Fault(#[from] Fault),
}
