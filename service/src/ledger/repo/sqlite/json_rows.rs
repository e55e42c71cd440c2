//! Rows as the JSON that statements read through `json_each`.

use chrono::SecondsFormat;
use serde_json::Value;

use crate::values::Timestamp;

/// Rows as the JSON that a statement reads.
pub(super) fn text(rows: &[Value]) -> String {
    // `json!(rows)` would copy them first.
    serde_json::to_string(rows).expect("values of JSON are JSON")
}

/// A time in the form in which the driver writes it, so that all values of a column have one form and sort by time.
pub(super) fn time(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}
