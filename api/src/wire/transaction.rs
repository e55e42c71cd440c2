//! The body of `POST /transactions`. A body that is not JSON is answered with 400, JSON with wrong content with 422.

use poem::{Request, RequestBody};
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{Example, Type};
use poem_openapi::{Object, impl_apirequest_for_payload};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use service::statistics::{DECIMALS, WindowAmount, timestamp_from_json_number};
use service::values::Currency;

use super::currency::{CURRENCY_EXPECTED, currency_of};
use super::json::Json;
use super::not_null::not_null;
use super::number::Number;
use crate::fields::{self, Input};
use crate::problem::{Code, Problem};

/// What a caller reports, read and checked.
#[derive(Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The amount that moved, of either sign.
    pub amount: WindowAmount,
    /// When it moved, in milliseconds since 1970 (UTC).
    pub timestamp: i64,
    /// The currency; `None` for the server's own.
    pub currency: Option<Currency>,
}

/// An amount that moved somewhere else, and when.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "Transaction", example)]
#[serde(deny_unknown_fields)]
struct TransactionInput {
    /// At most 18 digits before the point and 10 after it once the exponent is applied, either sign.
    #[serde(deserialize_with = "amount")]
    amount: Number,
    /// When it happened, in milliseconds since 1970; not in the future.
    #[serde(deserialize_with = "timestamp")]
    timestamp: i64,
    /// ISO 4217; the server's own by default.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    #[serde(default, deserialize_with = "not_null")]
    currency: Option<String>,
}

impl Example for TransactionInput {
    fn example() -> Self {
        Self {
            amount: Number::new(123, 1, 1),
            timestamp: 1_478_192_204_000,
            currency: Some("USD".to_owned()),
        }
    }
}

impl Input for TransactionInput {
    fn refusal(&self) -> Option<&'static str> {
        let is_known = |code: &String| currency_of(code).is_ok();
        (!self.currency.as_ref().is_none_or(is_known)).then_some(CURRENCY_EXPECTED)
    }
}

/// Kept as text: a float would round it before it is checked.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
    let number = Number::deserialize(deserializer)?;
    match WindowAmount::from_json_number(number.as_str()) {
        Some(_) => Ok(number),
        None => Err(D::Error::custom(format_args!(
            "must be a number of at most 18 digits before the point and {DECIMALS} after it"
        ))),
    }
}

fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = Number::deserialize(deserializer)?;
    timestamp_from_json_number(number.as_str())
        .ok_or_else(|| D::Error::custom("must be a whole number of milliseconds since 1970"))
}

impl Transaction {
    /// Reads a body.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let input: TransactionInput = fields::read(bytes, Code::InvalidField)?;
        let amount = WindowAmount::from_json_number(input.amount.as_str());
        Ok(Self {
            amount: amount.ok_or_else(|| Problem::unprocessable_field("amount", "must be a number"))?,
            timestamp: input.timestamp,
            currency: input.currency.as_deref().map(currency_of).transpose()?,
        })
    }
}

impl Payload for Transaction {
    const CONTENT_TYPE: &'static str = <Json<TransactionInput> as Payload>::CONTENT_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        Json::<TransactionInput>::check_content_type(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        TransactionInput::schema_ref()
    }

    fn register(registry: &mut Registry) {
        TransactionInput::register(registry);
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
