//! JSON that the bank has stored as a text.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::inline_schema;

/// A JSON object, returned as it was stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredJson(Box<RawValue>);

impl StoredJson {
    /// A stored text; `None` when it is not JSON.
    pub fn of(text: String) -> Option<Self> {
        RawValue::from_string(text).ok().map(Self)
    }
}

inline_schema!(StoredJson, "StoredJson", {
    let mut schema = MetaSchema::new("object");
    schema.additional_properties = Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY))));
    schema
});
