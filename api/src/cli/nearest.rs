//! Finds the known name that is most similar to a misspelt one.

/// The least similarity of a suggestion, in thousandths; clap uses the same for its suggestions of flags.
const LIKENESS_MIN: u32 = 700;

/// The most similar of the names; `None` when none reaches `LIKENESS_MIN`.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let measured = names.into_iter().map(|name| (likeness(wrong, name), name));
    let (likeness, name) = measured.max_by_key(|(likeness, _)| *likeness)?;
    (likeness >= LIKENESS_MIN).then_some(name)
}

/// 1 000 for the same name, 0 for no letter in common.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_arithmetic,
    reason = "the library measures likeness from 0 to 1 in a float; no money is near"
)]
fn likeness(one: &str, other: &str) -> u32 {
    (strsim::jaro(&one.to_lowercase(), &other.to_lowercase()) * 1_000.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_mended_and_another_word_is_not() {
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        for (wrong, right) in [
            ("inof", Some("info")),
            ("WARNING", Some("warn")),
            ("eror", Some("error")),
            ("hyper", None),
        ] {
            assert_eq!(nearest(wrong, levels), right, "{wrong}");
        }
    }
}
