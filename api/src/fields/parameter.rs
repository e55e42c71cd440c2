//! A parameter of a path or a query, as the document describes it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::words;

/// A parameter's name and what its values must be.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: String,
    pub is_list: bool,
    schema: Value,
}

impl Parameter {
    /// Reads a parameter of the OpenAPI document, whose named schemas are `named`.
    pub fn of_document(parameter: &Value, named: &Value) -> Option<Self> {
        let schema = words::resolve(&parameter["schema"], named);
        Some(Self {
            name: parameter["name"].as_str()?.to_owned(),
            is_list: schema["type"] == "array",
            schema: schema.clone(),
        })
    }

    /// What a value must be.
    pub fn must_be(&self) -> String {
        words::must_be(&self.schema)
    }

    /// Whether a text is such a value, as far as the schema says.
    pub fn takes(&self, text: &str) -> bool {
        if let Some(values) = self.schema["enum"].as_array() {
            return values.iter().any(|value| value == text);
        }
        match (self.schema["type"].as_str(), self.schema["format"].as_str()) {
            (Some("string"), Some("uuid")) => Uuid::try_parse(text).is_ok(),
            (Some("string"), Some("date-time")) => text.parse::<DateTime<Utc>>().is_ok(),
            (Some("integer"), _) => text.parse::<i64>().is_ok_and(|number| self.is_within(number)),
            (Some("boolean"), _) => text.parse::<bool>().is_ok(),
            _ => true,
        }
    }

    fn is_within(&self, number: i64) -> bool {
        let bound = |name: &str| self.schema[name].as_f64().map(|bound| bound as i64);
        bound("minimum").is_none_or(|least| number >= least) && bound("maximum").is_none_or(|most| number <= most)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_told_from_others_by_their_schema() {
        let takes = |schema: Value, text: &str| {
            let parameter = json!({ "name": "p", "schema": schema });
            Parameter::of_document(&parameter, &Value::Null)
                .expect("it has a name")
                .takes(text)
        };
        let limit = || json!({ "type": "integer", "minimum": 1.0, "maximum": 500.0 });
        assert!(takes(limit(), "500") && !takes(limit(), "0") && !takes(limit(), "501") && !takes(limit(), "x"));
        let word = || json!({ "type": "string", "enum": ["A", "B"] });
        assert!(takes(word(), "B") && !takes(word(), "b"));
        let id = || json!({ "type": "string", "format": "uuid" });
        assert!(takes(id(), "01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01") && !takes(id(), "7"));
        let time = || json!({ "type": "string", "format": "date-time" });
        assert!(takes(time(), "2026-01-31T12:00:00Z") && !takes(time(), "2026-01-31"));
        let flag = || json!({ "type": "boolean" });
        assert!(takes(flag(), "true") && !takes(flag(), "yes"));
        assert!(takes(json!({ "type": "string" }), ""));
    }
}
