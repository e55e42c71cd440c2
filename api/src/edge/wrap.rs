//! One pass around the whole application, instead of a nest of boxed middlewares.

use std::{panic::AssertUnwindSafe, time::Instant};

use futures_util::FutureExt;
use poem::{Endpoint, IntoEndpoint, IntoResponse, Request, Response};

use super::{
    access_log::AccessLog,
    body_limit::{self, BodyLimit},
    cors::Cors,
    errors,
    headers::{self, RequestIdHeader},
    limits::URI_MAX_BYTES,
    peers::OverShare,
    routes::{Asked, Routes},
    strictness,
    throttle::RequestLimit,
};
use crate::problem::{self, Code, Problem};

/// The configuration of the edge.
#[derive(Debug, Clone, Default)]
pub struct EdgeConfig {
    /// Origins whose pages may call the API (`https://host[:port]`, or `*`); none by default.
    pub cors_origins: Vec<String>,
    /// The limit of request bodies, unless a prefix says otherwise.
    pub body: BodyLimit,
    /// Larger (or smaller) limits by path prefix, for instance `/v1/imports/`; the first that fits counts.
    pub body_by_prefix: Vec<(String, BodyLimit)>,
    /// Paths that are answered over the limit of connections too: health checks and metrics.
    pub always_open: &'static [&'static str],
    /// Counts callers' requests under `/v1`; `None`: no limit.
    pub limit: Option<RequestLimit>,
    /// The operations of the API, for `Allow`, published parameter names and unknown query parameters.
    pub routes: Routes,
}

impl EdgeConfig {
    /// The limit of a body that is sent to this path.
    fn body_limit(&self, path: &str) -> BodyLimit {
        let special = self.body_by_prefix.iter().find(|(prefix, _)| path.starts_with(prefix));
        special.map_or(self.body, |(_, limit)| *limit)
    }
}

/// Puts the edge around an application. The result never fails: it answers every error with a problem document.
pub fn wrap<A>(app: A, config: EdgeConfig) -> impl Endpoint<Output = Response> + 'static
where
    A: IntoEndpoint,
    A::Endpoint: 'static,
{
    Edge {
        app: app.into_endpoint(),
        cors: Cors::new(&config.cors_origins),
        config,
    }
}

struct Edge<A> {
    app: A,
    cors: Cors,
    config: EdgeConfig,
}

impl<A: Endpoint> Endpoint for Edge<A> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        let id = RequestIdHeader::of(request.headers());
        request.extensions_mut().insert(id.clone());
        let log = AccessLog::begin(&mut request, &id, started, &self.config.routes);
        let origin = self.cors.admits(request.headers());
        let path = request.uri().path();
        let (is_v1, holds_data) = (path.starts_with("/v1/"), headers::holds_data(path));
        let counting = self.config.limit.as_ref().filter(|_| is_v1);
        let counting = counting.map(|limit| limit.count(&request));
        let left = match counting {
            Some(counting) => counting.await,
            None => None,
        };

        let early = left
            .and_then(|left| left.refusal())
            .or_else(|| self.refuse_early(&request));
        let mut response = match early {
            Some(early) => early,
            None => self.answer(request, &id).await,
        };
        if let Some(left) = left {
            left.write(response.headers_mut());
        }

        problem::write_id(&mut response, id.as_str());
        self.cors.finish(origin, response.headers_mut());
        headers::finish(response.headers_mut(), &id, started, holds_data);
        log.end(&response);
        Ok(response)
    }
}

impl<A: Endpoint> Edge<A> {
    /// What can be answered from the head of the request alone.
    fn refuse_early(&self, request: &Request) -> Option<Response> {
        if let Err(refused) = strictness::check(request) {
            return Some(refused.into_response());
        }
        let is_over_share = request.extensions().get::<OverShare>().is_some();
        if is_over_share && !self.config.always_open.contains(&request.uri().path()) {
            let detail = "the connections for this address, or all of them, are taken; nothing happened";
            let problem = Problem::new(Code::Overloaded, detail).retry_after(1);
            return Some(problem.into_response());
        }
        if request
            .uri()
            .path_and_query()
            .is_some_and(|target| target.as_str().len() > URI_MAX_BYTES)
        {
            let detail = format!("a request target holds at most {URI_MAX_BYTES} bytes");
            return Some(Problem::new(Code::UriTooLong, detail).into_response());
        }
        if let Some(preflight) = self.cors.preflight(request) {
            return Some(preflight);
        }
        let refused = self.config.routes.check_query(request);
        refused.err().map(IntoResponse::into_response)
    }

    async fn answer(&self, mut request: Request, id: &RequestIdHeader) -> Response {
        let limit = self.config.body_limit(request.uri().path());
        let body = match body_limit::guard(&mut request, limit) {
            Ok(body) => body,
            Err(problem) => return body_limit::closing(problem),
        };
        let asked = Asked::of(&request);
        // A panic in the application costs one request, not the connection. poem's CatchPanic does not tell its handler
        // the request's id, which the log line needs.
        match AssertUnwindSafe(self.app.call(request)).catch_unwind().await {
            Ok(Ok(output)) => output.into_response(),
            // Whatever error the handler made of it: a body over its limit is the client's fault, and the answer says
            // which limit.
            Ok(Err(error)) => match body.as_ref().and_then(|body| body.fault()) {
                Some(problem) => body_limit::closing(problem),
                None => {
                    let mut response = errors::respond(error, &self.config.routes, &asked, id);
                    if body.is_some_and(|body| body.is_under_way()) {
                        body_limit::close_after(&mut response);
                    }
                    response
                }
            },
            Err(panic) => errors::respond_to_panic(&*panic, id),
        }
    }
}
