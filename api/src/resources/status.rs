//! `/v1/status`: how the bank is, for people who look at it. What machines ask is in `operations.rs`.

use std::sync::Arc;

use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::actor::Permission;
use service::ledger::{CommitTimes, JournalHead};
use service::workers::WorkerReport;

use super::Tag;
use crate::auth::AnyCaller;
use crate::samples;
use crate::wire::{Json, Time};

/// The handler of `/v1/status`.
pub struct StatusApi {
    /// The services that the handler calls.
    pub services: Arc<Services>,
}

/// How the bank is, as the server that answers sees it.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "BankStatus", example)]
pub struct BankStatusView {
    /// The version of the program.
    version: String,
    /// When this server started (RFC 3339, UTC, microseconds).
    started_at: Time,
    /// Whole seconds since then.
    uptime_s: i64,
    database: DatabaseStatusView,
    redis: RedisStatusView,
    /// The newest commit. Null while the database is away.
    journal: Option<JournalStatusView>,
    imports: ImportsStatusView,
    /// What waits to be committed. Null for callers without the permission `events:read`.
    queue: Option<QueueStatusView>,
    /// What was committed in the last minute. Null for callers without the permission `events:read`.
    commits: Option<CommitsStatusView>,
    /// The background workers of this server. Null for callers without the permission `events:read`.
    workers: Option<Vec<WorkerStatusView>>,
}

/// The database.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DatabaseStatus")]
pub struct DatabaseStatusView {
    #[oai(validator(pattern = "^(postgresql|sqlite)$"))]
    kind: String,
    /// `ok`, or `away` when it does not answer within a second.
    #[oai(validator(pattern = "^(ok|away)$"))]
    status: String,
}

/// Redis, through which replicas share what is reported.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RedisStatus")]
pub struct RedisStatusView {
    /// `ok`; `away`: then statistics lack what is reported to other replicas; or `not_configured`.
    #[oai(validator(pattern = "^(ok|away|not_configured)$"))]
    status: String,
}

/// The newest row of the journal.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "JournalStatus")]
pub struct JournalStatusView {
    /// Commits since the ledger's birth.
    number: i64,
    /// The bank's time of the newest one (RFC 3339, UTC, microseconds).
    at: Time,
}

/// Files that this server imports in the background.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ImportsStatus")]
pub struct ImportsStatusView {
    /// Files that are being imported now: one at most.
    running: usize,
    /// Files that wait behind it.
    waiting: usize,
}

/// The queue in front of the committer.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "QueueStatus")]
pub struct QueueStatusView {
    /// Transfers and changes of wallets that wait now.
    waiting: usize,
    /// How many may wait before callers are answered 503 `overloaded`.
    max: usize,
}

/// What this server committed in the last minute.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "CommitsStatus")]
pub struct CommitsStatusView {
    /// Transfers, batches and changes of wallets that were answered.
    last_minute: u64,
    /// The same a second, rounded.
    a_second: u64,
    /// How many microseconds half of them took at most, from the arrival in the queue to the answer, to an eighth. Null when
    /// there were none.
    p50_us: Option<u64>,
    /// The same for 99 of 100.
    p99_us: Option<u64>,
}

/// A background worker.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "WorkerStatus")]
pub struct WorkerStatusView {
    name: String,
    /// `running`; `failing` while its steps fail and are tried again; or `stopped`, until it is started again.
    #[oai(validator(pattern = "^(running|failing|stopped)$"))]
    state: String,
}

#[OpenApi(prefix_path = "/v1/status", tag = "Tag::Operations")]
impl StatusApi {
    /// How the bank is
    ///
    /// Its parts as this server sees them, its version and age, and the newest commit. Callers with the permission
    /// `events:read` also see what the server is doing. Always 200 where the caller is let in: `/readyz` is for load
    /// balancers.
    #[oai(path = "/", method = "get", operation_id = "status_get")]
    async fn get(&self, AnyCaller(actor): AnyCaller) -> Json<BankStatusView> {
        let Services {
            ops,
            imports,
            statistics,
            ..
        } = &*self.services;
        let head = ops.journal_head().await;
        let is_staff = actor.may(Permission::EventsRead);
        Json(BankStatusView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: Time(ops.started_at()),
            uptime_s: ops.uptime_s(),
            database: DatabaseStatusView {
                kind: if ops.is_on_postgres() { "postgresql" } else { "sqlite" }.to_owned(),
                status: ok_or_away(head.is_some()).to_owned(),
            },
            redis: RedisStatusView {
                status: statistics.is_shared().map_or("not_configured", ok_or_away).to_owned(),
            },
            journal: head.map(Into::into),
            imports: ImportsStatusView::of(imports.background_import().map(|import| import.waiting)),
            queue: is_staff.then(|| QueueStatusView {
                waiting: ops.queue_depth(),
                max: ops.queue_max(),
            }),
            commits: is_staff.then(|| ops.last_minute().into()),
            workers: is_staff.then(|| ops.workers().into_iter().map(Into::into).collect()),
        })
    }
}

fn ok_or_away(is_ok: bool) -> &'static str {
    if is_ok { "ok" } else { "away" }
}

impl ImportsStatusView {
    /// `waiting` is how many files wait behind the one that is being imported; `None` when there is none.
    fn of(waiting: Option<usize>) -> Self {
        Self {
            running: usize::from(waiting.is_some()),
            waiting: waiting.unwrap_or_default(),
        }
    }
}

impl From<JournalHead> for JournalStatusView {
    fn from(head: JournalHead) -> Self {
        Self {
            number: head.number,
            at: Time(head.at),
        }
    }
}

impl From<CommitTimes> for CommitsStatusView {
    fn from(times: CommitTimes) -> Self {
        Self {
            last_minute: times.commands,
            a_second: times.a_second(),
            p50_us: times.p50_us,
            p99_us: times.p99_us,
        }
    }
}

impl From<WorkerReport> for WorkerStatusView {
    fn from(worker: WorkerReport) -> Self {
        let state = match (worker.is_running, worker.failing_for) {
            (false, _) => "stopped",
            (true, Some(_)) => "failing",
            (true, None) => "running",
        };
        Self {
            name: worker.name.to_owned(),
            state: state.to_owned(),
        }
    }
}

impl Example for BankStatusView {
    fn example() -> Self {
        let worker = |name: &str| WorkerStatusView {
            name: name.to_owned(),
            state: "running".to_owned(),
        };
        Self {
            version: "0.1.0".to_owned(),
            started_at: samples::time(),
            uptime_s: 86_400,
            database: DatabaseStatusView {
                kind: "postgresql".to_owned(),
                status: "ok".to_owned(),
            },
            redis: RedisStatusView {
                status: "not_configured".to_owned(),
            },
            journal: Some(JournalStatusView {
                number: 48_213,
                at: samples::time(),
            }),
            imports: ImportsStatusView { running: 1, waiting: 2 },
            queue: Some(QueueStatusView { waiting: 3, max: 8_192 }),
            commits: Some(CommitsStatusView {
                last_minute: 1_380,
                a_second: 23,
                p50_us: Some(575),
                p99_us: Some(2_559),
            }),
            workers: Some(vec![worker("committer"), worker("relay")]),
        }
    }
}
