//! `/stats`: daily totals by payment method.

use std::collections::BTreeMap;
use std::sync::Arc;

use poem_openapi::param::Query;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::aggregates::{Day, DayRange, PaymentKind, Totals};

use super::Tag;
use crate::auth::ReportReader;
use crate::problem::{ApiResult, Code, FieldFault, Problem};
use crate::wire::{CurrencyText, DayText, Json, Number, currency_of};

/// The handlers of `/stats`.
pub struct DailyTotalsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// Totals by day, ascending; days without any are left out.
#[derive(Debug, Default, Object, Serialize)]
#[oai(rename = "Stats", example)]
pub struct StatsView {
    data: BTreeMap<String, DayView>,
}

/// A day's totals by payment method.
#[derive(Debug, Default, Object, Serialize)]
#[oai(rename = "DailyTotals")]
pub struct DayView {
    deposits: BTreeMap<String, Number>,
    withdrawals: BTreeMap<String, Number>,
}

const DECIMALS: usize = 4;

#[OpenApi(tag = "Tag::Reports")]
impl DailyTotalsApi {
    /// Daily totals
    ///
    /// Deposits and withdrawals by day (UTC) and payment method in one currency: the bank's own, and rows of imported
    /// files. At most ten years at once.
    #[oai(path = "/stats", method = "get", operation_id = "stats_get")]
    async fn get(
        &self,
        _reader: ReportReader,
        /// The first day, `YYYY-MM-DD`.
        from_date: Query<DayText>,
        /// The last day, `YYYY-MM-DD`.
        to_date: Query<DayText>,
        /// ISO 4217; the server's own by default.
        currency: Query<Option<CurrencyText>>,
    ) -> ApiResult<Json<StatsView>> {
        let days = days(from_date.0, to_date.0)?;
        let currency = currency
            .0
            .map_or(Ok(self.services.currency), |code| currency_of(&code.0))?;
        Ok(Json(self.services.aggregates.daily(days, currency).await?.into()))
    }
}

fn days(from: DayText, to: DayText) -> Result<DayRange, Problem> {
    match (day("from_date", from), day("to_date", to)) {
        (Ok(from), Ok(to)) => Ok(DayRange::try_new(from, to)?),
        (from, to) => {
            let faults = [from.err(), to.err()].into_iter().flatten().collect();
            Err(Problem::of_fields(Code::InvalidField, faults))
        }
    }
}

fn day(field: &'static str, DayText(text): DayText) -> Result<Day, FieldFault> {
    let text = text.ok_or_else(|| FieldFault::new(field, "is required"))?;
    Day::parse(&text).ok_or_else(|| FieldFault::new(field, "must be a date, such as 2026-01-31"))
}

impl From<Totals> for StatsView {
    fn from(totals: Totals) -> Self {
        let mut view = Self::default();
        // The bank's own money and imported money of a method are added up.
        let mut sums: BTreeMap<(Day, PaymentKind, &str), i128> = BTreeMap::new();
        for (key, sum) in totals.iter() {
            *sums.entry((key.day, key.kind, key.method.as_str())).or_default() += sum.units;
        }
        for ((day, kind, method), units) in sums {
            let day = view.data.entry(day.to_string()).or_default();
            let side = match kind {
                PaymentKind::Deposit => &mut day.deposits,
                PaymentKind::Withdrawal => &mut day.withdrawals,
            };
            side.insert(method.to_owned(), Number::new(units, DECIMALS, 1));
        }
        view
    }
}

impl Example for StatsView {
    fn example() -> Self {
        let side = |method: &str, units| BTreeMap::from([(method.to_owned(), Number::new(units, DECIMALS, 1))]);
        let day = DayView {
            deposits: side("visa", 163_307_000),
            withdrawals: side("wire", 93_124_400),
        };
        Self {
            data: BTreeMap::from([("2026-01-01".to_owned(), day)]),
        }
    }
}
