//! `/v1/wallets/{wallet_id}/balance` and `/statement`: the balance of a wallet at a time, and what moved in a range.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::http::{HeaderValue, header};
use poem::{Body, IntoResponse, Response};
use poem_openapi::param::{Path, Query};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{Example, Type};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::values::WalletId;
use service::wallets::TimeRange;
use uuid::Uuid;

use super::Tag;
use super::wallet_view::EntryView;
use crate::auth::WalletsRead;
use crate::problem::ApiResult;
use crate::samples;
use crate::statements::{self, StatementForm};
use crate::wire::{Amount, Json, Time};

/// The handlers of balances at a time and of statements.
pub struct StatementsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// The balance of a wallet at a time.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Balance", example)]
pub struct BalanceView {
    /// The wallet.
    pub wallet_id: Uuid,
    /// The time that was asked for (RFC 3339, UTC, microseconds).
    pub at: Time,
    /// The balance after everything that has this time or an earlier one, exact, with four decimals.
    pub balance: Amount,
    /// How many entries the wallet had then.
    #[oai(validator(minimum(value = "0")))]
    pub version: i64,
}

/// The movements of a wallet between two balances, as JSON. Written as a stream: an object without `closing_balance`
/// was broken off.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Statement", example)]
pub struct StatementView {
    /// The wallet.
    pub wallet_id: Uuid,
    /// ISO 4217.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
    /// The entries have this time or a later one (RFC 3339, UTC, microseconds).
    pub from: Time,
    /// The entries are before this time. The next statement begins here (RFC 3339, UTC, microseconds).
    pub to: Time,
    /// The balance just before `from`, exact, with four decimals.
    pub opening_balance: Amount,
    /// Every movement of the range, oldest first.
    pub entries: Vec<EntryView>,
    /// The balance just before `to`, exact, with four decimals.
    pub closing_balance: Amount,
}

/// A statement in one of its forms, as a stream.
pub struct StatementAnswer {
    form: StatementForm,
    body: Body,
}

#[OpenApi(prefix_path = "/v1/wallets", tag = "Tag::Wallets")]
impl StatementsApi {
    /// Balance at a time
    ///
    /// At any time from the wallet's opening until now. Until the journal's head the answer is final.
    #[oai(path = "/:wallet_id/balance", method = "get", operation_id = "wallets_balance")]
    async fn balance(
        &self,
        WalletsRead(actor): WalletsRead,
        wallet_id: Path<Uuid>,
        /// The time, to the microsecond. What has exactly this time counts.
        at: Query<DateTime<Utc>>,
    ) -> ApiResult<Json<BalanceView>> {
        let (id, at) = (WalletId(wallet_id.0), at.0);
        let found = self.services.wallets.balance_at(&actor, id, at).await?;
        Ok(Json(BalanceView {
            wallet_id: id.0,
            at: Time(at),
            balance: Amount(found.balance),
            version: found.version.0,
        }))
    }

    /// Statement
    ///
    /// Every movement of a range, oldest first, between the opening and the closing balance. The closing balance of one
    /// statement is the opening balance of the one that begins at its `to`. A statement is final: it ends just after the
    /// newest record of the bank's journal, and `to` in the answer says when. JSON by default; with `Accept: text/csv` a
    /// table, with `Accept: application/xml` the ISO 20022 message camt.053.001.08.
    ///
    /// The answer is a stream. One that the server cannot finish is broken off: without its `closing_balance`, its CLOSING
    /// row or its last end tag, it is not whole. In the table, a description that a spreadsheet might take for a formula, or
    /// that begins with an apostrophe, has one more apostrophe before it. In the message, U+FFFD stands for what XML cannot
    /// hold.
    #[oai(path = "/:wallet_id/statement", method = "get", operation_id = "wallets_statement")]
    async fn statement(
        &self,
        WalletsRead(actor): WalletsRead,
        wallet_id: Path<Uuid>,
        /// Movements at or after; the wallet's opening by default.
        from: Query<Option<DateTime<Utc>>>,
        /// Movements before; the end of the journal by default.
        to: Query<Option<DateTime<Utc>>>,
        form: StatementForm,
    ) -> ApiResult<StatementAnswer> {
        let range = TimeRange { from: from.0, to: to.0 };
        let wallets = &self.services.wallets;
        let (statement, movements) = wallets.statement(&actor, WalletId(wallet_id.0), range).await?;
        let body = statements::body(form, statement, movements);
        Ok(StatementAnswer { form, body })
    }
}

impl IntoResponse for StatementAnswer {
    fn into_response(self) -> Response {
        let mut response = Response::builder().body(self.body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.form.content_type()));
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        response
    }
}

impl ApiResponse for StatementAnswer {
    fn meta() -> MetaResponses {
        let text = |content_type| MetaMediaType {
            content_type,
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        };
        let json = MetaMediaType {
            content_type: "application/json",
            schema: StatementView::schema_ref(),
        };
        let answer = MetaResponse {
            description: "OK",
            status: Some(200),
            status_range: None,
            content: vec![json, text("text/csv"), text("application/xml")],
            headers: Vec::new(),
        };
        MetaResponses {
            responses: vec![answer],
        }
    }

    fn register(registry: &mut Registry) {
        StatementView::register(registry);
    }
}

impl Example for BalanceView {
    fn example() -> Self {
        Self {
            wallet_id: samples::WALLET_ID,
            at: samples::time(),
            balance: samples::amount(875_000),
            version: 2,
        }
    }
}

impl Example for StatementView {
    fn example() -> Self {
        Self {
            wallet_id: samples::WALLET_ID,
            currency: "USD".to_owned(),
            from: samples::time(),
            to: samples::time(),
            opening_balance: samples::amount(1_000_000),
            entries: vec![EntryView::example()],
            closing_balance: samples::amount(875_000),
        }
    }
}
