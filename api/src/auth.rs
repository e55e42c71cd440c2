//! The caller of a request. A handler that takes one of these types runs only after the caller is checked.

use std::sync::Arc;

use poem::{Request, RequestBody};
use poem_openapi::auth::Bearer;
use poem_openapi::registry::Registry;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, SecurityScheme};
use service::Services;
use service::config::ReportAccess;
use service::identity::Actor;
use service::values::Role;

use crate::edge::CallerNote;
use crate::problem::{Code, Problem};

/// The access token of a user who has signed in.
#[derive(SecurityScheme)]
#[oai(rename = "bearer", ty = "bearer", bearer_format = "JWT", checker = "signed_in")]
pub struct SignedIn(pub Actor);

/// A customer.
#[derive(SecurityScheme)]
#[oai(rename = "bearer", ty = "bearer", bearer_format = "JWT", checker = "customer")]
pub struct Customer(pub Actor);

/// An operator or an admin.
#[derive(SecurityScheme)]
#[oai(rename = "bearer", ty = "bearer", bearer_format = "JWT", checker = "operator")]
pub struct Operator(pub Actor);

/// A caller who may read the reports: an operator or admin, or any caller where the reports are public. The OpenAPI
/// document states which of the two applies to this server: see `openapi::finish`.
pub struct ReportReader;

impl<'a> ApiExtractor<'a> for ReportReader {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Operator::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        Operator::security_schemes()
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        match services(request).reports {
            ReportAccess::Public => {}
            ReportAccess::Operator => {
                Operator::from_request(request, body, options).await?;
            }
        }
        Ok(Self)
    }
}

fn services(request: &Request) -> &Services {
    request
        .data::<Arc<Services>>()
        .expect("`app` gives every request the services")
}

async fn signed_in(request: &Request, bearer: Bearer) -> poem::Result<Actor> {
    let actor = services(request)
        .identity
        .authenticate(&bearer.token)
        .map_err(Problem::from)?;
    CallerNote::write(request, actor.user.0);
    Ok(actor)
}

async fn customer(request: &Request, bearer: Bearer) -> poem::Result<Actor> {
    let actor = signed_in(request, bearer).await?;
    match actor.role {
        Role::Customer => Ok(actor),
        Role::Operator | Role::Admin => Err(forbidden("this is for customers")),
    }
}

async fn operator(request: &Request, bearer: Bearer) -> poem::Result<Actor> {
    let actor = signed_in(request, bearer).await?;
    if actor.is_operator() {
        Ok(actor)
    } else {
        Err(forbidden("this is for operators"))
    }
}

fn forbidden(detail: &'static str) -> poem::Error {
    Problem::new(Code::Forbidden, detail).into()
}
