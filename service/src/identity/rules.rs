//! What an e-mail address, a name and a password must look like. Pure.

use secrecy::{ExposeSecret, SecretString};

use super::IdentityError;

/// Characters of the shortest password.
pub const PASSWORD_MIN: usize = 12;
/// Characters of the longest one.
pub const PASSWORD_MAX: usize = 128;
const EMAIL_MAX: usize = 254;
const FULL_NAME_MAX: usize = 200;

/// An e-mail address, trimmed and lower-cased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// A person's or program's name, trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullName(String);

impl Email {
    /// Reads an address: one `@`, something before it, a domain with a dot after it, no blank or control character.
    #[must_use]
    pub fn try_new(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let (local, domain) = text.split_once('@')?;
        let is_plain =
            |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@');
        let domain_has_labels = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
        let fits = text.len() <= EMAIL_MAX && is_plain(local) && is_plain(domain) && domain_has_labels;
        fits.then_some(Self(text))
    }

    pub(super) fn into_inner(self) -> String {
        self.0
    }
}

impl FullName {
    /// Reads a name of 1 to 200 characters without control characters.
    #[must_use]
    pub fn try_new(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=FULL_NAME_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    pub(super) fn into_inner(self) -> String {
        self.0
    }
}

/// Refuses passwords that are too short to keep or too long to hash.
pub(super) fn check_password(password: &SecretString) -> Result<(), IdentityError> {
    let length = password.expose_secret().chars().count();
    if (PASSWORD_MIN..=PASSWORD_MAX).contains(&length) {
        Ok(())
    } else {
        Err(IdentityError::WeakPassword)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_cased_and_checked() {
        assert_eq!(
            Email::try_new(" Ana@Example.COM ").map(Email::into_inner).as_deref(),
            Some("ana@example.com")
        );
        for bad in [
            "",
            "ana",
            "@example.com",
            "ana@",
            "ana@example",
            "a b@example.com",
            "a@b@c.d",
            "a@.com",
            "a\0@b.c",
        ] {
            assert_eq!(Email::try_new(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn passwords_are_counted_in_characters() {
        let refused = |text: String| check_password(&text.into()).is_err();
        assert!(refused("ä".repeat(11)) && refused("ä".repeat(129)));
        assert!(!refused("ä".repeat(12)) && !refused("ä".repeat(128)));
    }
}
