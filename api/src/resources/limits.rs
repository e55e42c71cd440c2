//! `/v1/wallets/{id}/limits`: what may go out of a wallet.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};
use service::Services;
use service::values::{Money, WalletId};
use service::wallets::WalletLimits;
use uuid::Uuid;

use super::Tag;
use super::wallet_view::WalletView;
use crate::auth::LimitsWrite;
use crate::fields::Input;
use crate::problem::{ApiResult, Problem};
use crate::samples;
use crate::wire::{AMOUNT_EXPECTED, AmountInput, ExpectedTags, Json, Tagged};

/// The handler of `/v1/wallets/{id}/limits`.
pub struct LimitsApi {
    /// The services that the handler calls.
    pub services: Arc<Services>,
}

/// The limits to set, which replace all that there are. No limit where a field is missing or null.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewLimits", example)]
#[serde(deny_unknown_fields)]
pub struct NewLimitsInput {
    per_transfer: Option<AmountInput>,
    per_day_amount: Option<AmountInput>,
    /// From 1 to 1 000 000 000.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000000")))]
    per_day_count: Option<i64>,
}

#[OpenApi(prefix_path = "/v1/wallets", tag = "Tag::Wallets")]
impl LimitsApi {
    /// Set a wallet's limits
    ///
    /// They count from the next transfer on that is decided, and what went out today counts. TRANSFER, WITHDRAWAL and
    /// HOLD count when they are decided; what a hold gives back on the day on which it was made counts no more.
    /// Captures, reversals and refusals do not count.
    #[oai(path = "/:wallet_id/limits", method = "put", operation_id = "wallets_limits")]
    async fn set(
        &self,
        LimitsWrite(actor): LimitsWrite,
        wallet_id: Path<Uuid>,
        /// ETags that the caller has seen. If none of them is the wallet's, the answer is 412 and nothing changes.
        #[oai(name = "If-Match")]
        expected: ExpectedTags,
        body: Json<NewLimitsInput>,
    ) -> ApiResult<Tagged<WalletView>> {
        let limits = body.0.limits()?;
        let wallets = &self.services.wallets;
        let wallet = wallets
            .set_limits(&actor, WalletId(wallet_id.0), limits, expected.0)
            .await?;
        Ok(wallet.into())
    }
}

impl Input for NewLimitsInput {}

impl NewLimitsInput {
    fn limits(&self) -> Result<WalletLimits, Problem> {
        let most = WalletLimits::COUNT_MAX;
        if self.per_day_count.is_some_and(|count| !(1..=most).contains(&count)) {
            let message = format!("must be a whole number from 1 to {most}");
            return Err(Problem::unprocessable_field("per_day_count", message));
        }
        Ok(WalletLimits {
            per_transfer: above_zero("per_transfer", self.per_transfer)?,
            per_day_amount: above_zero("per_day_amount", self.per_day_amount)?,
            per_day_count: self.per_day_count,
        })
    }
}

fn above_zero(field: &str, amount: Option<AmountInput>) -> Result<Option<Money>, Problem> {
    match amount {
        Some(amount) if amount.refusal().is_some() => Err(Problem::unprocessable_field(field, AMOUNT_EXPECTED)),
        Some(amount) => Ok(amount.0),
        None => Ok(None),
    }
}

impl Example for NewLimitsInput {
    fn example() -> Self {
        Self {
            per_transfer: Some(AmountInput(Some(samples::amount(5_000_000).0))),
            per_day_amount: None,
            per_day_count: Some(20),
        }
    }
}
