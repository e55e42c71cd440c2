//! Times on the wire: RFC 3339 in UTC, always with six decimals.

use poem_openapi::registry::MetaSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use service::values::Timestamp;
pub use service::values::time_text;

use super::inline_schema;

/// A moment, such as `"2026-01-05T03:33:58.000000Z"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&time_text(self.0))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::deserialize(deserializer).map(Self)
    }
}

inline_schema!(Time, "Time", {
    let mut schema = MetaSchema::new_with_format("string", "date-time");
    schema.description = Some("RFC 3339, UTC, microseconds.");
    schema.pattern = Some(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$".to_owned());
    schema
});
