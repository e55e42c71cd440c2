//! `/transactions` and `/statistics`: what moved in the last 60 seconds.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use poem_openapi::param::Query;
use poem_openapi::payload::EventStream;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::statistics::{Age, DECIMALS, Figures};
use service::values::Currency;
use tokio::time::MissedTickBehavior;

use super::Tag;
use crate::auth::{ReportReader, StatisticsWrite};
use crate::problem::{ApiResult, Problem};
use crate::wire::{CurrencyText, EVENTS_MAX, EventLimit, Json, Number, Transaction, currency_of};

/// The handlers of `/transactions` and `/statistics`.
pub struct LastMinuteApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// The amounts of the last 60 seconds; all zero when there are none.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Statistics", example)]
pub struct StatisticsView {
    /// The sum of the amounts, exact.
    pub sum: Number,
    /// The average amount, with four decimals, rounded half up (away from zero).
    pub avg: Number,
    /// The largest amount, exact.
    pub max: Number,
    /// The smallest amount, exact.
    pub min: Number,
    /// How many amounts the last 60 seconds have.
    pub count: u64,
}

/// What became of a reported transaction.
#[derive(ApiResponse)]
pub enum Reported {
    /// It is in the window.
    #[oai(status = 201)]
    Stored,
    /// It is older than 60 seconds; nothing was stored.
    #[oai(status = 204)]
    TooOld,
}

/// The time between two events of a stream.
const STREAM_PAUSE: Duration = Duration::from_secs(1);

#[OpenApi(tag = "Tag::Reports")]
impl LastMinuteApi {
    /// Report a transaction
    ///
    /// Counts it for 60 seconds after its timestamp, in the window only. An age of exactly 60 000 ms is still inside.
    #[oai(path = "/transactions", method = "post", operation_id = "transactions_report")]
    async fn report(&self, _operator: StatisticsWrite, transaction: Transaction) -> ApiResult<Reported> {
        let currency = transaction.currency.unwrap_or(self.services.currency);
        let statistics = &self.services.statistics;
        match statistics.report(currency, transaction.timestamp, transaction.amount) {
            Age::Inside => Ok(Reported::Stored),
            Age::Old => Ok(Reported::TooOld),
            Age::Future => Err(Problem::unprocessable_field("timestamp", "must not be in the future")),
        }
    }

    /// Statistics of the last 60 seconds
    ///
    /// The bank's completed transfers, deposits and withdrawals, and what was reported, in one currency.
    #[oai(path = "/statistics", method = "get", operation_id = "statistics_get")]
    async fn get(
        &self,
        _reader: ReportReader,
        /// ISO 4217; the server's own by default.
        currency: Query<Option<CurrencyText>>,
    ) -> ApiResult<Json<StatisticsView>> {
        let currency = self.currency(currency.0)?;
        Ok(Json(self.services.statistics.read(currency).into()))
    }

    /// Stream of statistics
    ///
    /// Server-sent events: the same figures at once and then every second. A stream ends after 15 minutes, as a token
    /// does; clients connect again by themselves. With `limit` it ends earlier: Swagger UI asks for 3 events where the
    /// field is empty, since it shows an answer only when it has ended.
    #[oai(path = "/statistics/stream", method = "get", operation_id = "statistics_stream")]
    async fn stream(
        &self,
        _reader: ReportReader,
        /// ISO 4217; the server's own by default.
        currency: Query<Option<CurrencyText>>,
        /// Events after which the stream ends, 1 to 900; all 900 by default.
        limit: Query<Option<EventLimit>>,
    ) -> ApiResult<EventStream<BoxStream<'static, StatisticsView>>> {
        let currency = self.currency(currency.0)?;
        let limit = limit.0.map_or(EVENTS_MAX, |limit| limit.0);
        let statistics = self.services.statistics.clone();
        Ok(EventStream::new(snapshots(statistics, currency, limit)))
    }
}

impl LastMinuteApi {
    fn currency(&self, code: Option<CurrencyText>) -> Result<Currency, Problem> {
        code.map_or(Ok(self.services.currency), |code| currency_of(&code.0))
    }
}

fn snapshots(
    statistics: Arc<service::statistics::Statistics>,
    currency: Currency,
    limit: usize,
) -> BoxStream<'static, StatisticsView> {
    let mut ticks = tokio::time::interval(STREAM_PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let closed = statistics.closed();
    let snapshots = stream::unfold((ticks, statistics), move |(mut ticks, statistics)| async move {
        ticks.tick().await;
        let view = StatisticsView::from(statistics.read(currency));
        Some((view, (ticks, statistics)))
    });
    snapshots.take(limit).take_until(closed).boxed()
}

impl From<Figures> for StatisticsView {
    fn from(figures: Figures) -> Self {
        let exact = |units| Number::new(units, DECIMALS as usize, 1);
        Self {
            sum: exact(figures.sum),
            avg: Number::new(figures.avg, 4, 1),
            max: exact(figures.max),
            min: exact(figures.min),
            count: figures.count,
        }
    }
}

impl Example for StatisticsView {
    fn example() -> Self {
        let whole = |number| Number::new(number, 0, 1);
        Self {
            sum: whole(1_000),
            avg: whole(100),
            max: whole(200),
            min: whole(50),
            count: 10,
        }
    }
}
