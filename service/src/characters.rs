//! Which characters the short texts of callers may have, and the one form that each is kept in: names, e-mail addresses,
//! reasons, searches, and how a client describes itself. Pure.
//!
//! Two texts that look alike must not be two users. A character that is invisible, or that changes the direction of the
//! text, is refused, not removed, so that the user learns of it.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The Braille pattern without dots. It looks like a blank, but for Unicode it is a symbol.
const BRAILLE_BLANK: char = '\u{2800}';

/// Composes a text (NFC). `None` when one of its characters is not visible, see [`is_visible`].
pub(crate) fn composed(text: &str) -> Option<String> {
    let text = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    text.chars().all(is_visible).then(|| text.into_owned())
}

/// A name in the one form that it is kept in: composed (NFC), with one plain blank between its words. `None` unless it
/// has 1 to `max` visible characters, the first of which is no mark.
pub(crate) fn plain_name(text: &str, max: usize) -> Option<String> {
    let composed = composed(text.trim())?;
    let words: Vec<&str> = composed.split(is_space).filter(|word| !word.is_empty()).collect();
    let name = words.join(" ");
    let stands = name.chars().next().is_some_and(|first| !is_mark(first));
    (stands && name.chars().count() <= max).then_some(name)
}

/// True for a text without compatibility forms of other characters (NFKC), such as `ﬁ`, `ａ`, `①` and `ª`.
pub(crate) fn is_plain(text: &str) -> bool {
    ComposingNormalizerBorrowed::new_nfkc().is_normalized(text)
}

/// True for a character that combines with the one before it: an accent, a vowel sign.
pub(crate) fn is_mark(character: char) -> bool {
    GeneralCategoryGroup::Mark.contains(category(character))
}

/// True for the blanks of any script.
pub(crate) fn is_space(character: char) -> bool {
    category(character) == GeneralCategory::SpaceSeparator
}

/// Maps letters that differ only in case to one form: `Σ`, `σ` and `ς`; `I`, `i` and `ı`. The letters `ß` and `ss` stay
/// different, as they are in domain names.
pub(crate) fn folded(text: &str) -> String {
    let text: String = text.chars().map(upper).flat_map(char::to_lowercase).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&text).into_owned()
}

/// The letter's upper case if that is one letter, otherwise the letter itself.
fn upper(character: char) -> char {
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => character,
    }
}

/// False for a character that is invisible or not assigned, changes the direction of the text, or controls a terminal.
/// All of Unicode's format characters are refused: most have no width or change the direction; a few are signs of
/// numbers.
pub fn is_visible(character: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, Surrogate, Unassigned};
    let is_hidden = matches!(
        category(character),
        Control | Format | LineSeparator | ParagraphSeparator | PrivateUse | Surrogate | Unassigned
    );
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character);
    !is_hidden && !is_ignorable && character != BRAILLE_BLANK
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}
