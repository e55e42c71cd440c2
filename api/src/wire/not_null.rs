//! Fields of requests that may be left out, and may not be null.

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};

/// Reads a field that was given. `NULL_REFUSED` of `openapi/objects.rs` says the same in the document.
pub fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    match Option::<T>::deserialize(deserializer)? {
        None => Err(D::Error::invalid_type(Unexpected::Unit, &"a value")),
        given => Ok(given),
    }
}
