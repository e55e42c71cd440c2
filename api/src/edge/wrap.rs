//! One pass around the whole application, instead of a nest of boxed middlewares.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Instant,
};

use poem::{Endpoint, IntoEndpoint, IntoResponse, Request, Response};

use super::{
    URI_MAX_BYTES,
    access_log::AccessLog,
    body_limit::{self, BodyLimit, BodyRules},
    cors::Cors,
    errors,
    headers::{self, RequestId},
    peers::OverShare,
    routes::{Asked, Routes},
    strictness,
};
use crate::problem::{self, Code, Problem};

/// The configuration of the edge.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// Origins whose pages may call the API (`https://host[:port]`, or `*`); none by default.
    pub cors_origins: Vec<String>,
    /// The limit of request bodies, unless a prefix says otherwise.
    pub body: BodyLimit,
    /// Larger (or smaller) limits by path prefix, for instance `/v1/imports/`; the first that fits counts.
    pub body_by_prefix: Vec<(String, BodyLimit)>,
    /// The longest request target, in bytes.
    pub uri_max_bytes: usize,
    /// Paths that are answered over the limit of connections too: health checks and metrics.
    pub always_open: &'static [&'static str],
    /// The operations of the API, for `Allow`, published parameter names and unknown query parameters.
    pub routes: Routes,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            cors_origins: Vec::new(),
            body: BodyLimit::default(),
            body_by_prefix: Vec::new(),
            uri_max_bytes: URI_MAX_BYTES,
            always_open: &[],
            routes: Routes::default(),
        }
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
        body: BodyRules::new(config.body, config.body_by_prefix),
        uri_max_bytes: config.uri_max_bytes,
        always_open: config.always_open,
        routes: config.routes,
    }
}

struct Edge<A> {
    app: A,
    cors: Cors,
    body: BodyRules,
    uri_max_bytes: usize,
    always_open: &'static [&'static str],
    routes: Routes,
}

impl<A: Endpoint> Endpoint for Edge<A> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        let id = RequestId::of(request.headers());
        let log = AccessLog::begin(&mut request, &id, started, &self.routes);
        let origin = self.cors.admits(request.headers());
        let is_private = request.uri().path().starts_with("/v1/");

        let mut response = match self.refuse_early(&request) {
            Some(early) => early,
            None => self.answer(request, &id).await,
        };

        problem::write_id(&mut response, id.as_str());
        self.cors.finish(origin, response.headers_mut());
        headers::finish(response.headers_mut(), &id, started, is_private);
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
        if request.extensions().get::<OverShare>().is_some() && !self.always_open.contains(&request.uri().path()) {
            let detail = "the connections for this address, or all of them, are taken; nothing happened";
            let problem = Problem::new(Code::Overloaded, detail).retry_after(1);
            return Some(problem.into_response());
        }
        if request
            .uri()
            .path_and_query()
            .is_some_and(|target| target.as_str().len() > self.uri_max_bytes)
        {
            let detail = format!("a request target holds at most {} bytes", self.uri_max_bytes);
            return Some(Problem::new(Code::UriTooLong, detail).into_response());
        }
        if let Some(preflight) = self.cors.preflight(request) {
            return Some(preflight);
        }
        self.routes.check_query(request).err().map(IntoResponse::into_response)
    }

    async fn answer(&self, mut request: Request, id: &RequestId) -> Response {
        let body = match body_limit::guard(&mut request, &self.body) {
            Ok(body) => body,
            Err(problem) => return body_limit::closing(problem),
        };
        let asked = Asked::of(&request);
        match self.call_app(request).await {
            Ok(Ok(output)) => output.into_response(),
            // Whatever error the handler made of it: a body over its limit is the client's fault, and the answer says
            // which limit.
            Ok(Err(error)) => match body.fault() {
                Some(problem) => body_limit::closing(problem),
                None => {
                    let mut response = errors::respond(error, &self.routes, &asked, id);
                    if body.is_under_way() {
                        body_limit::close_after(&mut response);
                    }
                    response
                }
            },
            Err(panic) => errors::respond_to_panic(&*panic, id),
        }
    }

    /// Runs the application; a panic in it costs one request, not the connection.
    async fn call_app(&self, request: Request) -> Result<poem::Result<A::Output>, Box<dyn Any + Send>> {
        let mut call = pin!(self.app.call(request));
        std::future::poll_fn(
            |context| match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context))) {
                Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
                Ok(Poll::Pending) => Poll::Pending,
                Err(panic) => Poll::Ready(Err(panic)),
            },
        )
        .await
    }
}
