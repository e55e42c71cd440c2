//! Which new passwords are refused: too short, too long, or easy to guess. Pure.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret, SecretString};
use zxcvbn::feedback::Warning;
use zxcvbn::{Score, zxcvbn};

/// The fewest characters of a password, once it is composed (NFC).
const PASSWORD_MIN: usize = 12;
/// The most characters of a password, once it is composed (NFC).
const PASSWORD_MAX: usize = 128;

/// More than 10^8 guesses: too many to try against the bank, whose throttles let some hundred a day pass. A higher score
/// would refuse passwords that people can remember.
const SCORE_MIN: Score = Score::Three;
/// Characters that are looked at: with digits and signs for letters, an estimate tries hundreds of spellings of every part,
/// so its cost grows with hundreds of times the square of the length. The first characters are at most as hard to guess as
/// all.
const LOOKED_AT_MAX: usize = 32;
/// Shorter parts of an address or a name occur in many passwords by chance.
const PART_MIN: usize = 3;
/// Parts of what is known about the user that are looked for.
const PARTS_MAX: usize = 32;

/// Why a new password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordWeakness {
    /// Answered when it has fewer than 12 or more than 128 characters.
    #[error("a password has {min} to {max} characters", min = PASSWORD_MIN, max = PASSWORD_MAX)]
    Length,
    /// Answered when it is easy to guess; says why.
    #[error("this password is easy to guess: {0}; take several words that do not belong together")]
    Guessable(&'static str),
}

/// Refuses a password by its length. Whether it is easy to guess is checked where it is hashed, since that costs more.
pub fn check_password(password: &SecretString) -> Result<(), PasswordWeakness> {
    let password = password.expose_secret();
    let count = |text: &str| text.chars().take(PASSWORD_MAX + 1).count();
    let count = match composed(password) {
        Some(composed) => count(&composed),
        None => count(password),
    };
    if (PASSWORD_MIN..=PASSWORD_MAX).contains(&count) {
        Ok(())
    } else {
        Err(PasswordWeakness::Length)
    }
}

/// Refuses a composed password that is easy to guess for an attacker who knows these texts about the user.
pub(super) fn check_guessable(password: &str, about: &[String]) -> Result<(), PasswordWeakness> {
    let looked_at: String = password.chars().take(LOOKED_AT_MAX).collect();
    let parts = parts(about);
    let estimate = zxcvbn(&looked_at, &parts);
    if estimate.score() >= SCORE_MIN {
        return Ok(());
    }
    let warning = estimate.feedback().and_then(|feedback| feedback.warning());
    Err(PasswordWeakness::Guessable(warning.map_or(TOO_FEW, reason)))
}

const TOO_FEW: &str = "it is made of few, well-known parts";

fn reason(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
            "its keys lie side by side"
        }
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            "it repeats itself"
        }
        Warning::ThisIsATop10Password | Warning::ThisIsATop100Password | Warning::ThisIsACommonPassword => {
            "many people use it"
        }
        Warning::ThisIsSimilarToACommonlyUsedPassword => "it is close to one that many people use",
        Warning::SequencesLikeAbcAreEasyToGuess => "it has a sequence such as abc or 6543",
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => "it is little more than a date",
        Warning::AWordByItselfIsEasyToGuess => "it is little more than one word",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess | Warning::CommonNamesAndSurnamesAreEasyToGuess => {
            "it is little more than a name"
        }
    }
}

/// The texts themselves, and their words: of `ana.lima@example.com` also `ana`, `lima` and `example`.
fn parts(about: &[String]) -> Vec<&str> {
    let words = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    let all = about.iter().map(String::as_str).chain(words).chain(["florin"]);
    all.filter(|part| part.chars().count() >= PART_MIN)
        .take(PARTS_MAX)
        .collect()
}

/// A text in the form NFC; `None` when it has that form already.
pub(super) fn composed(text: &str) -> Option<String> {
    match ComposingNormalizerBorrowed::new_nfc().normalize(text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(composed) => Some(composed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_counted_in_composed_characters() {
        let refused = |text: String| check_password(&text.into()) == Err(PasswordWeakness::Length);
        assert!(refused(String::new()));
        for letter in ["ä", "a\u{308}"] {
            assert!(refused(letter.repeat(11)) && refused(letter.repeat(129)), "{letter}");
            assert!(!refused(letter.repeat(12)) && !refused(letter.repeat(128)), "{letter}");
        }
    }

    #[test]
    fn what_is_easy_to_guess_is_refused_with_a_reason() {
        let about = ["ana.lima@example.com".to_owned(), "Ana Lima".to_owned()];
        for (weak, because) in [
            ("aaaaaaaaaaaa", "repeats"),
            ("passwordpassword", "repeats"),
            ("abcdefghijkl", "sequence"),
            ("password1234", "many people"),
            ("qwertyuiop12", ""),
            ("123456789012", ""),
            ("ana.lima@example.com", ""),
            ("Ana Lima 1990", ""),
            ("florinflorin", ""),
        ] {
            let refused = check_guessable(weak, &about).expect_err(weak).to_string();
            assert!(
                refused.starts_with("this password is easy to guess: "),
                "{weak}: {refused}"
            );
            assert!(
                refused.contains(because) && !refused.contains(weak),
                "{weak}: {refused}"
            );
        }
        let row = check_guessable(&"ä".repeat(128), &about);
        assert!(row.is_err(), "a long repetition is no good password");
    }

    #[test]
    fn good_passwords_pass() {
        let about = ["ana@example.com".to_owned(), "Ana".to_owned()];
        for good in [
            "correct horse battery",
            "7fqk2m9wzxp4hb3tnrvc8jde",
            "пингвин синий чемодан",
            "正しい馬電池ホッチキス山川",
        ] {
            assert_eq!(check_guessable(good, &about), Ok(()), "{good}");
        }
    }

    #[test]
    fn no_text_is_too_much() {
        for odd in [
            "\u{0}".repeat(128),
            "4@5$1!0".repeat(30),
            "\u{1f600}".repeat(128),
            "a1".repeat(5_000),
        ] {
            let _ = check_guessable(&odd, std::slice::from_ref(&odd));
        }
    }
}
