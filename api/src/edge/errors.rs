//! Turns every failure of poem, poem-openapi or a handler into a problem document. Of what is our own fault the log
//! gets the whole chain, once, and the client nothing.

use std::{any::Any, borrow::Cow, error::Error as StdError, fmt::Write};

use poem::{
    Error, IntoResponse, Response,
    error::{MethodNotAllowedError, NotFoundError, ReadBodyError},
    http::header,
};
use poem_openapi::error::{
    AuthorizationError, ContentTypeError, ParseMultipartError, ParseParamError, ParsePathError,
    ParseRequestPayloadError,
};

use super::{headers::RequestId, routes::Routes};
use crate::problem::{self, Code, Problem};

/// The answer to an error.
pub fn respond(error: Error, routes: &Routes, id: &RequestId) -> Response {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        log(problem, id);
        return error.into_response();
    }
    if error.is_from_response() {
        return respond_to_response(error);
    }
    if let Some(problem) = known(&error, routes) {
        return problem.into_response();
    }
    let code = Code::of_status(error.status());
    if code.status().is_server_error() {
        let problem = Problem::internal(Box::<dyn StdError + Send + Sync>::from(chain(&error)));
        log(&problem, id);
        return problem.into_response();
    }
    // Its own words are not shown: nobody has looked through what they may tell.
    Problem::new(code, code.title()).into_response()
}

/// The answer to a panic, which is the answer to any bug.
pub fn respond_to_panic(panic: &(dyn Any + Send), id: &RequestId) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let problem = Problem::internal(format!("panic: {text}"));
    log(&problem, id);
    problem.into_response()
}

/// Writes a fault of ours with its causes; what a client did wrong is no business of the error log.
fn log(problem: &Problem, id: &RequestId) {
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

fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

/// A handler's own response is left alone when it is a problem document already.
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

/// The errors that the frameworks are known to give.
fn known(error: &Error, routes: &Routes) -> Option<Problem> {
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
        return Some(Problem::invalid_field(error.name, plain(&error.reason)));
    }
    if let Some(parameter) = error.downcast_ref::<ParsePathError>() {
        let name = routes.true_parameter_name(error, parameter.name);
        return Some(Problem::invalid_field(name, plain(&parameter.reason)));
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
            ContentTypeError::NotSupported { .. } => "this content type is not taken here",
            ContentTypeError::ExpectContentType => "the request names no content type",
        };
        return Some(Problem::new(Code::UnsupportedMediaType, detail));
    }
    if let Some(error) = error.downcast_ref::<ParseRequestPayloadError>() {
        return Some(Problem::invalid_field("", plain(&error.reason)));
    }
    if let Some(error) = error.downcast_ref::<ParseMultipartError>() {
        return Some(Problem::invalid_field("", plain(&error.reason)));
    }
    match error.downcast_ref::<ReadBodyError>()? {
        ReadBodyError::Utf8(_) => Some(Problem::invalid_field("", "the body is not valid UTF-8")),
        ReadBodyError::Io(_) => Some(Problem::invalid_field("", "the body broke off")),
        ReadBodyError::PayloadTooLarge => Some(Problem::new(Code::BodyTooLarge, "the body is too large")),
        ReadBodyError::BodyHasBeenTaken => None,
    }
}

/// poem-openapi's reason without its names of types: `failed to parse "string(uuid)": invalid length` and the like.
fn plain(reason: &str) -> Cow<'_, str> {
    if reason.contains("expects an input value") {
        return "is required".into();
    }
    let reason = reason.split(" (occurred while parsing ").next().unwrap_or(reason);
    if let Some(rule) = reason.strip_prefix("verification failed. ") {
        return format!("must satisfy {}", rule.replace(", exclusive: false", "")).into();
    }
    let after_type = reason
        .strip_prefix("failed to parse \"")
        .and_then(|rest| rest.split_once("\": "));
    after_type.map_or(reason, |(_, reason)| reason).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_are_cut_off() {
        assert_eq!(
            plain("failed to parse \"string(uuid)\": invalid length 3"),
            "invalid length 3"
        );
        assert_eq!(plain("Type \"integer(int32)\" expects an input value."), "is required");
        assert_eq!(plain("failed to parse \"A\": no (occurred while parsing \"B\")"), "no");
        assert_eq!(
            plain("verification failed. maximum(500, exclusive: false)"),
            "must satisfy maximum(500)"
        );
    }

    #[test]
    fn a_chain_names_every_cause() {
        let inner = std::io::Error::other("disk");
        let problem = Problem::internal(inner);
        assert!(chain(&problem).ends_with(": disk"));
    }
}
