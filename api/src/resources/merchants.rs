//! `/v1/merchants`: what one merchant has done.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::merchants::{MerchantCounts, MerchantSummary};
use service::values::{ActivityStatus, Product};

use super::Tag;
use crate::auth::ReportsRead;
use crate::problem::ApiResult;
use crate::samples;
use crate::wire::{Json, ProductWord, Time};

/// The handlers of `/v1/merchants`.
pub struct MerchantsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// A merchant's activities in numbers.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "MerchantSummary", example)]
pub struct MerchantSummaryView {
    merchant_id: String,
    /// The sum of the successful amounts, exact, with four decimals.
    volume: String,
    /// Products that the merchant used, in the order of their names.
    products: Vec<ProductCountsView>,
    first_activity: Time,
    last_activity: Time,
}

/// Activities of one product by how they ended.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ProductCounts", example)]
pub struct ProductCountsView {
    product: ProductWord,
    success: u64,
    failed: u64,
    pending: u64,
}

#[OpenApi(prefix_path = "/v1/merchants", tag = "Tag::Reports")]
impl MerchantsApi {
    /// Summary of a merchant
    ///
    /// Volume, activities by product and status, the first and the last one.
    #[oai(path = "/:merchant_id/summary", method = "get", operation_id = "merchants_summary")]
    async fn summary(&self, _operator: ReportsRead, merchant_id: Path<String>) -> ApiResult<Json<MerchantSummaryView>> {
        Ok(Json(self.services.merchants.summary(&merchant_id.0).await?.into()))
    }
}

impl From<MerchantSummary> for MerchantSummaryView {
    fn from(summary: MerchantSummary) -> Self {
        Self {
            merchant_id: summary.merchant_id,
            volume: summary.volume.to_string(),
            products: products(&summary.counts),
            first_activity: Time(summary.first_activity),
            last_activity: Time(summary.last_activity),
        }
    }
}

fn products(counts: &MerchantCounts) -> Vec<ProductCountsView> {
    let mut used: Vec<Product> = Product::ALL.to_vec();
    used.retain(|product| {
        let of = |status: &ActivityStatus| counts.of(*product, *status);
        ActivityStatus::ALL.iter().map(of).sum::<u64>() > 0
    });
    used.sort_unstable_by_key(|product| product.as_str());
    used.into_iter()
        .map(|product| ProductCountsView {
            product: product.into(),
            success: counts.of(product, ActivityStatus::Success),
            failed: counts.of(product, ActivityStatus::Failed),
            pending: counts.of(product, ActivityStatus::Pending),
        })
        .collect()
}

impl Example for MerchantSummaryView {
    fn example() -> Self {
        Self {
            merchant_id: samples::MERCHANT_ID.to_owned(),
            volume: "98765432.1000".to_owned(),
            products: vec![ProductCountsView::example()],
            first_activity: samples::time(),
            last_activity: samples::time(),
        }
    }
}

impl Example for ProductCountsView {
    fn example() -> Self {
        Self {
            product: Product::Bills.into(),
            success: 40,
            failed: 2,
            pending: 1,
        }
    }
}
