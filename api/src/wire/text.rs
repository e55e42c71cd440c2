//! Free text and free JSON of a caller, bounded.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use service::transfers::Metadata;

use super::inline_schema;

/// Text of at most 500 characters without NUL, which PostgreSQL cannot store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

/// A JSON object of at most 4 096 bytes, returned as it was sent.
#[derive(Debug, Clone)]
pub enum MetadataValue {
    /// What a caller sent, read and checked.
    Given(Metadata),
    /// What was stored.
    Stored(Box<RawValue>),
}

impl Text {
    /// The most characters of a text.
    pub const LENGTH_MAX: usize = 500;
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.contains('\0') {
            return Err(D::Error::custom("may not contain the character U+0000"));
        }
        if text.chars().count() > Self::LENGTH_MAX {
            return Err(D::Error::custom(format_args!(
                "may have at most {} characters",
                Self::LENGTH_MAX
            )));
        }
        Ok(Self(text))
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl MetadataValue {
    /// The metadata that a caller sent; `None` for a stored value.
    pub fn given(self) -> Option<Metadata> {
        match self {
            Self::Given(metadata) => Some(metadata),
            Self::Stored(_) => None,
        }
    }

    /// A stored object, for an answer; `None` when it is not JSON.
    pub fn stored(text: &str) -> Option<Self> {
        RawValue::from_string(text.to_owned()).ok().map(Self::Stored)
    }
}

impl<'de> Deserialize<'de> for MetadataValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let message = format!(
            "must be an object of at most {} bytes, nested at most {} deep",
            Metadata::BYTES_MAX,
            Metadata::DEPTH_MAX
        );
        Metadata::try_new(raw.get())
            .map(Self::Given)
            .ok_or_else(|| D::Error::custom(message))
    }
}

impl Serialize for MetadataValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Given(metadata) => {
                let raw = RawValue::from_string(metadata.as_json().to_owned()).map_err(serde::ser::Error::custom)?;
                raw.serialize(serializer)
            }
            Self::Stored(raw) => raw.serialize(serializer),
        }
    }
}

inline_schema!(Text, "Text", {
    let mut schema = MetaSchema::new("string");
    schema.max_length = Some(Text::LENGTH_MAX);
    schema.pattern = Some(r"^[^\u0000]*$".to_owned());
    schema
});

inline_schema!(MetadataValue, "Metadata", {
    let mut schema = MetaSchema::new("object");
    schema.description = Some("Anything the caller wants to keep with the transfer, at most 4 096 bytes of JSON.");
    schema.additional_properties = Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY))));
    schema
});
