//! Currencies on the wire.

use service::values::Currency;

use crate::problem::{Code, Problem};

/// Reads an ISO 4217 code of the caller's.
pub fn currency_of(code: &str) -> Result<Currency, Problem> {
    Currency::from_code(code).ok_or_else(|| {
        Problem::new(
            Code::UnknownCurrency,
            "a currency is a three-letter code of ISO 4217 in capitals",
        )
    })
}
