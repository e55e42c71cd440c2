//! `/analytics/*`: five reports on what merchants do, answered from the memory of the process.

use std::sync::Arc;

use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::merchants::{FailureRate, Funnel, Ranked, Reports};
use service::values::{ImportKind, Product};

use super::Tag;
use crate::auth::ReportReader;
use crate::problem::{ApiResult, Code, Problem};
use crate::samples;
use crate::wire::{Counts, Json, Number, ProductWord};

/// The handlers of `/analytics/*`.
pub struct AnalyticsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// The merchant with the largest volume.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "TopMerchant", example)]
pub struct TopMerchantView {
    merchant_id: String,
    /// The sum of the successful amounts, with two decimals, rounded half up.
    total_volume: Number,
}

/// How many merchants succeeded in each step of KYC.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "KycFunnel", example)]
pub struct FunnelView {
    documents_submitted: u64,
    verifications_completed: u64,
    tier_upgrades: u64,
}

/// How often a product fails.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "FailureRate", example)]
pub struct FailureRateView {
    product: ProductWord,
    /// Failed activities in percent of those that failed or succeeded, with one decimal, rounded half up.
    failure_rate: Number,
}

#[OpenApi(prefix_path = "/analytics", tag = "Tag::Reports")]
impl AnalyticsApi {
    /// Top merchant
    ///
    /// The largest sum of successful amounts; ties go to the smaller id. 404 when nothing has succeeded.
    #[oai(path = "/top-merchant", method = "get", operation_id = "analytics_top_merchant")]
    async fn top_merchant(&self, _reader: ReportReader) -> ApiResult<Json<TopMerchantView>> {
        let reports = self.reports()?;
        let top = reports.top_merchant.as_ref().ok_or_else(nothing)?;
        Ok(Json(top.into()))
    }

    /// Monthly active merchants
    ///
    /// Merchants with at least one success in a month of UTC; months ascending. 404 when nothing has succeeded.
    #[oai(
        path = "/monthly-active-merchants",
        method = "get",
        operation_id = "analytics_active_merchants"
    )]
    async fn active_merchants(&self, _reader: ReportReader) -> ApiResult<Json<Counts>> {
        let reports = self.reports()?;
        let months = reports.active_merchants.iter();
        counted(months.map(|(month, count)| (month.to_string(), *count)))
    }

    /// Product adoption
    ///
    /// Merchants that used each product, whatever came of it; most first, then by name. 404 when there is no activity.
    #[oai(
        path = "/product-adoption",
        method = "get",
        operation_id = "analytics_product_adoption"
    )]
    async fn product_adoption(&self, _reader: ReportReader) -> ApiResult<Json<Counts>> {
        let reports = self.reports()?;
        let products = reports.adoption.iter();
        counted(products.map(|(product, count)| (product.to_string(), *count)))
    }

    /// KYC funnel
    ///
    /// Merchants that succeeded in each step.
    #[oai(path = "/kyc-funnel", method = "get", operation_id = "analytics_kyc_funnel")]
    async fn kyc_funnel(&self, _reader: ReportReader) -> ApiResult<Json<FunnelView>> {
        Ok(Json(self.reports()?.funnel.into()))
    }

    /// Failure rates
    ///
    /// FAILED of SUCCESS and FAILED, for each product; the highest unrounded rate first, then by name. 404 when nothing
    /// has ended.
    #[oai(path = "/failure-rates", method = "get", operation_id = "analytics_failure_rates")]
    async fn failure_rates(&self, _reader: ReportReader) -> ApiResult<Json<Vec<FailureRateView>>> {
        let reports = self.reports()?;
        if reports.failure_rates.is_empty() {
            return Err(nothing());
        }
        Ok(Json(reports.failure_rates.iter().map(FailureRateView::from).collect()))
    }
}

impl AnalyticsApi {
    /// The reports, unless there are none yet because the first import still runs.
    fn reports(&self) -> ApiResult<Arc<Reports>> {
        let reports = self.services.merchants.reports()?;
        if reports.version == 0 && self.services.imports.is_importing(ImportKind::Activities) {
            let problem = Problem::new(Code::ImportRunning, "the first activities are being imported");
            return Err(problem.retry_after(1));
        }
        Ok(reports)
    }
}

fn counted(counts: impl Iterator<Item = (String, u64)>) -> ApiResult<Json<Counts>> {
    let counts: Vec<_> = counts.collect();
    if counts.is_empty() {
        return Err(nothing());
    }
    Ok(Json(Counts(counts)))
}

fn nothing() -> Problem {
    Problem::new(Code::NotFound, "no activity to report on is known")
}

impl From<&Ranked> for TopMerchantView {
    fn from(top: &Ranked) -> Self {
        Self {
            merchant_id: top.merchant_id.to_string(),
            total_volume: Number::new(top.volume.cents(), 2, 2),
        }
    }
}

impl From<Funnel> for FunnelView {
    fn from(funnel: Funnel) -> Self {
        Self {
            documents_submitted: funnel.documents_submitted,
            verifications_completed: funnel.verifications_completed,
            tier_upgrades: funnel.tier_upgrades,
        }
    }
}

impl From<&FailureRate> for FailureRateView {
    fn from(rate: &FailureRate) -> Self {
        Self {
            product: rate.product.into(),
            failure_rate: Number::new(rate.permille(), 1, 1),
        }
    }
}

impl Example for TopMerchantView {
    fn example() -> Self {
        Self {
            merchant_id: samples::MERCHANT_ID.to_owned(),
            total_volume: Number::new(9_876_543_210, 2, 2),
        }
    }
}

impl Example for FunnelView {
    fn example() -> Self {
        Self {
            documents_submitted: 1_384,
            verifications_completed: 1_151,
            tier_upgrades: 654,
        }
    }
}

impl Example for FailureRateView {
    fn example() -> Self {
        Self {
            product: Product::Bills.into(),
            failure_rate: Number::new(52, 1, 1),
        }
    }
}
