//! The body of an operation that takes none. A client that sends fields to it means another operation.

use poem::{FromRequest, Request, RequestBody};

use crate::problem::Problem;

/// A body that is empty, or an object without fields. Anything else is refused, and not ignored.
pub struct NoBody;

impl<'a> FromRequest<'a> for NoBody {
    async fn from_request(_request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let bytes = body.take()?.into_bytes().await?;
        if is_nothing(&bytes) {
            return Ok(Self);
        }
        let message = "must be empty, or an object without fields";
        Err(Problem::invalid_field("", message).into())
    }
}

fn is_nothing(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii();
    let fields = bytes.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    bytes.is_empty() || fields.is_some_and(|fields| fields.trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nothing_is_no_body() {
        for nothing in ["", " \r\n", "{}", " { } "] {
            assert!(is_nothing(nothing.as_bytes()), "{nothing:?}");
        }
        for something in ["{", "}", "[]", "null", "{}{}", "{\"amount\":\"1\"}", "x"] {
            assert!(!is_nothing(something.as_bytes()), "{something:?}");
        }
    }
}
