//! Turns every failure of poem, poem-openapi or a handler into a problem document. The causes of an internal error are
//! logged once as a chain, and never sent to the client.

use std::{any::Any, error::Error as StdError};

use poem::{
    Error, IntoResponse, Response,
    error::{MethodNotAllowedError, NotFoundError, ReadBodyError, ResponseError},
    http::header,
};
use poem_openapi::error::{
    AuthorizationError, ContentTypeError, ParseMultipartError, ParseParamError, ParsePathError,
    ParseRequestPayloadError,
};

use super::{
    headers::RequestIdHeader,
    routes::{Asked, Routes},
};
use crate::problem::{self, Code, Problem};

/// The answer to an error.
pub fn respond(error: Error, routes: &Routes, asked: &Asked, id: &RequestIdHeader) -> Response {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        log(problem, id);
        // Not by poem's own conversion: it replaces the extensions, in which the edge finds the document to add the
        // request's id to.
        return problem.as_response();
    }
    if error.is_from_response() {
        return respond_to_response(error);
    }
    if let Some(problem) = known(&error, routes, asked) {
        return problem.into_response();
    }
    let code = Code::of_status(error.status());
    if code.status().is_server_error() {
        let problem = Problem::internal(Box::<dyn StdError + Send + Sync>::from(chain(&error)));
        log(&problem, id);
        return problem.into_response();
    }
    // The framework's message is not sent, since it may hold details that clients must not see.
    Problem::new(code, code.title()).into_response()
}

/// The answer to a panic: 500, as to any bug.
pub fn respond_to_panic(panic: &(dyn Any + Send), id: &RequestIdHeader) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let problem = Problem::internal(format!("panic: {text}"));
    log(&problem, id);
    problem.into_response()
}

/// Logs a fault of the server with its causes. A client's errors are not logged here.
fn log(problem: &Problem, id: &RequestIdHeader) {
    let request_id = id.as_str();
    match (problem.code(), problem.source()) {
        (Code::Internal, cause) => {
            let cause = cause.map_or_else(|| problem.detail().to_owned(), chain);
            tracing::error!(request_id, cause, "a request failed");
        }
        (code, Some(cause)) => tracing::warn!(
            request_id,
            code = code.as_str(),
            cause = chain(cause),
            "a request was put off"
        ),
        (_, None) => {}
    }
}

fn chain(error: &(dyn StdError + 'static)) -> String {
    let causes: Vec<String> = anyhow::Chain::new(error).map(ToString::to_string).collect();
    causes.join(": ")
}

/// Keeps a handler's own response when it is a problem document or not an error. Any other becomes a problem document.
fn respond_to_response(error: Error) -> Response {
    let status = error.status();
    let response = error.into_response();
    let is_document = response
        .content_type()
        .is_some_and(|kind| kind.starts_with(problem::CONTENT_TYPE));
    if is_document || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let code = Code::of_status(status);
    let mut answer = Problem::new(code, code.title()).into_response();
    for name in [header::ALLOW, header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = response.headers().get(&name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}

/// The problem for an error of poem or poem-openapi; `None` for an unknown error.
fn known(error: &Error, routes: &Routes, asked: &Asked) -> Option<Problem> {
    if error.is::<NotFoundError>() {
        return Some(Problem::new(Code::NotFound, "there is nothing at this path"));
    }
    if error.is::<MethodNotAllowedError>() {
        return Some(method_not_allowed(error, routes));
    }
    if error.is::<AuthorizationError>() {
        return Some(Problem::new(Code::Unauthenticated, "a bearer token is needed"));
    }
    if let Some(error) = error.downcast_ref::<ParseParamError>() {
        let first = (error.name, own_words(&error.reason));
        return Some(Problem::of_fields(
            Code::InvalidRequest,
            routes.query_faults(asked, Some(first)),
        ));
    }
    if let Some(parameter) = error.downcast_ref::<ParsePathError>() {
        return Some(routes.path_fault(error, parameter.name));
    }
    if error.is::<poem::error::ParsePathError>() {
        return Some(Problem::new(Code::InvalidRequest, "the path cannot be read"));
    }
    known_of_body(error)
}

fn method_not_allowed(error: &Error, routes: &Routes) -> Problem {
    let allow = routes.allow(error).unwrap_or("GET, HEAD");
    Problem::new(Code::MethodNotAllowed, format!("this path takes {allow}")).allow(allow)
}

fn known_of_body(error: &Error) -> Option<Problem> {
    if let Some(error) = error.downcast_ref::<ContentTypeError>() {
        let detail = match error {
            ContentTypeError::NotSupported { .. } => {
                "this content type is not taken here: send application/json, or multipart/form-data where a file is uploaded"
            }
            ContentTypeError::ExpectContentType => "the request names no content type",
        };
        return Some(Problem::new(Code::UnsupportedMediaType, detail));
    }
    if error.is::<ParseRequestPayloadError>() || error.is::<ParseMultipartError>() {
        return Some(Problem::invalid_field("", "the body cannot be read"));
    }
    match error.downcast_ref::<ReadBodyError>()? {
        ReadBodyError::Utf8(_) => Some(Problem::invalid_field("", "the body is not valid UTF-8")),
        ReadBodyError::Io(_) => Some(Problem::invalid_field("", "the body broke off")),
        ReadBodyError::PayloadTooLarge => Some(Problem::new(Code::BodyTooLarge, "the body is too large")),
        ReadBodyError::BodyHasBeenTaken => None,
    }
}

/// The message of a type of this crate, read from a reason such as `failed to parse "PageLimit": must be ...`. `None`
/// for another reason, whose text is a parser's.
fn own_words(reason: &str) -> Option<&str> {
    if reason.contains("expects an input value") {
        return Some("is required");
    }
    let (_, words) = reason.strip_prefix("failed to parse \"")?.split_once("\": ")?;
    let words = words.split(" (occurred while parsing ").next()?;
    (words.starts_with("must ") || words.starts_with("may ")).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_words_are_shown() {
        assert_eq!(own_words("failed to parse \"string(uuid)\": invalid length 3"), None);
        assert_eq!(own_words("verification failed. maximum(500, exclusive: false)"), None);
        assert_eq!(
            own_words("Type \"integer(int32)\" expects an input value."),
            Some("is required")
        );
        assert_eq!(
            own_words("failed to parse \"A\": must be good (occurred while parsing \"B\")"),
            Some("must be good")
        );
    }

    #[test]
    fn a_chain_names_every_cause() {
        let inner = std::io::Error::other("disk");
        let problem = Problem::internal(inner);
        assert!(chain(&problem).ends_with(": disk"));
    }
}
