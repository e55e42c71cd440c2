//! The pages that explain the API: the home page, the document itself, Swagger UI, ReDoc and the list of problem codes.
//! Their texts are made once at start, the compressed form and the tags of each at the first request for it. They must
//! not load anything from other hosts.

use poem::{
    Endpoint, IntoEndpoint, IntoResponse, Request, Response, Result, error::MethodNotAllowedError, http::Method,
};
use poem_openapi::OpenApiService;
use serde_json::Value;

use super::{home, problems};
use crate::static_page::StaticPage;

/// The paths of the pages, for the log.
pub const PAGES: [&str; 5] = ["/", "/openapi.json", "/docs", "/redoc", "/docs/problems"];

/// The finished pages.
#[derive(Debug, Clone)]
pub struct Pages {
    home: StaticPage,
    document: StaticPage,
    swagger: StaticPage,
    redoc: StaticPage,
    problems: StaticPage,
}

impl Pages {
    /// Makes the pages of a finished OpenAPI document.
    pub fn new(document: &Value) -> Self {
        let text = format!("{document:#}");
        Self {
            home: StaticPage::html(&home::html()),
            swagger: StaticPage::html(&swagger_html(&text)),
            redoc: StaticPage::html(&redoc_html(&text)),
            problems: StaticPage::html(&problems::html()),
            document: StaticPage::json(text),
        }
    }

    fn find(&self, path: &str) -> Option<&StaticPage> {
        match path {
            "/" => Some(&self.home),
            "/openapi.json" => Some(&self.document),
            "/docs" | "/docs/" => Some(&self.swagger),
            "/redoc" | "/redoc/" => Some(&self.redoc),
            "/docs/problems" => Some(&self.problems),
            _ => None,
        }
    }
}

/// Puts the pages in front of an application, which gets every other path unchanged (nesting it in a `Route` would
/// rebuild the URI of every request).
pub fn with_pages<A>(app: A, pages: Pages) -> impl Endpoint<Output = Response> + 'static
where
    A: IntoEndpoint,
    A::Endpoint: 'static,
{
    WithPages {
        app: app.into_endpoint(),
        pages,
    }
}

struct WithPages<A> {
    app: A,
    pages: Pages,
}

impl<A: Endpoint> Endpoint for WithPages<A> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        match self.pages.find(request.uri().path()) {
            None => self.app.call(request).await.map(IntoResponse::into_response),
            Some(page) if request.method() == Method::GET || request.method() == Method::HEAD => {
                page.answer(&request).await
            }
            Some(_) => Err(MethodNotAllowedError.into()),
        }
    }
}

/// Swagger UI keeps the token over a reload, and does not send the document to a validator. It shows an answer only
/// when it has ended, and a stream ends after 15 minutes: so it requests three events unless the reader enters a
/// `limit`.
const SWAGGER_OPTIONS: &str = r#"deepLinking: true,
        persistAuthorization: true,
        validatorUrl: null,
        requestInterceptor: (request) => {
            if (new Headers(request.headers).get("accept") === "text/event-stream") {
                const url = new URL(request.url, window.location.href);
                if (!url.searchParams.has("limit")) {
                    url.searchParams.set("limit", "3");
                }
                request.url = url.href;
            }
            return request;
        },"#;

/// Swagger UI with `document` in it.
pub fn swagger_html(document: &str) -> String {
    let empty = empty_service();
    let html = embed(&empty.swagger_ui_html(), &empty.spec(), document);
    // Without a document type browsers lay the page out in quirks mode.
    let html = html
        .trim_start()
        .replacen("<html charset=\"UTF-8\">", "<!doctype html>\n<html lang=\"en\">", 1);
    let html = html.replacen("<title>Swagger UI</title>", "<title>Florin API - Swagger UI</title>", 1);
    replace_last(&html, "deepLinking: true,", SWAGGER_OPTIONS)
}

/// ReDoc with `document` in it.
pub fn redoc_html(document: &str) -> String {
    let empty = empty_service();
    let html = empty.redoc_html();
    let html = html
        .trim_start()
        .replacen("<title>Redoc</title>", "<title>Florin API - Redoc</title>", 1);
    // The page must work without the internet, and must not reveal its readers to another host.
    let html = match (
        html.find("<link href=\"https://fonts.googleapis.com"),
        html.find("rel=\"stylesheet\">"),
    ) {
        (Some(start), Some(end)) if start < end => {
            [&html[..start], &html[end + "rel=\"stylesheet\">".len()..]].concat()
        }
        _ => html,
    };
    embed(&html, &empty.spec(), document)
}

/// poem-openapi makes these pages only for a document of its own, so an empty one is made and replaced.
fn empty_service() -> OpenApiService<(), ()> {
    OpenApiService::new((), "florin", "0")
}

fn embed(html: &str, empty: &str, document: &str) -> String {
    // Inside a script element a `<` of the document could end the element.
    replace_last(html, empty, &document.replace('<', "\\u003c"))
}

fn replace_last(text: &str, old: &str, new: &str) -> String {
    match text.rfind(old) {
        Some(start) => [&text[..start], new, &text[start + old.len()..]].concat(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"info":{"title":"</script><b>"}}"#;

    #[test]
    fn the_pages_hold_the_finished_document_and_no_other() {
        for html in [swagger_html(DOCUMENT), redoc_html(DOCUMENT)] {
            assert!(html.contains(r#"let spec = {"info":{"title":"\u003c/script>\u003cb>"}}"#));
            assert!(!html.contains(&empty_service().spec()));
            assert!(!html.contains("fonts.googleapis.com/css"));
        }
    }

    #[test]
    fn swagger_ui_has_our_options() {
        assert_eq!(swagger_html(DOCUMENT).matches(SWAGGER_OPTIONS).count(), 1);
    }
}
