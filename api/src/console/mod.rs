//! The console: pages in a browser, whose files are part of the program. They use the public API and nothing else, so
//! this module serves files and never calls a service.
//!
//! All files but the index are below `/console/assets/HASH/`, where the hash is that of all of them: a browser keeps them
//! for ever, and the index, which it asks for each time, leads to those of this version.

mod site;

use poem::{
    Endpoint, IntoEndpoint, IntoResponse, Request, Response, Result,
    error::MethodNotAllowedError,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};

use crate::problem::{Code, Problem};
use crate::wire::names;
use site::Site;

/// Where the console is. Every path below leads to its index, which shows the page of the path.
pub const ROOT: &str = "/console";
const ASSETS: &str = "/console/assets/";

const ACCEPT: HeaderValue = HeaderValue::from_static("accept");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Puts the console in front of an application, and leads browsers from `/` to it. The application gets every other
/// request unchanged.
pub fn with_console<A>(app: A) -> impl Endpoint<Output = Response> + 'static
where
    A: IntoEndpoint,
    A::Endpoint: 'static,
{
    WithConsole {
        app: app.into_endpoint(),
    }
}

struct WithConsole<A> {
    app: A,
}

impl<A: Endpoint> Endpoint for WithConsole<A> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let path = request.uri().path();
        if path == "/" {
            return self.home(request).await;
        }
        let below = path.strip_prefix(ROOT);
        if !below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return self.app.call(request).await.map(IntoResponse::into_response);
        }
        if !is_read(&request) {
            return Err(MethodNotAllowedError.into());
        }
        let site = Site::current();
        match path.strip_prefix(ASSETS) {
            Some(asset) => Ok(answer_asset(&site, asset, request.headers())),
            None => site.index.answer(&request).await,
        }
    }
}

impl<A: Endpoint> WithConsole<A> {
    /// Leads a browser to the console. A program gets the page that says what is here.
    async fn home(&self, request: Request) -> Result<Response> {
        let is_browser = is_read(&request) && names(request.headers(), ("text", "html"));
        let mut response = if is_browser {
            let redirect = Response::builder().status(StatusCode::SEE_OTHER);
            redirect
                .header(header::LOCATION, ROOT)
                .header(header::CACHE_CONTROL, NO_STORE)
                .finish()
        } else {
            self.app.call(request).await?.into_response()
        };
        response.headers_mut().append(header::VARY, ACCEPT);
        Ok(response)
    }
}

fn is_read(request: &Request) -> bool {
    request.method() == Method::GET || request.method() == Method::HEAD
}

/// A file of this version. Those of another version are not here: the page that asks for one was loaded from another
/// server, or before an update.
fn answer_asset(site: &Site, path: &str, headers: &HeaderMap) -> Response {
    let ours = path.split_once('/').filter(|(hash, _)| *hash == site.hash);
    match ours.and_then(|(_, name)| site.asset(name)) {
        Some(asset) => asset.answer(headers),
        None => {
            let detail = "the console of this version has no such file: load the page again";
            let mut response = Problem::new(Code::NotFound, detail).into_response();
            // Another server may have it, or this one after an update.
            response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
            response
        }
    }
}
