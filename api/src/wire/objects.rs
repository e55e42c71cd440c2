//! Lists of objects in a body. serde alone would also read an object from an array of its values in order.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads a list whose items are objects, and nothing else: for serde's `deserialize_with`.
pub fn only_objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let items = Vec::<ObjectOnly<T>>::deserialize(deserializer)?;
    Ok(items.into_iter().map(|item| item.0).collect())
}

struct ObjectOnly<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ObjectOnly<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NamedItem {
        name: String,
        number: Option<Box<RawValue>>,
    }

    #[derive(Deserialize)]
    struct Body {
        #[serde(deserialize_with = "only_objects")]
        items: Vec<NamedItem>,
    }

    #[test]
    fn an_item_is_an_object_and_keeps_the_text_of_its_numbers() {
        let text = r#"{"items":[{"name":"a","number":1.50},{"name":"b"}]}"#;
        let body: Body = serde_json::from_str(text).expect("is read");
        assert_eq!(body.items[0].number.as_ref().map(|raw| raw.get()), Some("1.50"));
        assert_eq!(body.items[1].name, "b");
        for bad in [
            r#"{"items":[["a",null]]}"#,
            r#"{"items":[7]}"#,
            r#"{"items":[{"name":"a","x":1}]}"#,
        ] {
            assert!(serde_json::from_str::<Body>(bad).is_err(), "{bad}");
        }
    }
}
