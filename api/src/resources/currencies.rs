//! `/v1/currencies`: what wallets may be in.

use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use service::values::Currency;

use super::Tag;
use crate::auth::AnyCaller;
use crate::wire::{Cached, Json};

/// The handler of `/v1/currencies`.
pub struct CurrenciesApi;

/// The currencies of ISO 4217 that wallets may have.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Currencies", example)]
pub struct CurrenciesView {
    /// By code.
    items: Vec<CurrencyView>,
}

/// A currency of ISO 4217.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Currency")]
pub struct CurrencyView {
    /// The three letters that name it.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    code: String,
    /// Its English name.
    name: String,
    /// How many decimals its smallest coin has, to show amounts with; null for what has no coins. Amounts have four
    /// decimals in every currency.
    digits: Option<u16>,
}

/// The list changes with the program only. It is the same for all callers, but only for callers.
const MAY_BE_KEPT: &str = "private, max-age=3600";

#[OpenApi(prefix_path = "/v1/currencies", tag = "Tag::Wallets")]
impl CurrenciesApi {
    /// List currencies
    ///
    /// Every currency that a wallet may have, by code. A copy may be used for an hour.
    #[oai(path = "/", method = "get", operation_id = "currencies_list")]
    async fn list(&self, _caller: AnyCaller) -> Cached<CurrenciesView> {
        let items = Currency::all().into_iter().map(CurrencyView::from);
        Cached {
            body: Json(CurrenciesView { items: items.collect() }),
            control: MAY_BE_KEPT,
        }
    }
}

impl From<Currency> for CurrencyView {
    fn from(currency: Currency) -> Self {
        Self {
            code: currency.code().to_owned(),
            name: currency.name().to_owned(),
            digits: currency.digits(),
        }
    }
}

impl Example for CurrenciesView {
    fn example() -> Self {
        let shown = ["EUR", "JPY", "USD"];
        let shown = shown.into_iter().filter_map(Currency::from_code);
        Self {
            items: shown.map(Into::into).collect(),
        }
    }
}
