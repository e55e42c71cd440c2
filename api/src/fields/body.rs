//! Reads a JSON body. In a bad body every bad field is found: each field is tried alone, inside the sample of the
//! documentation, whose other fields are valid. So the code that reads a field also judges it, and there is no second
//! set of rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use poem_openapi::registry::Registry;
use poem_openapi::types::{Example, Type};
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::path::{FieldPath, PathStep};
use super::{FAULTS_MAX, words};
use crate::problem::{Code, FieldFault, Problem};

/// An object that callers send. Its example has every field and is valid as it is.
pub trait Input: Type + Example + Serialize + DeserializeOwned {
    /// Why a value that can be read will be refused later, with a code of its own. It is named too when another field
    /// is bad.
    fn refusal(&self) -> Option<&'static str> {
        None
    }
}

/// Reads one JSON value, and nothing after it, from the bytes of a body. Bad fields are answered with `of_fields`, a
/// body that is not JSON with `invalid_request`.
pub fn read<T: Input>(bytes: &[u8], of_fields: Code) -> Result<T, Problem> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Problem::invalid_field("", "the body is not valid UTF-8"));
    };
    if text.trim_ascii().is_empty() {
        return Err(Problem::invalid_field("", "the body is empty; it must be JSON"));
    }
    // serde would also read an object from an array of its values in order.
    if !text.trim_ascii_start().starts_with('[')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    // All of it as JSON first, so that the answer does not depend on what comes before the broken part.
    let body: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    Err(Problem::of_fields(of_fields, Survey::<T>::of(body).faults))
}

fn not_json(error: &serde_json::Error) -> Problem {
    let message = match error.classify() {
        Category::Eof => "the body is not valid JSON: it breaks off".to_owned(),
        Category::Syntax | Category::Data | Category::Io => format!(
            "the body is not valid JSON: look at character {} of line {}",
            error.column(),
            error.line()
        ),
    };
    Problem::invalid_field("", message)
}

/// The most values of one bad body that are tried, so that an answer to a million small ones costs little.
const TRIES_MAX: usize = 4_000;

/// The faults of a body that are found so far.
struct Survey<T> {
    faults: Vec<FieldFault>,
    tries: usize,
    schemas: Schemas,
    input: PhantomData<T>,
}

/// Puts a value's text into an otherwise valid body.
type Frame<'a> = &'a dyn Fn(&str) -> String;

impl<T: Input> Survey<T> {
    fn of(body: &RawValue) -> Self {
        let mut survey = Self {
            faults: Vec::new(),
            tries: 0,
            schemas: Schemas::of::<T>(),
            input: PhantomData,
        };
        let sample = serde_json::value::to_raw_value(&T::example()).unwrap_or_default();
        survey.look(&FieldPath::default(), &sample, body, &str::to_owned);
        survey
    }

    /// Names the faults of a value: those of its parts, or its own where its parts are good.
    fn look(&mut self, path: &FieldPath, sample: &RawValue, given: &RawValue, frame: Frame) {
        let Some(fault) = self.fault(path, &frame(given.get())) else {
            return;
        };
        let before = self.faults.len();
        if let (Some(sample), Some(given)) = (members(sample), members(given)) {
            self.look_at_members(path, &sample, &given, frame);
        } else if let (Some(sample), Some(given)) = (items(sample), items(given)) {
            let sample = sample.first().copied().unwrap_or(RawValue::NULL);
            for (index, item) in given.into_iter().enumerate() {
                if self.is_over() {
                    break;
                }
                self.look(&path.item(index), sample, item, &|text| frame(&format!("[{text}]")));
            }
        }
        if self.faults.len() == before {
            self.add(fault);
        }
    }

    fn look_at_members(&mut self, path: &FieldPath, sample: &Members, given: &Members, frame: Frame) {
        let mut by_name: BTreeMap<&str, Vec<&RawValue>> = BTreeMap::new();
        for (name, value) in given {
            by_name.entry(name).or_default().push(value);
        }
        let samples: BTreeMap<&str, &RawValue> = sample.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let mut seen = BTreeSet::new();
        // First the fields of the input in their order, missing ones too, then the unknown ones.
        let names = sample.iter().chain(given).map(|(name, _)| name.as_str());
        for name in names.filter(|name| seen.insert(*name)) {
            if self.is_over() {
                return;
            }
            let values = by_name.get(name).map(Vec::as_slice).unwrap_or_default();
            let path = path.member(name);
            match (values, samples.get(name)) {
                ([value], Some(sample_value)) => {
                    self.look(&path, sample_value, value, &|text| {
                        frame(&object(sample, name, &[text]))
                    });
                }
                _ => {
                    let texts: Vec<&str> = values.iter().map(|value| value.get()).collect();
                    let fault = self.fault(&path, &frame(&object(sample, name, &texts)));
                    fault.into_iter().for_each(|fault| self.add(fault));
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        self.faults.len() >= FAULTS_MAX || self.tries >= TRIES_MAX
    }

    fn add(&mut self, fault: FieldFault) {
        let is_known = self.faults.iter().any(|known| known.field() == fault.field());
        if self.faults.len() < FAULTS_MAX && !is_known {
            self.faults.push(fault);
        }
    }

    /// Why this body is refused, in which only the value at `path` may be bad; `None` when it is valid.
    fn fault(&mut self, path: &FieldPath, body: &str) -> Option<FieldFault> {
        self.tries += 1;
        if body.starts_with('[') {
            return Some(FieldFault::new("", "must be an object, not an array"));
        }
        let mut deserializer = serde_json::Deserializer::from_str(body);
        match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Ok(value) => value
                .refusal()
                .map(|message| FieldFault::new(path.to_string(), message)),
            Err(error) => Some(self.describe(path.of_error(error.path()), error.inner())),
        }
    }

    /// Turns serde's sentence into a field and a message in the words of JSON.
    fn describe(&self, path: FieldPath, error: &serde_json::Error) -> FieldFault {
        let sentence = error.to_string();
        for (prefix, message) in [
            ("missing field `", "this field is required"),
            ("duplicate field `", "this field is given more than once"),
            ("unknown field `", "there is no such field"),
        ] {
            if let Some(name) = quoted(&sentence, prefix) {
                return FieldFault::new(path.of_named(name).to_string(), message);
            }
        }
        // The types of `wire` have a message of their own; serde_json appends the place.
        let place = format!(" at line {} column {}", error.line(), error.column());
        let own = sentence.strip_suffix(&place).unwrap_or(&sentence);
        if own.starts_with("must ") || own.starts_with("may ") {
            return FieldFault::new(path.to_string(), own);
        }
        if error.classify() != Category::Data {
            return FieldFault::new(path.to_string(), "has an escape or a number that cannot be read");
        }
        let must_be = words::must_be(self.schemas.at(&path));
        let found = sentence.strip_prefix("invalid type: ").and_then(kind_of);
        let message = found.map_or_else(|| must_be.clone(), |found| format!("{must_be}, not {found}"));
        FieldFault::new(path.to_string(), message)
    }
}

/// The schemas of an input and of its parts.
struct Schemas {
    root: Value,
    named: Value,
}

impl Schemas {
    fn of<T: Type>() -> Self {
        let mut registry = Registry::new();
        T::register(&mut registry);
        Self {
            root: serde_json::to_value(T::schema_ref()).unwrap_or_default(),
            named: serde_json::to_value(&registry.schemas).unwrap_or_default(),
        }
    }

    /// The schema of the value at a path; null when there is none.
    fn at(&self, path: &FieldPath) -> &Value {
        let steps = path.steps().iter();
        steps.fold(words::resolve(&self.root, &self.named), |schema, step| {
            let part = match step {
                PathStep::Member(name) => &schema["properties"][name],
                PathStep::Item(_) => &schema["items"],
            };
            words::resolve(part, &self.named)
        })
    }
}

type Members<'a> = Vec<(String, &'a RawValue)>;

/// The members of an object in their order, duplicates included.
fn members(value: &RawValue) -> Option<Members<'_>> {
    struct InOrder;

    impl<'de> Visitor<'de> for InOrder {
        type Value = Members<'de>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }

    serde_json::Deserializer::from_str(value.get())
        .deserialize_map(InOrder)
        .ok()
}

fn items(value: &RawValue) -> Option<Vec<&RawValue>> {
    Vec::<&RawValue>::deserialize(&mut serde_json::Deserializer::from_str(value.get())).ok()
}

/// The sample's object, whose member `name` is given once for each of `values`, and not at all when there are none.
fn object(sample: &Members, name: &str, values: &[&str]) -> String {
    let others = sample.iter().filter(|(other, _)| other != name);
    let others = others.map(|(other, value)| (other.as_str(), value.get()));
    let members = others.chain(values.iter().map(|value| (name, *value)));
    let members: Vec<String> = members
        .map(|(name, value)| format!("{}:{value}", Value::from(name)))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn quoted<'a>(sentence: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = sentence.strip_prefix(prefix)?;
    // An unknown name is the client's own and may hold anything, so the list of known ones marks its end.
    let end = rest
        .rfind("`, expected ")
        .or_else(|| rest.rfind("`, there are no fields"))
        .or_else(|| rest.rfind('`'))?;
    Some(&rest[..end])
}

/// The kind of what was found; its value is not repeated, as it may be long or a secret.
fn kind_of(found: &str) -> Option<&'static str> {
    let kinds = [
        ("string", "a string"),
        ("integer", "a number"),
        ("floating", "a number"),
        ("number", "a number"),
        ("boolean", "true or false"),
        ("sequence", "an array"),
        ("map", "an object"),
        ("null", "null"),
        ("unit", "null"),
    ];
    kinds
        .iter()
        .find(|(start, _)| found.starts_with(start))
        .map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests;
