//! Currencies on the wire.

use service::values::Currency;

use crate::problem::{Code, Problem};

/// What a currency must be, in words that follow a field's name.
pub const CURRENCY_EXPECTED: &str = "must be a currency of ISO 4217, such as USD";

/// Reads an ISO 4217 code of the caller's.
pub fn currency_of(code: &str) -> Result<Currency, Problem> {
    Currency::from_code(code).ok_or_else(|| {
        Problem::new(
            Code::UnknownCurrency,
            "a currency is a three-letter code of ISO 4217 in capitals",
        )
    })
}
