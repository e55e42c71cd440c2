//! The texts of a caller. Pure.

/// The texts of a caller; not stored if the transfer fails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Free text.
    pub description: Option<String>,
    /// A JSON object, as it was sent.
    pub metadata: Option<String>,
}
