//! The body of `POST /transactions`, which tells apart what is no JSON (400) from JSON that says the wrong thing (422).

use poem::{Request, RequestBody};
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{Example, Type};
use poem_openapi::{Object, impl_apirequest_for_payload};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use service::statistics::{Amount, DECIMALS, timestamp_from_json_number};
use service::values::Currency;

use super::currency::currency_of;
use super::json::{self, Json};
use super::number::Number;
use crate::problem::Problem;

/// What somebody reports, read and checked.
#[derive(Debug, PartialEq, Eq)]
pub struct Transaction {
    pub amount: Amount,
    pub timestamp: i64,
    pub currency: Option<Currency>,
}

/// An amount that moved somewhere else, and when.
#[derive(Object)]
#[oai(rename = "Transaction", example)]
struct TransactionSchema {
    /// At most 18 digits before the point and 10 after it once the exponent is applied, either sign.
    amount: Number,
    /// When it happened, in milliseconds since 1970; not in the future.
    timestamp: i64,
    /// ISO 4217; the server's own by default.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    currency: Option<String>,
}

impl Example for TransactionSchema {
    fn example() -> Self {
        Self {
            amount: Number::new(123, 1, 1),
            timestamp: 1_478_192_204_000,
            currency: Some("USD".to_owned()),
        }
    }
}

/// The fields with their own texts: a float would have rounded the numbers before anybody could look.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(borrow)]
    amount: &'a RawValue,
    #[serde(borrow)]
    timestamp: &'a RawValue,
    #[serde(borrow, default, deserialize_with = "given")]
    currency: Option<&'a RawValue>,
}

/// A null is not the same as nothing.
fn given<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Transaction {
    /// Reads a body.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        // First all of it as JSON, so that the answer does not depend on what comes before the broken part.
        let body: Box<RawValue> = json::read(bytes)?;
        let fields = fields(body.get())?;
        let (amount, timestamp) = (number("amount", fields.amount)?, number("timestamp", fields.timestamp)?);
        Ok(Self {
            amount: Amount::from_json_number(amount).ok_or_else(|| {
                let message = format!("expected at most 18 digits before the point and {DECIMALS} after it");
                Problem::unprocessable_field("amount", message)
            })?,
            timestamp: timestamp_from_json_number(timestamp)
                .ok_or_else(|| Problem::unprocessable_field("timestamp", "expected whole milliseconds since 1970"))?,
            currency: fields.currency.map(currency).transpose()?,
        })
    }
}

fn fields(body: &str) -> Result<Fields<'_>, Problem> {
    if !body.starts_with('{') {
        return Err(Problem::unprocessable_field("", "expected an object"));
    }
    serde_json::from_str(body).map_err(|error| {
        let (field, message) = json::place::<Fields>(body, &error);
        Problem::unprocessable_field(field, message)
    })
}

fn number<'a>(field: &str, value: &'a RawValue) -> Result<&'a str, Problem> {
    match value.get().as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => Ok(value.get()),
        _ => Err(Problem::unprocessable_field(field, "expected a number")),
    }
}

fn currency(value: &RawValue) -> Result<Currency, Problem> {
    let code: String =
        serde_json::from_str(value.get()).map_err(|_| Problem::unprocessable_field("currency", "expected a string"))?;
    currency_of(&code)
}

impl Payload for Transaction {
    const CONTENT_TYPE: &'static str = <Json<TransactionSchema> as Payload>::CONTENT_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        Json::<TransactionSchema>::check_content_type(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        TransactionSchema::schema_ref()
    }

    fn register(registry: &mut Registry) {
        TransactionSchema::register(registry);
    }
}

impl ParsePayload for Transaction {
    const IS_REQUIRED: bool = true;

    async fn from_request(_request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self::read(&body.take()?.into_bytes().await?)?)
    }
}

impl_apirequest_for_payload!(Transaction);

#[cfg(test)]
mod tests {
    use super::*;

    fn status(body: &str) -> u16 {
        match Transaction::read(body.as_bytes()) {
            Ok(_) => 201,
            Err(problem) => problem.status().as_u16(),
        }
    }

    #[test]
    fn what_is_no_json_is_told_from_what_says_the_wrong_thing() {
        for body in [
            "",
            " ",
            "[",
            "NaN",
            "Infinity",
            r#"{"amount":NaN,"timestamp":1}"#,
            r#"{"amount":1,"#,
        ] {
            assert_eq!(status(body), 400, "{body}");
        }
        // Wrong at its beginning and broken at its end: no JSON all the same.
        assert_eq!((status("[1,"), status(r#"{"amount":null"#)), (400, 400));
        for body in [
            "[]",
            "null",
            "1",
            r#""x""#,
            "{}",
            r#"{"amount":1}"#,
            r#"{"amount":null,"timestamp":1}"#,
        ] {
            assert_eq!(status(body), 422, "{body}");
        }
        assert_eq!(status(r#" {"timestamp":1,"amount":1e2} "#), 201);
    }

    #[test]
    fn every_wrong_field_is_named() {
        for (body, field) in [
            (r#"{"timestamp":1}"#, "amount"),
            (r#"{"amount":1}"#, "timestamp"),
            (r#"{"amount":"1","timestamp":1}"#, "amount"),
            (r#"{"amount":1e400,"timestamp":1}"#, "amount"),
            (r#"{"amount":1,"timestamp":"1"}"#, "timestamp"),
            (r#"{"amount":1,"timestamp":1.5}"#, "timestamp"),
            (r#"{"amount":1,"timestamp":1,"currency":null}"#, "currency"),
            (r#"{"amount":1,"timestamp":1,"nope":1}"#, "nope"),
            (r#"{"amount":1,"amount":1,"timestamp":1}"#, "amount"),
        ] {
            let problem = Transaction::read(body.as_bytes()).expect_err("is refused");
            let document = serde_json::to_value(&problem).expect("serialises");
            assert_eq!(document["errors"][0]["field"], field, "{body}: {document}");
        }
    }
}
