//! Who calls. A handler that takes one of these types as an argument has had its caller checked.

use std::sync::Arc;

use poem::Request;
use poem_openapi::SecurityScheme;
use poem_openapi::auth::Bearer;
use service::Services;
use service::identity::Actor;
use service::values::Role;

use crate::problem::{Code, Problem};

/// Anybody who has signed in.
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

async fn signed_in(request: &Request, bearer: Bearer) -> poem::Result<Actor> {
    let services = request
        .data::<Arc<Services>>()
        .expect("`app` gives every request the services");
    Ok(services.identity.authenticate(&bearer.token).map_err(Problem::from)?)
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
