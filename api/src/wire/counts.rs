//! A JSON object of counts by name, in a given order.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::inline_schema;

/// Counts by name. The order is part of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(pub Vec<(String, u64)>);

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, count)| (name, count)))
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Map::<String, Value>::deserialize(deserializer)?;
        let counts = members.into_iter().map(|(name, count)| {
            let count = count
                .as_u64()
                .ok_or_else(|| serde::de::Error::custom("expected a count"))?;
            Ok((name, count))
        });
        counts.collect::<Result<_, D::Error>>().map(Self)
    }
}

inline_schema!(Counts, "Counts", {
    let mut count = MetaSchema::new_with_format("integer", "uint64");
    count.minimum = Some(0.0);
    let mut schema = MetaSchema::new("object");
    schema.description = Some("Counts by name; the order of the members is part of the answer.");
    schema.additional_properties = Some(Box::new(MetaSchemaRef::Inline(Box::new(count))));
    schema
});
