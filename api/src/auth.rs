//! The caller of a request. A handler that takes one of these types runs only after the caller is checked, and names in
//! its signature what the caller must be allowed to do.

use std::net::IpAddr;
use std::sync::Arc;

use poem::{FromRequest, Request, RequestBody};
use poem_openapi::auth::{Bearer, BearerAuthorization};
use poem_openapi::registry::Registry;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, SecurityScheme};
use service::Services;
use service::actor::{Actor, Credential, Permission};
use service::config::ReportAccess;
use service::identity::api_keys::ApiKeys;
use service::values::RequestId;

use crate::client::client_of;
use crate::edge::{CallerNote, RequestIdHeader, address_of};
use crate::problem::{Code, Problem};

/// Any caller with a valid access token.
#[derive(SecurityScheme)]
#[oai(rename = "bearer", ty = "bearer", bearer_format = "JWT", checker = "authenticated")]
pub struct AnyCaller(pub Actor);

/// A person who has signed in. An API key is refused.
#[derive(SecurityScheme)]
#[oai(rename = "bearer", ty = "bearer", bearer_format = "JWT", checker = "signed_in")]
pub struct Session(pub Actor);

macro_rules! callers {
    ($($permission:ident)*) => {
        $(
            #[doc = concat!("A caller with the permission of its name.")]
            pub struct $permission(pub Actor);

            impl<'a> ApiExtractor<'a> for $permission {
                const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

                type ParamType = ();
                type ParamRawType = ();

                fn register(registry: &mut Registry) {
                    AnyCaller::register(registry);
                }

                fn security_schemes() -> Vec<&'static str> {
                    let mut schemes = AnyCaller::security_schemes();
                    // `openapi::finish` makes it the operation's `x-permission`.
                    schemes.push(Permission::$permission.as_str());
                    schemes
                }

                async fn from_request(
                    request: &'a Request,
                    _body: &mut RequestBody,
                    _options: ExtractParamOptions<()>,
                ) -> poem::Result<Self> {
                    permitted(request, Permission::$permission).await.map(Self)
                }
            }
        )*
    };
}

callers! {
    WalletsOpen WalletsRead WalletsFreeze WalletsClose LimitsWrite TransfersRead TransfersWrite TransfersReverse
    DepositsWrite ReportsRead StatisticsWrite ImportsRead ImportsWrite UsersRead UsersReset UsersSuspend UsersManage
    ApiKeysWrite AuditRead JournalRead WebhooksWrite
}

/// A caller who may read the reports, or any caller where the reports are public. The OpenAPI document states which of
/// the two applies to this server: see `openapi::finish`.
pub struct ReportReader;

impl<'a> ApiExtractor<'a> for ReportReader {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        AnyCaller::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        let mut schemes = AnyCaller::security_schemes();
        schemes.push(Permission::ReportsRead.as_str());
        schemes
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        match services(request).reports {
            ReportAccess::Public => {}
            ReportAccess::Operator => {
                permitted(request, Permission::ReportsRead).await?;
            }
        }
        Ok(Self)
    }
}

/// The caller of a request whose answer is a stream: their session or API key may end before the stream does. It checks
/// nothing by itself, so it stands behind a type that does.
pub struct StreamCaller {
    services: Arc<Services>,
    token: String,
    address: Option<IpAddr>,
}

impl StreamCaller {
    /// True as long as the token lets the caller do what `actor` was let do when the stream began. A database that is out of
    /// reach ends no stream.
    pub async fn is_still(&self, actor: &Actor) -> bool {
        match actor_of(&self.services, &self.token, self.address, false).await {
            Ok(now) => now.permissions == actor.permissions && now.wallets == actor.wallets,
            Err(problem) => problem.code() != Code::Unauthenticated,
        }
    }
}

impl<'a> FromRequest<'a> for StreamCaller {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let services = request.data::<Arc<Services>>();
        Ok(Self {
            services: services.expect("`app` gives every request the services").clone(),
            token: Bearer::from_request(request)?.token,
            address: address_of(request),
        })
    }
}

fn services(request: &Request) -> &Services {
    request
        .data::<Arc<Services>>()
        .expect("`app` gives every request the services")
}

/// Who sends a token. `needs_certainty` refuses a token of which it is not known whether its session has ended.
pub(crate) async fn actor_of(
    services: &Services,
    token: &str,
    address: Option<IpAddr>,
    needs_certainty: bool,
) -> Result<Actor, Problem> {
    let identity = &services.identity;
    if ApiKeys::is_api_key(token) {
        return Ok(identity.api_keys.authenticate(token, address).await?);
    }
    let actor = if needs_certainty {
        identity.authenticate_for_money(token)
    } else {
        identity.authenticate(token)
    };
    Ok(actor?)
}

async fn authenticated(request: &Request, bearer: Bearer) -> poem::Result<Actor> {
    Ok(located(caller(request, &bearer, false).await?, request))
}

async fn signed_in(request: &Request, bearer: Bearer) -> poem::Result<Actor> {
    let actor = caller(request, &bearer, false).await?;
    match actor.credential {
        Credential::Session(_) => Ok(located(actor, request)),
        Credential::ApiKey(_) | Credential::Internal => {
            let detail = "this is for people who have signed in, not for API keys";
            Err(Problem::new(Code::Forbidden, detail).into())
        }
    }
}

async fn permitted(request: &Request, permission: Permission) -> poem::Result<Actor> {
    let bearer = Bearer::from_request(request)?;
    let actor = caller(request, &bearer, permission.needs_certainty()).await?;
    if actor.may(permission) {
        // Only where it may be told: a payment does not pay for the cleaning of texts that nothing keeps.
        return Ok(if permission.is_told() {
            located(actor, request)
        } else {
            actor
        });
    }
    let detail = format!("this needs the permission {}", permission.as_str());
    Err(Problem::new(Code::Forbidden, detail).into())
}

async fn caller(request: &Request, bearer: &Bearer, needs_certainty: bool) -> poem::Result<Actor> {
    let actor = actor_of(services(request), &bearer.token, address_of(request), needs_certainty).await?;
    CallerNote::write(request, actor.user.0);
    let id = request.extensions().get::<RequestIdHeader>();
    Ok(actor.asking_in(id.and_then(|id| RequestId::parse(id.as_str()))))
}

/// The actor, with where the request comes from.
fn located(actor: Actor, request: &Request) -> Actor {
    actor.from_client(client_of(request))
}
