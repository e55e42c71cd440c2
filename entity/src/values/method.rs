//! Payment methods: how money enters or leaves the bank.

use std::fmt;

use serde::Serialize;

use super::stored_as;

/// A payment method's name, such as `visa`: 1 to 32 of `a-z`, `0-9` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Method(String);

impl Method {
    /// The longest name, in characters.
    pub const LENGTH_MAX: usize = 32;

    /// Reads a name; `None` when it has another shape.
    #[must_use]
    pub fn try_new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let fits = (1..=Self::LENGTH_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        fits.then_some(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

stored_as!(
    Method,
    String,
    sea_orm::Value::String(None),
    |method| method.0,
    Method::try_new
);

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
