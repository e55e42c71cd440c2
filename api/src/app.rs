//! The whole API in one file: its resources, the failures of each operation, and the edge around them.

use std::sync::Arc;
use std::time::Duration;

use poem::{Endpoint, EndpointExt, Response};
use poem_openapi::OpenApiService;
use serde_json::Value;
use service::Services;

use crate::console;
use crate::edge::{self, BodyLimit, EdgeConfig, Routes, TimeoutScope};
use crate::openapi::{self, PAGES, Pages};
use crate::operation_failures::FAILURES;
use crate::rate_limit;
use crate::resources::analytics::AnalyticsApi;
use crate::resources::api_keys::ApiKeysApi;
use crate::resources::audit::AuditApi;
use crate::resources::auth::AuthApi;
use crate::resources::batches::BatchesApi;
use crate::resources::currencies::CurrenciesApi;
use crate::resources::daily_totals::DailyTotalsApi;
use crate::resources::events::EventsApi;
use crate::resources::holds::HoldsApi;
use crate::resources::imports::ImportsApi;
use crate::resources::last_minute::LastMinuteApi;
use crate::resources::limits::LimitsApi;
use crate::resources::merchants::MerchantsApi;
use crate::resources::one_time_tokens::{ProfileApi, RecoveryApi};
use crate::resources::operations::OperationsApi;
use crate::resources::payments::PaymentsApi;
use crate::resources::personal_data::PersonalDataApi;
use crate::resources::receipts::ReceiptsApi;
use crate::resources::sessions::SessionsApi;
use crate::resources::statements::StatementsApi;
use crate::resources::status::StatusApi;
use crate::resources::transfers::TransfersApi;
use crate::resources::user_list::UserListApi;
use crate::resources::users::UsersApi;
use crate::resources::wallets::WalletsApi;
use crate::resources::webhook_deliveries::WebhookDeliveriesApi;
use crate::resources::webhooks::WebhooksApi;
use crate::resources::well_known::WellKnownApi;
use crate::wire::CookieOrigins;

type Api = (
    (AuthApi, RecoveryApi, ApiKeysApi),
    (ProfileApi, UsersApi, UserListApi, SessionsApi, PersonalDataApi),
    (WalletsApi, LimitsApi, StatementsApi, CurrenciesApi),
    (TransfersApi, HoldsApi, BatchesApi, PaymentsApi),
    (EventsApi, WebhooksApi, WebhookDeliveriesApi),
    AnalyticsApi,
    MerchantsApi,
    ImportsApi,
    LastMinuteApi,
    DailyTotalsApi,
    (AuditApi, ReceiptsApi, OperationsApi, StatusApi, WellKnownApi),
);

const DESCRIPTION: &str = "Wallets in exact decimals and transfers between them. \
    **The answer is final**: a 201 is durable, a refusal with a `transfer_id` is recorded, every other answer moved nothing, \
    but for `outcome_unknown` (503): ask again with the same `Idempotency-Key`.\n\n\
    Register, sign in, put the token into *Authorize*, and try every operation. Amounts are strings with four decimals. \
    Lists are newest first, but for events. Every failure is an `application/problem+json` document with a stable `code`.";

/// The application with its edge, ready to be served.
pub fn app(
    services: Arc<Services>,
    cors_origins: Vec<String>,
) -> anyhow::Result<impl Endpoint<Output = Response> + 'static> {
    let api = api(&services);
    let document = openapi::finish(&api.spec(), FAILURES, services.reports)?;
    let origins = CookieOrigins::new(&cors_origins);
    let config = EdgeConfig {
        cors_origins,
        limit: rate_limit::request_limit(&services),
        body_by_prefix: vec![
            ("/v1/imports/".to_owned(), upload_limit(&services)),
            ("/v1/transfers/batch".to_owned(), BATCH_LIMIT),
        ],
        always_open: &["/livez", "/readyz", "/metrics"],
        routes: Routes::of_document(&document)
            .with_pages(&PAGES)
            .with_tree(console::ROOT),
        ..EdgeConfig::default()
    };
    let app = console::with_console(openapi::with_pages(api, Pages::new(&document)))
        .data(services)
        .data(origins);
    Ok(edge::wrap(app, config))
}

/// Files may be large and slow: an upload may take any time as long as bytes arrive.
fn upload_limit(services: &Services) -> BodyLimit {
    BodyLimit {
        max_bytes: services.imports.upload_max_bytes().saturating_add(MULTIPART_MAX_BYTES),
        timeout_scope: TimeoutScope::EachWait,
        ..BodyLimit::default()
    }
}

/// A thousand transfers with metadata of 4 KiB each, and what is around it.
const BATCH_LIMIT: BodyLimit = BodyLimit {
    max_bytes: 8 * 1024 * 1024,
    timeout: Duration::from_secs(30),
    timeout_scope: TimeoutScope::WholeBody,
};

/// The most bytes of a multipart body around its file.
const MULTIPART_MAX_BYTES: u64 = 16 * 1024;

/// The finished OpenAPI document.
pub fn document(services: &Arc<Services>) -> anyhow::Result<Value> {
    openapi::finish(&api(services).spec(), FAILURES, services.reports)
}

fn api(services: &Arc<Services>) -> OpenApiService<Api, ()> {
    let resources = (
        (
            AuthApi {
                services: services.clone(),
            },
            RecoveryApi {
                services: services.clone(),
            },
            ApiKeysApi {
                services: services.clone(),
            },
        ),
        of_users(services),
        (
            WalletsApi {
                services: services.clone(),
            },
            LimitsApi {
                services: services.clone(),
            },
            StatementsApi {
                services: services.clone(),
            },
            CurrenciesApi,
        ),
        (
            TransfersApi {
                services: services.clone(),
            },
            HoldsApi {
                services: services.clone(),
            },
            BatchesApi {
                services: services.clone(),
            },
            PaymentsApi {
                services: services.clone(),
            },
        ),
        of_events(services),
        AnalyticsApi {
            services: services.clone(),
        },
        MerchantsApi {
            services: services.clone(),
        },
        ImportsApi {
            services: services.clone(),
        },
        LastMinuteApi {
            services: services.clone(),
        },
        DailyTotalsApi {
            services: services.clone(),
        },
        of_operations(services),
    );
    OpenApiService::new(resources, "Florin", env!("CARGO_PKG_VERSION")).description(DESCRIPTION)
}

fn of_users(services: &Arc<Services>) -> (ProfileApi, UsersApi, UserListApi, SessionsApi, PersonalDataApi) {
    (
        ProfileApi {
            services: services.clone(),
        },
        UsersApi {
            services: services.clone(),
        },
        UserListApi {
            services: services.clone(),
        },
        SessionsApi {
            services: services.clone(),
        },
        PersonalDataApi {
            services: services.clone(),
        },
    )
}

fn of_events(services: &Arc<Services>) -> (EventsApi, WebhooksApi, WebhookDeliveriesApi) {
    (
        EventsApi {
            services: services.clone(),
        },
        WebhooksApi {
            services: services.clone(),
        },
        WebhookDeliveriesApi {
            services: services.clone(),
        },
    )
}

fn of_operations(services: &Arc<Services>) -> (AuditApi, ReceiptsApi, OperationsApi, StatusApi, WellKnownApi) {
    (
        AuditApi {
            services: services.clone(),
        },
        ReceiptsApi {
            services: services.clone(),
        },
        OperationsApi {
            services: services.clone(),
        },
        StatusApi {
            services: services.clone(),
        },
        WellKnownApi {
            services: services.clone(),
        },
    )
}
