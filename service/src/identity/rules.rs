//! The rules for an e-mail address and a name; those for a password are in `passwords`. Pure.

use crate::characters::{composed, folded, is_mark, is_plain, is_space, plain_name};
use crate::values::UserId;

const EMAIL_MAX: usize = 254;
const FULL_NAME_MAX: usize = 200;

/// An e-mail address in the one form that it is kept and compared in: trimmed, composed (NFC) and lower-cased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// A person's or program's name: composed (NFC), and with one plain blank between its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullName(String);

/// The domain of erased users' addresses, which never exists (RFC 2606). No user registers under it.
const ERASED_DOMAIN: &str = "erased.invalid";

/// The address that stands in the place of an erased user's.
pub(super) fn erased_email(user: UserId) -> String {
    format!("{user}@{ERASED_DOMAIN}")
}

/// The ideographic full stop, which some programs read as the dot of a domain.
const OTHER_DOT: char = '\u{3002}';

impl Email {
    /// Reads an address: one `@`, a local part before it, a domain with a dot after it, and visible characters only,
    /// none of them a compatibility form of another. `None` when it breaks one of these rules, has more than 254 bytes, or
    /// is one of an erased user.
    #[must_use]
    pub fn try_new(text: &str) -> Option<Self> {
        let composed = composed(text.trim())?;
        let address = folded(&composed);
        let (local, domain) = address.split_once('@')?;
        let is_part = |part: &str| {
            let stands = part.chars().next().is_some_and(|first| !is_mark(first));
            stands && !part.chars().any(|c| is_space(c) || c == '@' || c == OTHER_DOT)
        };
        let domain_has_labels = domain.contains('.') && domain.split('.').all(is_part);
        let fits = address.len() <= EMAIL_MAX && is_plain(&composed) && is_part(local) && domain_has_labels;
        (fits && domain != ERASED_DOMAIN).then_some(Self(address))
    }

    /// The form that is stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_inner(self) -> String {
        self.0
    }
}

impl FullName {
    /// Reads a name of 1 to 200 visible characters; `None` when it is not one. Blanks of any script become plain ones.
    #[must_use]
    pub fn try_new(text: &str) -> Option<Self> {
        plain_name(text, FULL_NAME_MAX).map(Self)
    }

    /// The form that is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_inner(self) -> String {
        self.0
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
    fn no_user_can_have_an_erased_users_address() {
        let erased = erased_email(UserId(uuid::Uuid::from_u128(7)));
        assert_eq!(erased, "00000000-0000-0000-0000-000000000007@erased.invalid");
        for text in [&*erased, "ana@erased.invalid", "ana@ERASED.Invalid"] {
            assert_eq!(Email::try_new(text), None, "{text}");
        }
        assert!(Email::try_new("ana@not.erased.invalid").is_some());
    }

    fn email(text: &str) -> Option<String> {
        Email::try_new(text).map(Email::into_inner)
    }

    fn name(text: &str) -> Option<String> {
        FullName::try_new(text).map(FullName::into_inner)
    }

    /// Characters that are invisible, change the direction, or are not assigned.
    const HIDDEN: [char; 24] = [
        '\0',
        '\t',
        '\u{7f}',
        '\u{85}',
        '\u{ad}',
        '\u{34f}',
        '\u{61c}',
        '\u{115f}',
        '\u{180e}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{200f}',
        '\u{202e}',
        '\u{2028}',
        '\u{2066}',
        '\u{2800}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{e000}',
        '\u{378}',
        '\u{ffff}',
        '\u{e0041}',
    ];

    #[test]
    fn hidden_characters_are_in_no_address_and_no_name() {
        for hidden in HIDDEN {
            for bad in [format!("an{hidden}a@example.com"), format!("ana@exam{hidden}ple.com")] {
                assert_eq!(email(&bad), None, "{bad:?}");
            }
            assert_eq!(name(&format!("An{hidden}a")), None, "{hidden:?}");
        }
        // At the start or end too they are refused, not trimmed; only blanks are trimmed.
        for hidden in ['\u{200b}', '\u{202e}', '\u{feff}', '\u{3164}'] {
            for bad in [format!("{hidden}ana@example.com"), format!("ana@example.com{hidden}")] {
                assert_eq!(email(&bad), None, "{bad:?}");
            }
            assert_eq!(name(&format!("Ana{hidden}")), None, "{hidden:?}");
            assert_eq!(name(&hidden.to_string()), None, "{hidden:?}");
        }
    }

    #[test]
    fn addresses_that_are_one_to_their_users_have_one_form() {
        let same = [
            &[
                "rené@example.com",
                "rene\u{301}@example.com",
                "RENÉ@EXAMPLE.COM",
                "\u{a0}RENE\u{301}@example.com\n",
            ][..],
            &[
                "σίσυφος@example.com",
                "ΣΊΣΥΦΟΣ@example.com",
                "ΣΙ\u{301}ΣΥΦΟΣ@EXAMPLE.COM",
                "σίσυφοσ@example.com",
            ],
            &["łukasz@example.com", "ŁUKASZ@example.com"],
            &["ışık@example.com", "IŞIK@example.com", "işik@example.com"],
            &["i\u{307}pek@example.com", "İPEK@example.com", "I\u{307}PEK@example.com"],
            &["straße@example.com", "STRAẞE@example.com"],
            &["иван@пример.рф", "ИВАН@ПРИМЕР.РФ"],
            &["ანა@example.com", "ᲐᲜᲐ@example.com"],
            &["한@example.com", "\u{1112}\u{1161}\u{11ab}@example.com"],
            &["kelvin@example.com", "\u{212a}ELVIN@example.com"],
            &["ạ\u{307}@example.com", "a\u{307}\u{323}@example.com"],
        ];
        for spellings in same {
            let form = email(spellings[0]);
            assert!(form.is_some(), "{spellings:?}");
            for spelling in spellings {
                assert_eq!(email(spelling), form, "{spelling:?}");
            }
        }
        assert_ne!(
            email("straße@example.com"),
            email("strasse@example.com"),
            "two domains, and two mailboxes"
        );
        assert_ne!(email("rené@example.com"), email("rene@example.com"));
    }

    #[test]
    fn an_address_has_no_blank_and_nothing_in_another_shape() {
        let bad = [
            "an\u{a0}a@example.com",
            "an\u{3000}a@example.com",
            "ana@exam\u{2009}ple.com",
            "ａna@example.com",
            "ana@ｅxample.com",
            "ana＠example.com",
            "ana@example．com",
            "ana@ex。ample.com",
            "ﬁona@example.com",
            "ana①@example.com",
            "\u{301}ana@example.com",
            "ana@\u{301}example.com",
            "ana@example.\u{301}com",
        ];
        for bad in bad {
            assert_eq!(email(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn names_are_composed_and_have_plain_blanks() {
        assert_eq!(name("Rene\u{301}"), name("René"));
        assert_eq!(
            name(" Ana\u{a0}\u{2003} María\u{3000}López ").as_deref(),
            Some("Ana María López")
        );
        for good in [
            "山田太郎",
            "محمد علي",
            "O’Neill-Łukasz, Jr.",
            "नीतिन",
            "Zoë 🦀",
            "X Æ A-12",
        ] {
            assert_eq!(name(good).as_deref(), Some(good));
        }
        assert!(
            name(&"e\u{301}".repeat(200)).is_some(),
            "characters are counted as they are kept"
        );
        for bad in ["", " \u{3000}", "\u{301}", "\u{301}Ana", "Ana\nBen", &"n".repeat(201)] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
    }

    /// Checks every character of Unicode, in each of its cases, composed and decomposed.
    #[test]
    fn each_character_has_one_form_whatever_its_case() {
        let decomposed = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd();
        let mut taken = 0;
        for character in '\0'..=char::MAX {
            let text = format!("x{character}y@example.com");
            let Some(form) = email(&text) else { continue };
            taken += 1;
            assert_eq!(email(&form).as_ref(), Some(&form), "{character:?} has no final form");
            assert_eq!(
                email(&decomposed.normalize(&text)).as_ref(),
                Some(&form),
                "{character:?} decomposed"
            );
            let lower = format!("x{}y@example.com", character.to_lowercase());
            assert_eq!(email(&lower).as_ref(), Some(&form), "{character:?} in lower case");
            if character.to_uppercase().count() == 1 {
                let upper = format!("x{}y@example.com", character.to_uppercase());
                assert_eq!(email(&upper).as_ref(), Some(&form), "{character:?} in upper case");
            }
            let in_name = name(&format!("x{character}y"));
            assert_eq!(
                in_name.as_deref().and_then(name),
                in_name,
                "{character:?} in a name has no final form"
            );
        }
        assert!(taken > 130_000, "only {taken} characters are taken");
    }
}
