//! Which form of an answer a caller wants, by the `Accept` header (RFC 9110, 12.5.1).

use std::cmp::Reverse;

use poem::http::{HeaderMap, header};

use super::weight::weight_milli;

/// A type and a subtype, such as `text` and `csv`.
pub type MediaType = (&'static str, &'static str);

/// The form that a caller likes best; of two that it likes equally well, the first. `None` for a caller who names none
/// of them: most clients send some `Accept` that their author never saw.
pub fn preferred<F: Copy>(headers: &HeaderMap, offered: &[(F, MediaType)]) -> Option<F> {
    let ranges = ranges(headers);
    let wanted = offered.iter().filter_map(|(form, own)| {
        let (weight, precision) = liking(*own, &ranges)?;
        Some((Reverse((weight, precision)), *form))
    });
    let best = wanted.min_by_key(|(liking, _)| *liking);
    best.map(|(_, form)| form)
}

/// Whether a caller names this very type and takes it: for a page browsers do, while programs send `*/*` or nothing.
pub fn names(headers: &HeaderMap, own: MediaType) -> bool {
    let named = ranges(headers).into_iter();
    let mut named = named.filter(|range| range.precision_for(own) == Some(PRECISION_OF_A_TYPE));
    named.any(|range| range.weight_milli > 0)
}

fn ranges(headers: &HeaderMap) -> Vec<MediaRange> {
    let lists = headers.get_all(header::ACCEPT).iter();
    let elements = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','));
    elements.filter_map(MediaRange::read).collect()
}

/// The weight of the most precise range with this type in it, and how precise that is; `None` if it is not wanted.
fn liking(own: MediaType, ranges: &[MediaRange]) -> Option<(u32, usize)> {
    let covering = ranges.iter().filter_map(|range| {
        let precision = range.precision_for(own)?;
        Some((precision, range.weight_milli))
    });
    let (precision, weight) = covering.max()?;
    (weight > 0).then_some((weight, precision))
}

/// How precise a range is that names a type and a subtype.
const PRECISION_OF_A_TYPE: usize = 2;

/// One element of the header, such as `text/*;q=0.5`.
struct MediaRange {
    kind: String,
    subtype: String,
    weight_milli: u32,
}

impl MediaRange {
    /// `None` for an element that cannot be read.
    fn read(element: &str) -> Option<Self> {
        let mut parts = element.split(';');
        let (kind, subtype) = parts.next()?.trim().split_once('/')?;
        let is_weight = |parameter: &&str| {
            let name = parameter.split('=').next().unwrap_or_default();
            name.trim().eq_ignore_ascii_case("q")
        };
        Some(Self {
            kind: kind.to_ascii_lowercase(),
            subtype: subtype.to_ascii_lowercase(),
            weight_milli: weight_milli(parts.find(is_weight).unwrap_or_default())?,
        })
    }

    /// How much of a media type the range names: 2 for all of it, 0 for `*/*`; `None` if the type is not in the range.
    fn precision_for(&self, (kind, subtype): MediaType) -> Option<usize> {
        match (self.kind.as_str(), self.subtype.as_str()) {
            ("*", "*") => Some(0),
            (own, "*") if own == kind => Some(1),
            (own, rest) if own == kind && rest == subtype => Some(PRECISION_OF_A_TYPE),
            (_, _) => None,
        }
    }
}
