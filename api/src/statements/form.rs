//! The form of a statement, chosen by the `Accept` header.

use poem::http::HeaderMap;
use poem::{FromRequest, Request, RequestBody};

use crate::wire::{MediaType, preferred};

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
    const ALL: [(Self, MediaType); 3] = [
        (Self::Json, ("application", "json")),
        (Self::Csv, ("text", "csv")),
        (Self::Camt, ("application", "xml")),
    ];

    /// The media type of its answers.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Camt => "application/xml",
        }
    }

    /// The form that a caller likes best; JSON for a caller who names none of them.
    fn of(headers: &HeaderMap) -> Self {
        preferred(headers, &Self::ALL).unwrap_or(Self::Json)
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
    use poem::http::{HeaderValue, header};

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
