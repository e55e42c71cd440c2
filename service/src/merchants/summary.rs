//! What one merchant has done.

use super::rollup::Counts;
use super::volume::Volume;
use crate::values::Timestamp;

/// A merchant's activities in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub merchant_id: String,
    /// The sum of what succeeded.
    pub volume: Volume,
    pub counts: Counts,
    pub first_activity: Timestamp,
    pub last_activity: Timestamp,
}
