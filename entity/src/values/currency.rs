//! ISO 4217 currency codes.

use std::cmp::Ordering;
use std::fmt;

use serde::{Serialize, Serializer};

use super::stored_as;

/// A currency of ISO 4217. Currencies sort by their codes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Reads a three-letter code in capitals; `None` when ISO 4217 has no such currency.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        iso_currency::Currency::from_code(code).map(Self)
    }

    /// The ISO 4217 number: at most three digits, unique to the currency.
    #[must_use]
    pub fn numeric(self) -> u16 {
        self.0.numeric()
    }

    /// Every currency that wallets may have, by code.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let letters = b'A'..=b'Z';
        let pairs = letters
            .clone()
            .flat_map(|first| letters.clone().map(move |second| [first, second]));
        let codes = pairs.flat_map(|[first, second]| letters.clone().map(move |third| [first, second, third]));
        let found = codes.filter_map(|code| Self::from_code(std::str::from_utf8(&code).ok()?));
        found.collect()
    }

    /// Its English name in ISO 4217.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// How many decimals its smallest coin has; `None` for what has no coins, such as gold. Amounts have four decimals in
    /// every currency.
    #[must_use]
    pub fn digits(self) -> Option<u16> {
        self.0.exponent()
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code().cmp(other.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

stored_as!(
    Currency,
    String,
    sea_orm::Value::String(None),
    |currency| currency.code().to_owned(),
    |code| Currency::from_code(&code)
);

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_currencies_are_listed_once_in_order() {
        let all = Currency::all();
        assert!(all.len() > 150, "{}", all.len());
        assert!(all.is_sorted_by(|one, next| one < next));
        for code in ["EUR", "JPY", "NGN", "USD", "ZWG"] {
            assert!(all.iter().any(|currency| currency.code() == code), "{code}");
        }
        assert!(all.iter().all(|currency| !currency.name().is_empty()));
        let digits = |code| Currency::from_code(code).and_then(Currency::digits);
        assert_eq!(
            ["USD", "JPY", "BHD", "XAU"].map(digits),
            [Some(2), Some(0), Some(3), None]
        );
    }
}
