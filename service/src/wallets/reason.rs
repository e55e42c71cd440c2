//! Why a wallet is frozen or unfrozen. Pure.

use std::fmt;

use crate::characters::composed;

/// Why a wallet is frozen or unfrozen, in the words of the user who asks: 1 to 500 visible characters, without blanks at
/// both ends. It is about a person: the audit log keeps it where it can be erased, and nothing else does.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusReason(String);

impl StatusReason {
    /// The most characters.
    pub const LENGTH_MAX: usize = 500;

    /// Reads a text; `None` if it is empty, too long, or has a character that cannot be seen.
    #[must_use]
    pub fn try_new(text: &str) -> Option<Self> {
        let reason = composed(text.trim())?;
        let is_short = reason.chars().count() <= Self::LENGTH_MAX;
        (is_short && !reason.is_empty()).then_some(Self(reason))
    }

    /// The text.
    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

/// Without the text, which no log may have.
impl fmt::Debug for StatusReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatusReason")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_visible_and_short() {
        let text = |text: &str| StatusReason::try_new(text).map(StatusReason::into_inner);
        assert_eq!(
            text(" The owner\u{a0}reported a stolen phone. ").as_deref(),
            Some("The owner\u{a0}reported a stolen phone.")
        );
        let longest = "ä".repeat(StatusReason::LENGTH_MAX);
        assert_eq!(text(&longest), Some(longest.clone()));
        assert_eq!(text("e\u{301}").as_deref(), Some("é"), "composed");
        for refused in ["", "  ", "a\nb", "a\0b", "a\u{202e}b", &format!("{longest}x")] {
            assert_eq!(text(refused), None, "{refused:?}");
        }
    }
}
