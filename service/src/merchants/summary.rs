//! What one merchant has done.

use super::rollup::MerchantCounts;
use super::volume::Volume;
use crate::values::Timestamp;

/// A merchant's activities in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantSummary {
    /// The merchant.
    pub merchant_id: String,
    /// The sum of what succeeded.
    pub volume: Volume,
    /// Activities by product and status.
    pub counts: MerchantCounts,
    /// The time of the earliest activity.
    pub first_activity: Timestamp,
    /// The time of the latest activity.
    pub last_activity: Timestamp,
}
