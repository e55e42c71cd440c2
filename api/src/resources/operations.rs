//! `/health`, `/livez`, `/readyz`, `/metrics`: health and metrics. They need no token, so they must not reveal
//! customers' data.

use std::sync::Arc;

use poem_openapi::payload::PlainText;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::imports::{BackgroundImport, ImportStage};
use service::ledger::JournalLoss;
use service::workers::WorkerReport;

use super::Tag;
use super::metrics::exposition;
use crate::problem::{ApiResult, Problem};
use crate::wire::{ImportKindWord, Json};

/// The handlers of `/health`, `/livez`, `/readyz` and `/metrics`.
pub struct OperationsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// Health, version and age of this process.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Health", example)]
pub struct HealthView {
    /// Always `ok`; anything else is a 503.
    #[oai(validator(pattern = "^ok$"))]
    status: String,
    version: String,
    /// Whole seconds since the process started.
    uptime_s: i64,
}

/// The answer of a process that runs.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Liveness", example)]
pub struct StatusView {
    /// Always `ok`; anything else is a 503.
    #[oai(validator(pattern = "^ok$"))]
    status: String,
}

/// Whether the process can do its work, what is missing, and which import is running.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Readiness", example)]
pub struct ReadinessView {
    /// Always `ok`; anything else is a 503.
    #[oai(validator(pattern = "^ok$"))]
    status: String,
    /// `ok`, or `away`: then statistics lack what is reported to other replicas. Null when no Redis is configured.
    #[oai(validator(pattern = "^(ok|away)$"))]
    redis: Option<String>,
    /// What is missing, or was lost, in words. Null when nothing is.
    detail: Option<String>,
    /// The import that runs in the background, while the API answers. Null when there is none.
    importing: Option<ImportingView>,
}

/// A file that is imported in the background.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RunningImport")]
pub struct ImportingView {
    kind: ImportKindWord,
    /// Bytes of the file whose rows are applied.
    bytes_applied: u64,
    bytes: u64,
    /// Files that wait for this import to end.
    waiting: usize,
}

#[OpenApi(tag = "Tag::Operations")]
impl OperationsApi {
    /// Health
    ///
    /// 200 when the database answers, else 503.
    #[oai(path = "/health", method = "get", operation_id = "health")]
    async fn health(&self) -> ApiResult<Json<HealthView>> {
        self.services.ops.ping().await?;
        Ok(Json(HealthView {
            status: OK.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.services.ops.uptime_s(),
        }))
    }

    /// Liveness
    ///
    /// 200 as long as the process answers at all. Neither the database nor Redis is asked.
    #[oai(path = "/livez", method = "get", operation_id = "livez")]
    async fn livez(&self) -> Json<StatusView> {
        Json(StatusView { status: OK.to_owned() })
    }

    /// Readiness
    ///
    /// 200 when this process can do its work now, else 503: for load balancers. The database must keep what it reports
    /// and take a write, which is tried at most once a second, its clock and this machine's must be at most 2 s apart,
    /// and no commit may have waited for it for 5 s. `detail` names rows of the journal that the database has lost, and
    /// workers that do not run or have failed for more than 10 s. A process without Redis is ready, and so is one that
    /// imports a file in the background.
    #[oai(path = "/readyz", method = "get", operation_id = "readyz")]
    async fn readyz(&self) -> ApiResult<Json<ReadinessView>> {
        self.services.ops.prove_ready().await?;
        let is_shared = self.services.statistics.is_shared();
        let away = (is_shared == Some(false)).then(|| REDIS_IS_AWAY.to_owned());
        let lost = self.services.ops.last_loss().map(loss);
        let stalled = self.services.ops.workers().into_iter().filter_map(stalled);
        let details: Vec<String> = lost.into_iter().chain(away).chain(stalled).collect();
        Ok(Json(ReadinessView {
            status: OK.to_owned(),
            redis: is_shared.map(|is_shared| if is_shared { OK } else { AWAY }.to_owned()),
            detail: (!details.is_empty()).then(|| details.join("; ")),
            importing: self.services.imports.background_import().map(Into::into),
        }))
    }

    /// Metrics
    ///
    /// The commit path in numbers, for Prometheus.
    #[oai(path = "/metrics", method = "get", operation_id = "metrics")]
    async fn metrics(&self) -> ApiResult<PlainText<String>> {
        let Services { ops, webhooks, .. } = &*self.services;
        Ok(PlainText(
            exposition(ops, webhooks.counts()).map_err(Problem::internal)?,
        ))
    }
}

fn loss(loss: JournalLoss) -> String {
    format!(
        "the database went back: rows of the journal after {} were lost, through {}",
        loss.kept_through, loss.lost_through
    )
}

fn stalled(worker: WorkerReport) -> Option<String> {
    worker.is_stalled().then(|| match worker.failing_for {
        Some(time) if worker.is_running => {
            format!("the worker {} has failed for {} s", worker.name, time.as_secs())
        }
        _ => format!("the worker {} does not run", worker.name),
    })
}

const REDIS_IS_AWAY: &str = "Redis is away: the statistics lack what is reported to other replicas";
const OK: &str = "ok";
const AWAY: &str = "away";

impl Example for ReadinessView {
    fn example() -> Self {
        Self {
            status: OK.to_owned(),
            redis: Some(OK.to_owned()),
            detail: None,
            importing: None,
        }
    }
}

impl From<BackgroundImport> for ImportingView {
    fn from(working: BackgroundImport) -> Self {
        let bytes_applied = match working.progress.stage {
            ImportStage::Hashing => 0,
            ImportStage::Applying => working.progress.bytes,
        };
        Self {
            kind: working.kind.into(),
            bytes_applied,
            bytes: working.progress.size,
            waiting: working.waiting,
        }
    }
}

impl Example for HealthView {
    fn example() -> Self {
        Self {
            status: OK.to_owned(),
            version: "0.1.0".to_owned(),
            uptime_s: 86_400,
        }
    }
}

impl Example for StatusView {
    fn example() -> Self {
        Self { status: OK.to_owned() }
    }
}
