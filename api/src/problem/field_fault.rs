//! One bad field of a request.

use std::fmt;

use serde::Serialize;

use super::clip;

/// A field or parameter that is refused, and why; the field is empty for the body as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldFault {
    field: String,
    message: String,
}

impl FieldFault {
    /// A field's path, such as `transfers[2].amount`, and a sentence that follows it, such as `must be a string`.
    pub fn new(field: impl AsRef<str>, message: impl AsRef<str>) -> Self {
        Self {
            field: clip(field.as_ref()).to_owned(),
            message: clip(message.as_ref()).to_owned(),
        }
    }

    /// The field's path.
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field[..] {
            "" => f.write_str(&self.message),
            field => write!(f, "{field}: {}", self.message),
        }
    }
}
