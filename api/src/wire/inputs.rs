//! Texts of a caller that must have a certain form. Each is parsed once, into a value of the service.

use poem_openapi::registry::MetaSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use service::identity::{Email, FullName};
use service::transfers::HoldTerms;
use service::values::Method;

use super::inline_schema;

macro_rules! input {
    ($(#[$doc:meta])* $input:ident of $value:ident, $message:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $input(pub $value);

        impl $input {
            /// Reads a text; `None` when its form is wrong.
            pub fn try_new(text: &str) -> Option<Self> {
                $value::try_new(text).map(Self)
            }
        }

        impl<'de> Deserialize<'de> for $input {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::try_new(&text).ok_or_else(|| D::Error::custom($message))
            }
        }

        impl Serialize for $input {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.as_str())
            }
        }
    };
}

input!(
    /// An e-mail address.
    EmailInput of Email,
    "must be an e-mail address of at most 254 bytes, such as ana@example.com"
);
input!(
    /// The name of a person or a program.
    FullNameInput of FullName,
    "must have 1 to 200 characters, all of which can be seen"
);
input!(
    /// A payment method.
    MethodInput of Method,
    "must have 1 to 32 characters of a-z, 0-9 and _, such as visa"
);

inline_schema!(EmailInput, "EmailInput", {
    let mut schema = MetaSchema::new_with_format("string", "email");
    schema.description = Some("Compared in lower case.");
    schema.max_length = Some(254);
    schema
});

inline_schema!(FullNameInput, "FullNameInput", {
    let mut schema = MetaSchema::new("string");
    schema.description = Some("1 to 200 characters that can be seen.");
    (schema.min_length, schema.max_length) = (Some(1), Some(200));
    // Blanks at both ends are removed, so at least one other character is needed.
    schema.pattern = Some(
        r"^[^\u0000-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u001F\u007F-\u009F]*$".to_owned(),
    );
    schema
});

inline_schema!(MethodInput, "MethodInput", {
    let mut schema = MetaSchema::new("string");
    schema.description = Some("How, such as `visa` or `wire`.");
    schema.pattern = Some("^[a-z0-9_]{1,32}$".to_owned());
    schema
});

/// For how long a hold is asked for, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldSeconds(pub HoldTerms);

impl<'de> Deserialize<'de> for HoldSeconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = i64::deserialize(deserializer)?;
        HoldTerms::try_new(seconds).map(Self).ok_or_else(|| {
            let (min, max) = (HoldTerms::SECONDS_MIN, HoldTerms::SECONDS_MAX);
            D::Error::custom(format_args!("must be a whole number from {min} to {max}"))
        })
    }
}

impl Serialize for HoldSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.expires_in.num_seconds())
    }
}

inline_schema!(HoldSeconds, "HoldSeconds", {
    let mut schema = MetaSchema::new_with_format("integer", "int64");
    schema.description = Some("After how many seconds a hold ends by itself; 604 800, seven days, when it is missing.");
    (schema.minimum, schema.maximum) = (Some(HoldTerms::SECONDS_MIN as f64), Some(HoldTerms::SECONDS_MAX as f64));
    schema
});
