//! What one merchant has done.

use super::rollup::MerchantCounts;
use super::volume::Volume;
use crate::values::Timestamp;

/// A merchant's activities in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantSummary {
    pub merchant_id: String,
    /// The sum of what succeeded.
    pub volume: Volume,
    pub counts: MerchantCounts,
    pub first_activity: Timestamp,
    pub last_activity: Timestamp,
}
