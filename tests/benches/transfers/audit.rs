//! What the first page of the audit log costs on a log of few and of many lines, for each filter. One client, all
//! requests in turns.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use chrono::{SecondsFormat, TimeDelta};
use harness::AuditHistory;
use harness::audit_history::{BUSY_ACTION, BUSY_ACTOR, BUSY_SUBJECT, OLD_ACTOR};
use harness::servers::{Durability, PostgresServer};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use service::clock::{Clock, SystemClock};
use service::db::Db;
use service::values::Timestamp;
use uuid::Uuid;

use crate::common::processes::Server;
use crate::common::tokens;
use crate::histories::Entries;
use crate::lists::Size;
use crate::report::Report;
use crate::stage::SETTINGS;
use crate::timed::{Line, Timed, get, measure_in_turns};

/// A filter of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditLook {
    All,
    Actor,
    OldActor,
    Action,
    Subject,
    ActorAndAction,
    SubjectAndAction,
    Times,
}

/// Items in a page, as the contract has it.
const PAGE: usize = 50;
/// How long ago a log begins. A million lines of it take three hours.
const AGE: TimeDelta = TimeDelta::days(1);

impl AuditLook {
    pub const ALL: [Self; 8] = [
        Self::All,
        Self::Actor,
        Self::OldActor,
        Self::Action,
        Self::Subject,
        Self::ActorAndAction,
        Self::SubjectAndAction,
        Self::Times,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::All => "no filter",
            Self::Actor => "actor",
            Self::OldActor => "actor of the oldest lines",
            Self::Action => "action",
            Self::Subject => "subject",
            Self::ActorAndAction => "actor and action",
            Self::SubjectAndAction => "subject and action",
            Self::Times => "from and to",
        }
    }

    fn query(self, history: &AuditHistory) -> String {
        let actor = format!("&actor_id={BUSY_ACTOR}");
        let action = format!("&action={}", BUSY_ACTION.as_str());
        let subject = format!("&subject_id={BUSY_SUBJECT}");
        match self {
            Self::All => String::new(),
            Self::Actor => actor,
            Self::OldActor => format!("&actor_id={OLD_ACTOR}"),
            Self::Action => action,
            Self::Subject => subject,
            Self::ActorAndAction => format!("{actor}{action}"),
            Self::SubjectAndAction => format!("{subject}{action}"),
            Self::Times => {
                let [from, to] = [1, 3].map(|part| text(history.time(history.lines / 4 * part)));
                format!("&from={from}&to={to}")
            }
        }
    }
}

fn text(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The name of a measurement.
pub fn audit_name(database: &str, look: AuditLook, size: Size) -> String {
    let size = match size {
        Size::Few => "few",
        Size::Many => "many",
    };
    format!("audit {database}, {}, {size}", look.name())
}

/// Makes a bank with few and one with many lines, and measures every look at both.
pub async fn measure(
    report: &mut Report,
    (database, backend): (&str, DbBackend),
    program: &Path,
    lines: Entries,
    rounds: usize,
) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("florin-bench-")
        .tempdir_in("/var/tmp")?;
    let server = match backend {
        DbBackend::Postgres => Some(PostgresServer::start(Durability::Durable, SETTINGS).await?),
        _ => None,
    };
    let mut banks = Vec::new();
    for (size, count) in [(Size::Few, lines.few), (Size::Many, lines.many)] {
        eprintln!("  storing {count} lines of the audit log");
        let place = folder.path().join(count.to_string());
        std::fs::create_dir(&place)?;
        let url = match &server {
            Some(server) => {
                let name = format!("audit_{count}");
                server.create_database(&name).await?;
                server.url(&name)
            }
            None => format!("sqlite://{}", place.join("florin.db").display()),
        };
        banks.push((size, LoggedBank::make(url, place, count).await?));
    }
    let mut looks = Vec::new();
    let mut serving = Vec::new();
    for (size, bank) in &banks {
        let served = Server::start(program, &bank.url, &bank.folder, &[]).await?;
        for look in AuditLook::ALL {
            let mut line = Line::open(served.address).await?;
            let request = get(
                &format!("/v1/audit?limit={PAGE}{}", look.query(&bank.history)),
                &bank.token,
            );
            line.ask(&request).await?;
            let page = line.json()?;
            let items = page["items"].as_array().context("a list has items")?;
            ensure!(items.len() == PAGE, "{look:?}: {} items", items.len());
            looks.push(Timed::new(audit_name(database, look, *size), line, request)?);
        }
        serving.push(served);
    }
    measure_in_turns(report, looks, rounds).await?;
    drop(serving);
    server.map_or(Ok(()), PostgresServer::stop)
}

/// A bank with nothing but a long audit log.
struct LoggedBank {
    history: AuditHistory,
    token: String,
    url: String,
    folder: PathBuf,
}

impl LoggedBank {
    async fn make(url: String, folder: PathBuf, lines: u32) -> Result<Self> {
        let db = Db::connect(&url).await.context("the database opens")?;
        migration::up(&db.write).await?;
        let key = tokens::make_key(&folder.join("signing.key"))?;
        let history = AuditHistory {
            lines,
            since: SystemClock.now() - AGE,
        };
        history.store(&db.write).await;
        settle(&db.write).await?;
        db.close().await;
        Ok(Self {
            history,
            token: tokens::token(Uuid::from_u128(1), "auditor", &key)?,
            url,
            folder,
        })
    }
}

/// Brings the tables into the state of those that grew slowly. A table each, since the time of a statement is limited.
async fn settle(db: &DatabaseConnection) -> Result<()> {
    let statements: &[&str] = match db.get_database_backend() {
        DbBackend::Postgres => &[
            "VACUUM ANALYZE audit_lines",
            "VACUUM ANALYZE audit_details",
            "CHECKPOINT",
        ],
        _ => &["ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"],
    };
    for statement in statements {
        db.execute_unprepared(statement).await?;
    }
    Ok(())
}
