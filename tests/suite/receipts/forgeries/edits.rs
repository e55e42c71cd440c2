//! Every way in which one member of a receipt is changed. The document is walked as JSON, so that no member is forgotten.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// A name that no document has. In the text it is replaced by the name that shall be there twice.
const STAND_IN: &str = "@";
/// How many values of other receipts are put into each place.
const OTHERS_MAX: usize = 4;

/// All forgeries of a receipt, each with what was done. `others` are receipts whose values are valid ones of their kinds.
pub fn forgeries_of(receipt: &Value, others: &[Value]) -> Vec<(String, String)> {
    let mut forged = Vec::new();
    for place in places(receipt, "") {
        let value = receipt.pointer(&place).expect("the place is one of the receipt");
        for other in other_values(&place, value, others) {
            let mut copy = receipt.clone();
            *at(&mut copy, &place) = other;
            forged.push((format!("another value of {place}"), copy.to_string()));
        }
        forged.push((format!("a receipt without {place}"), without(receipt, &place)));
        forged.extend(doubled(receipt, &place));
        forged.extend(with_more(receipt, &place));
    }
    forged.extend(with_more(receipt, ""));
    forged.extend(around(receipt));
    forged
}

/// The receipt with the members of every object the other way round.
pub fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().rev();
            Value::Object(members.map(|(name, value)| (name.clone(), reversed(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(reversed).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The JSON pointers of all members and elements of a value at any depth.
fn places(value: &Value, below: &str) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => (0..).map(|index: usize| index.to_string()).zip(items).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let mut found = Vec::new();
    for (name, value) in inner {
        let place = format!("{below}/{name}");
        found.extend(places(value, &place));
        found.push(place);
    }
    found
}

/// Values that a place must not have: valid ones of the same kind, those of other types, and other spellings.
fn other_values(place: &str, value: &Value, others: &[Value]) -> Vec<Value> {
    let mut seen = BTreeSet::from([value.to_string()]);
    let elsewhere = others.iter().filter_map(|other| other.pointer(place)).cloned();
    let elsewhere: Vec<Value> = elsewhere
        .filter(|other| seen.insert(other.to_string()))
        .take(OTHERS_MAX)
        .collect();
    let of_other_types = [
        json!(null),
        json!(true),
        json!(7),
        json!(""),
        json!("7"),
        json!([]),
        json!({}),
    ];
    let spelled = match value {
        Value::String(text) => other_texts(text),
        Value::Number(number) => other_numbers(&number.to_string()),
        Value::Array(items) => vec![Value::Array(items.iter().rev().cloned().collect()), json!([items])],
        Value::Object(members) => vec![json!([members]), without_names(members)],
        Value::Null | Value::Bool(_) => vec![json!("null"), json!(false), json!(0)],
    };
    let new = of_other_types.into_iter().chain(spelled);
    let new = new.filter(|other| seen.insert(other.to_string()));
    elsewhere.into_iter().chain(new).collect()
}

/// The values of an object in an array, which a careless parser takes for the object.
fn without_names(members: &Map<String, Value>) -> Value {
    members.values().cloned().collect()
}

fn other_texts(text: &str) -> Vec<Value> {
    let mut changed = text.to_owned();
    let last = changed.pop();
    let near = match last {
        // A digit, a hexadecimal one too, or a letter of the same case.
        Some('0'..='8' | 'a'..='e' | 'A'..='Y' | 'g'..='y') => last.map(|last| char::from(last as u8 + 1)),
        Some('9' | 'f') => Some('0'),
        _ => Some('A'),
    };
    let short = changed.clone();
    changed.extend(near);
    [
        changed,
        short,
        text.to_uppercase(),
        text.to_lowercase(),
        format!(" {text}"),
        format!("{text} "),
        format!("{text}0"),
        format!("0{text}"),
        format!("{text}\0"),
        format!("+{text}"),
        text.replace('-', ""),
        text.replace('Z', "+00:00"),
        text.trim_end_matches('0').to_owned(),
    ]
    .into_iter()
    .map(Value::String)
    .collect()
}

/// Other numbers, and other spellings of the same one.
fn other_numbers(number: &str) -> Vec<Value> {
    let whole: i64 = number.parse().expect("a receipt has whole numbers");
    let texts = [
        format!("{number}.0"),
        format!("{number}e0"),
        "-1".to_owned(),
        u64::MAX.to_string(),
    ];
    let texts = texts
        .iter()
        .map(|text| serde_json::from_str::<Value>(text).expect("this is JSON"));
    let near = [whole + 1, whole - 1, whole + (1 << 32), -whole].map(Value::from);
    let more = [json!(number), json!([whole])];
    texts.chain(near).chain(more).collect()
}

/// The receipt without one member or element.
fn without(receipt: &Value, place: &str) -> String {
    let mut copy = receipt.clone();
    let (parent, name) = split(place);
    match at(&mut copy, parent) {
        Value::Object(members) => drop(members.shift_remove(name)),
        Value::Array(items) => drop(items.remove(name.parse().expect("an element has a number"))),
        other => panic!("{other} has nothing in it"),
    }
    copy.to_string()
}

/// The receipt with one member twice: the same value, or null before or after it. An element is repeated.
fn doubled(receipt: &Value, place: &str) -> Vec<(String, String)> {
    let (parent, name) = split(place);
    let value = receipt
        .pointer(place)
        .cloned()
        .expect("the place is one of the receipt");
    if let Some(Value::Array(_)) = receipt.pointer(parent) {
        let mut copy = receipt.clone();
        if let Value::Array(items) = at(&mut copy, parent) {
            items.insert(name.parse().expect("an element has a number"), value);
        }
        return vec![(format!("{place} twice"), copy.to_string())];
    }
    let mut texts = Vec::new();
    for (first, second) in [(&value, &value), (&value, &Value::Null), (&Value::Null, &value)] {
        let mut copy = receipt.clone();
        if let Value::Object(members) = at(&mut copy, parent) {
            let twice = members.iter().flat_map(|(known, kept)| {
                let both = if known == name {
                    vec![(known.clone(), first.clone()), (STAND_IN.to_owned(), second.clone())]
                } else {
                    vec![(known.clone(), kept.clone())]
                };
                both.into_iter()
            });
            *members = twice.collect::<Map<String, Value>>();
        }
        let stand_in = format!("\"{STAND_IN}\":");
        let text = copy.to_string().replace(&stand_in, &format!("\"{name}\":"));
        texts.push((format!("{place} twice"), text));
    }
    texts
}

/// The receipt with a member more in the object, or an element more in the array, at a place.
fn with_more(receipt: &Value, place: &str) -> Vec<(String, String)> {
    let mut forged = Vec::new();
    for more in [json!(null), json!("more"), json!({})] {
        let mut copy = receipt.clone();
        match at(&mut copy, place) {
            Value::Object(members) => drop(members.insert("more".to_owned(), more)),
            Value::Array(items) => items.push(more),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Vec::new(),
        }
        forged.push((format!("more in {place}"), copy.to_string()));
    }
    forged
}

/// The whole receipt in something else, or with something after it.
fn around(receipt: &Value) -> Vec<(String, String)> {
    let members = receipt.as_object().expect("a receipt is an object");
    let texts = [
        json!([receipt]).to_string(),
        without_names(members).to_string(),
        json!(receipt.to_string()).to_string(),
        format!("{receipt}{receipt}"),
        format!("{receipt},"),
        format!("{receipt}\0"),
        format!("\u{feff}{receipt}"),
        String::new(),
        "null".to_owned(),
        "{}".to_owned(),
    ];
    texts.map(|text| ("something around it".to_owned(), text)).into()
}

/// The place of what a member or element is in, and its name there.
fn split(place: &str) -> (&str, &str) {
    place.rsplit_once('/').expect("a place begins with a slash")
}

fn at<'a>(document: &'a mut Value, place: &str) -> &'a mut Value {
    document.pointer_mut(place).expect("the place is one of the document")
}
