//! The form of a statement, chosen by the `Accept` header (RFC 9110, 12.5.1).

use std::cmp::Reverse;

use poem::http::{HeaderMap, header};
use poem::{FromRequest, Request, RequestBody};

use crate::wire::weight_milli;

/// The form of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementForm {
    /// An object.
    Json,
    /// A table with one row a movement.
    Csv,
    /// ISO 20022, message camt.053.001.08.
    Camt,
}

impl StatementForm {
    /// All forms; of two that a caller likes equally well, it gets the first.
    const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Camt];

    /// The media type of its answers.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Camt => "application/xml",
        }
    }

    /// The form that a caller likes best. JSON for a caller who names none of them, since most clients send some `Accept`
    /// that their author never saw.
    fn of(headers: &HeaderMap) -> Self {
        let lists = headers.get_all(header::ACCEPT).iter();
        let elements = lists
            .filter_map(|list| list.to_str().ok())
            .flat_map(|list| list.split(','));
        let ranges: Vec<Range> = elements.filter_map(Range::read).collect();
        let wanted = Self::ALL.iter().copied().filter_map(|form| {
            let (weight, precision) = form.liking(&ranges)?;
            Some((Reverse((weight, precision)), form))
        });
        let best = wanted.min_by_key(|(liking, _)| *liking);
        best.map_or(Self::Json, |(_, form)| form)
    }

    /// The weight of the most precise range with this form in it, and how precise that is; `None` if it is not wanted.
    fn liking(self, ranges: &[Range]) -> Option<(u32, usize)> {
        let own = self.media_type();
        let covering = ranges.iter().filter_map(|range| {
            let precision = range.precision_for(own)?;
            Some((precision, range.weight_milli))
        });
        let (precision, weight) = covering.max()?;
        (weight > 0).then_some((weight, precision))
    }

    fn media_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application", "json"),
            Self::Csv => ("text", "csv"),
            Self::Camt => ("application", "xml"),
        }
    }
}

/// One element of the header, such as `text/*;q=0.5`.
struct Range {
    kind: String,
    subtype: String,
    weight_milli: u32,
}

impl Range {
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
    fn precision_for(&self, (kind, subtype): (&str, &str)) -> Option<usize> {
        match (self.kind.as_str(), self.subtype.as_str()) {
            ("*", "*") => Some(0),
            (own, "*") if own == kind => Some(1),
            (own, rest) if own == kind && rest == subtype => Some(2),
            (_, _) => None,
        }
    }
}

/// Not a documented parameter: OpenAPI describes `Accept` by the media types of the answers.
impl<'a> FromRequest<'a> for StatementForm {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self::of(request.headers()))
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn of(lists: &[&'static str]) -> StatementForm {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(header::ACCEPT, HeaderValue::from_static(list));
        }
        StatementForm::of(&headers)
    }

    #[test]
    fn a_caller_gets_what_it_likes_best() {
        for list in [
            "text/csv",
            "TEXT/CSV;header=present",
            "text/*",
            "text/csv, */*",
            "*/*;q=0.1, text/csv;q=0.2",
        ] {
            assert_eq!(of(&[list]), StatementForm::Csv, "{list}");
        }
        for list in [
            "application/xml",
            "application/json;q=0.5, application/xml",
            "application/*, application/json;q=0",
            "text/csv;q=0.8, application/xml; q=0.9",
        ] {
            assert_eq!(of(&[list]), StatementForm::Camt, "{list}");
        }
        assert_eq!(of(&["text/html", "text/csv"]), StatementForm::Csv);
    }

    #[test]
    fn others_get_json() {
        assert_eq!(of(&[]), StatementForm::Json);
        for list in [
            "",
            "*/*",
            "application/*",
            "text/html",
            "application/pdf;q=0.5",
            "text/csv, application/json",
            "text/csv;q=0",
            "text/csv;q=2",
            "text/csv;q=",
            "csv",
            "*/*;q=0",
        ] {
            assert_eq!(of(&[list]), StatementForm::Json, "{list}");
        }
    }
}
