//! The whole API in one file: its resources, the failures of each operation, and the edge around them.

use std::sync::Arc;

use poem::{Endpoint, EndpointExt, Response};
use poem_openapi::OpenApiService;
use serde_json::Value;
use service::Services;

use crate::edge::{self, BodyLimit, EdgeConfig, Routes, TimeoutScope};
use crate::openapi::{self, OperationCodes, PAGES, Pages};
use crate::problem::Code::{self, *};
use crate::resources::analytics::AnalyticsApi;
use crate::resources::auth::AuthApi;
use crate::resources::daily_totals::DailyTotalsApi;
use crate::resources::imports::ImportsApi;
use crate::resources::last_minute::LastMinuteApi;
use crate::resources::merchants::MerchantsApi;
use crate::resources::operations::OperationsApi;
use crate::resources::transfers::TransfersApi;
use crate::resources::users::UsersApi;
use crate::resources::wallets::WalletsApi;

type Api = (
    AuthApi,
    UsersApi,
    WalletsApi,
    TransfersApi,
    AnalyticsApi,
    MerchantsApi,
    ImportsApi,
    LastMinuteApi,
    DailyTotalsApi,
    OperationsApi,
);

const DESCRIPTION: &str = "Wallets in exact decimals and transfers between them. \
    **The answer is final**: a 201 is durable, a refusal with a `transfer_id` is recorded, every other answer moved nothing, \
    but for `outcome_unknown` (503): ask again with the same `Idempotency-Key`.\n\n\
    Register, sign in, put the token into *Authorize*, and try every operation. Amounts are strings with four decimals. \
    Lists are newest first. Every failure is an `application/problem+json` document with a stable `code`.";

/// The application with its edge, ready to be served.
pub fn app(
    services: Arc<Services>,
    cors_origins: Vec<String>,
) -> anyhow::Result<impl Endpoint<Output = Response> + 'static> {
    let api = api(&services);
    let document = openapi::finish(&api.spec(), FAILURES, services.reports)?;
    let config = EdgeConfig {
        cors_origins,
        body_by_prefix: vec![("/v1/imports/".to_owned(), upload_limit(&services))],
        always_open: &["/livez", "/readyz", "/metrics"],
        routes: Routes::of_document(&document).with_pages(&PAGES),
        ..EdgeConfig::default()
    };
    let app = openapi::with_pages(api, Pages::new(&document)).data(services);
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

/// The most bytes of a multipart body around its file.
const MULTIPART_MAX_BYTES: u64 = 16 * 1024;

/// The finished OpenAPI document.
pub fn document(services: &Arc<Services>) -> anyhow::Result<Value> {
    openapi::finish(&api(services).spec(), FAILURES, services.reports)
}

fn api(services: &Arc<Services>) -> OpenApiService<Api, ()> {
    let resources = (
        AuthApi {
            services: services.clone(),
        },
        UsersApi {
            services: services.clone(),
        },
        WalletsApi {
            services: services.clone(),
        },
        TransfersApi {
            services: services.clone(),
        },
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
        OperationsApi {
            services: services.clone(),
        },
    );
    OpenApiService::new(resources, "Florin", env!("CARGO_PKG_VERSION")).description(DESCRIPTION)
}

/// The failures of the operations that move money.
const REFUSALS: &[Code] = &[
    InvalidIdempotencyKey,
    InvalidAmount,
    WalletNotFound,
    UnknownMethod,
    SameWallet,
    WalletFrozen,
    WalletClosed,
    CurrencyMismatch,
    InsufficientFunds,
    BalanceOutOfRange,
    IdempotencyKeyReused,
    Overloaded,
    Contended,
    OutcomeUnknown,
    ClockSkew,
];

/// The failures of freezing and unfreezing a wallet.
const CHANGES: &[Code] = &[
    SystemWallet,
    WalletNotFound,
    PreconditionFailed,
    WalletClosed,
    Overloaded,
    Contended,
    OutcomeUnknown,
    ClockSkew,
];

/// The failures of each operation, apart from those that follow from its shape.
const FAILURES: OperationCodes = &[
    (
        "auth_register",
        &[EmailTaken, WeakPassword, UnknownCurrency, Overloaded, OutcomeUnknown],
    ),
    ("auth_login", &[InvalidCredentials]),
    ("users_me", &[UserNotFound]),
    (
        "wallets_open",
        &[
            WalletExists,
            UnknownCurrency,
            Overloaded,
            Contended,
            OutcomeUnknown,
            ClockSkew,
        ],
    ),
    ("wallets_get", &[WalletNotFound]),
    ("wallets_freeze", CHANGES),
    ("wallets_unfreeze", CHANGES),
    (
        "wallets_close",
        &[
            SystemWallet,
            WalletNotFound,
            PreconditionFailed,
            WalletNotEmpty,
            Overloaded,
            Contended,
            OutcomeUnknown,
            ClockSkew,
        ],
    ),
    ("wallets_entries", &[WalletNotFound]),
    ("wallets_deposit", REFUSALS),
    ("wallets_withdraw", REFUSALS),
    ("transfers_create", REFUSALS),
    ("transfers_get", &[TransferNotFound]),
    ("transfers_list", &[WalletNotFound]),
    ("imports_activities", &[Overloaded, StorageFull]),
    ("imports_transactions", &[Overloaded, StorageFull]),
    ("imports_get", &[NotFound]),
    ("analytics_top_merchant", &[NotFound, ImportRunning]),
    ("analytics_active_merchants", &[NotFound, ImportRunning]),
    ("analytics_product_adoption", &[NotFound, ImportRunning]),
    ("analytics_kyc_funnel", &[ImportRunning]),
    ("analytics_failure_rates", &[NotFound, ImportRunning]),
    ("merchants_summary", &[MerchantNotFound]),
    ("transactions_report", &[InvalidField, UnknownCurrency]),
    ("statistics_get", &[UnknownCurrency]),
    ("statistics_stream", &[UnknownCurrency]),
    ("stats_get", &[InvalidField, UnknownCurrency]),
];
