//! JSON bodies read by serde straight from the bytes, so that no number passes through a float, and every
//! fault names its field and reason. Messages speak of JSON, never of our Rust types.

use std::ops::Deref;

use poem::{
    IntoResponse, Request, RequestBody, Response,
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse, impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry},
    types::Type,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use crate::problem::{Code, Problem};

const CONTENT_TYPE: &str = "application/json";

/// A JSON body: of a request, or of a 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// A JSON body answered with 201.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Type> Payload for Json<T> {
    const CONTENT_TYPE: &'static str = CONTENT_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        content_type == CONTENT_TYPE || is_json_in_utf8(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// `application/json` in any case, with no charset but UTF-8.
fn is_json_in_utf8(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case(CONTENT_TYPE)
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

impl<T: Type + DeserializeOwned> ParsePayload for Json<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(_request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        let bytes = body.take()?.into_bytes().await?;
        // serde would also read an object from an array of its values in order; a name of `[...]` is a list's.
        if bytes.trim_ascii_start().starts_with(b"[") && !T::name().starts_with('[') {
            return Err(Problem::invalid_field("", "expected an object, found an array").into());
        }
        Ok(Self(parse(&bytes)?))
    }
}

impl_apirequest_for_payload!(Json<T>, T: Type + DeserializeOwned);

/// Reads one JSON value, and nothing after it, from the bytes of a body.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Problem::invalid_field("", "the body is not valid UTF-8"));
    };
    if text.trim_ascii().is_empty() {
        return Err(Problem::invalid_field("", "the body is empty; JSON is expected"));
    }
    // The path is tracked in a second reading, which only a bad body pays for.
    serde_json::from_str(text).map_err(|error| explain::<T>(text, &error))
}

fn explain<T: DeserializeOwned>(text: &str, first: &serde_json::Error) -> Problem {
    if first.classify() != Category::Data {
        return Problem::invalid_field("", format!("the body is not valid JSON: {}", plain_reason(first)));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => Problem::invalid_field("", plain_reason(first)),
        Err(error) => {
            let path = error.path().to_string();
            let path = if path == "." { "" } else { &path };
            let (field, message) = describe(path, &plain_reason(error.inner()));
            Problem::invalid_field(field, message)
        }
    }
}

/// serde_json's sentence; the place is of use only where there is no path.
fn plain_reason(error: &serde_json::Error) -> String {
    let sentence = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match sentence.strip_suffix(&place) {
        Some(reason) if error.classify() == Category::Data => reason.to_owned(),
        _ => sentence,
    }
}

/// Turns serde's sentence about `path` into a field and a message in the words of JSON.
fn describe(path: &str, reason: &str) -> (String, String) {
    if let Some(name) = quoted(reason, "missing field `") {
        return (join(path, name), "this field is required".to_owned());
    }
    if let Some(name) = quoted(reason, "duplicate field `") {
        return (join(path, name), "this field is given more than once".to_owned());
    }
    if let Some(name) = quoted(reason, "unknown field `") {
        return (join(path, name), "there is no such field".to_owned());
    }
    if let Some(found) = reason.strip_prefix("invalid type: ") {
        let (found, expected) = found.rsplit_once(", expected ").unwrap_or((found, "another type"));
        return (
            path.to_owned(),
            format!(
                "expected {}, found {}",
                expected_in_json(expected),
                found_in_json(found)
            ),
        );
    }
    if let Some(found) = reason
        .strip_prefix("invalid value: ")
        .or(reason.strip_prefix("invalid length "))
    {
        let (_, expected) = found.rsplit_once(", expected ").unwrap_or((found, "another value"));
        return (path.to_owned(), format!("expected {}", expected_in_json(expected)));
    }
    if let Some((_, expected)) = reason
        .strip_prefix("unknown variant `")
        .and_then(|rest| rest.rsplit_once("`, expected "))
    {
        return (path.to_owned(), format!("expected {expected}"));
    }
    (path.to_owned(), reason.to_owned())
}

fn quoted<'a>(reason: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = reason.strip_prefix(prefix)?;
    // An unknown name is the client's own and may hold anything, so the list of known ones marks its end.
    let end = rest
        .rfind("`, expected ")
        .or_else(|| rest.rfind("`, there are no fields"))
        .or_else(|| rest.rfind('`'))?;
    Some(&rest[..end])
}

/// The path of a field, given the path of its object; serde names some fields itself already.
fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else if path == name || path.ends_with(&format!(".{name}")) {
        path.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn expected_in_json(expected: &str) -> String {
    let words = match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number in range, not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number in range",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" | "option" => "null",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("tuple") => "an array",
        _ if expected.contains("enum ") || expected.contains("variant") => "one of its known values",
        other => other,
    };
    words.to_owned()
}

/// The kind of what was found; its value is not repeated, as it may be long or a secret.
fn found_in_json(found: &str) -> &'static str {
    match found {
        _ if found.starts_with("string") || found.starts_with("character") => "a string",
        _ if found.starts_with("integer") => "a whole number",
        _ if found.starts_with("floating") || found.starts_with("number") => "a number",
        _ if found.starts_with("boolean") => "a boolean",
        _ if found.starts_with("sequence") || found.starts_with("tuple") => "an array",
        _ if found.starts_with("map") || found.starts_with("newtype") => "an object",
        _ if found.starts_with("null") || found.starts_with("unit") || found.starts_with("Option") => "null",
        _ => "another type",
    }
}

fn write<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            let mut response = Response::builder().status(status).body(bytes);
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
            response
        }
        Err(error) => {
            // `IntoResponse` cannot fail, so this fault is logged here and not by the edge.
            tracing::error!(error = %error, "an answer could not be written as JSON");
            Problem::new(Code::Internal, "the answer could not be written").into_response()
        }
    }
}

fn meta<T: Type>(status: u16) -> MetaResponses {
    let content = vec![MetaMediaType {
        content_type: CONTENT_TYPE,
        schema: T::schema_ref(),
    }];
    let answer = MetaResponse {
        description: "",
        status: Some(status),
        status_range: None,
        content,
        headers: vec![],
    };
    MetaResponses {
        responses: vec![answer],
    }
}

impl<T: Type + Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        write(StatusCode::OK, &self.0)
    }
}

impl<T: Type + Serialize> ApiResponse for Json<T> {
    fn meta() -> MetaResponses {
        meta::<T>(200)
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        write(StatusCode::CREATED, &self.0)
    }
}

impl<T: Type + Serialize> ApiResponse for Created<T> {
    fn meta() -> MetaResponses {
        meta::<T>(201)
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json, value::RawValue};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is looked at")]
    struct Inner {
        limit: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is looked at")]
    struct Outer {
        name: String,
        amount: Box<RawValue>,
        #[serde(default)]
        inner: Vec<Inner>,
    }

    fn error_of(text: &[u8]) -> (String, String) {
        let problem = parse::<Outer>(text).expect_err("is refused");
        assert_eq!(problem.code(), Code::InvalidRequest);
        let document: Value = serde_json::to_value(&problem).expect("serialises");
        let error = &document["errors"][0];
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        assert!(!document.to_string().contains("Outer") && !document.to_string().contains("Inner"));
        (text("field"), text("message"))
    }

    #[test]
    fn a_number_keeps_its_text() {
        let outer: Outer = parse(br#"{"name":"a","amount":12345678901234.5679}"#).expect("is read");
        assert_eq!(outer.amount.get(), "12345678901234.5679");
    }

    #[test]
    fn every_fault_names_its_field_and_reason() {
        let cases = [
            (json!({"name": "a"}), "amount", "this field is required"),
            (
                json!({"name": 1, "amount": 1}),
                "name",
                "expected a string, found a whole number",
            ),
            (
                json!({"name": "a", "amount": 1, "role": "admin"}),
                "role",
                "there is no such field",
            ),
            (
                json!({"name": "a", "amount": 1, "inner": [{"limit": 1}, {}]}),
                "inner[1].limit",
                "this field is required",
            ),
            (
                json!({"name": "a", "amount": 1, "inner": [{"limit": -1}]}),
                "inner[0].limit",
                "expected a whole number in range, not negative",
            ),
            (
                json!({"name": "a", "amount": 1, "inner": {}}),
                "inner",
                "expected an array, found an object",
            ),
            (
                json!({"name": "a", "amount": 1, "inner": [7]}),
                "inner[0]",
                "expected an object, found a whole number",
            ),
            (json!("text"), "", "expected an object, found a string"),
        ];
        for (body, field, message) in cases {
            assert_eq!(
                error_of(body.to_string().as_bytes()),
                (field.to_owned(), message.to_owned()),
                "{body}"
            );
        }
        let twice = error_of(br#"{"name":"a","name":"b","amount":1}"#);
        assert_eq!(
            twice,
            ("name".to_owned(), "this field is given more than once".to_owned())
        );
    }

    #[test]
    fn what_is_not_json_is_said_to_be_so() {
        for body in [
            &b"{"[..],
            b"nope",
            b"{\"name\":\"a\",\"amount\":1} x",
            b"{\"name\":\"a\",\"amount\":NaN}",
        ] {
            assert!(error_of(body).1.starts_with("the body is not valid JSON: "), "{body:?}");
        }
        assert_eq!(error_of(b" \n").1, "the body is empty; JSON is expected");
        assert_eq!(error_of(b"{\"name\":\"\xff\"}").1, "the body is not valid UTF-8");
    }

    #[test]
    fn only_json_in_utf8_is_read() {
        for good in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(<Json<String> as Payload>::check_content_type(good), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/jsonp",
            "application/json; charset=latin1",
            "application/xml",
        ] {
            assert!(!<Json<String> as Payload>::check_content_type(bad), "{bad}");
        }
    }
}
