//! How fast one endpoint gets the events that wait for it, and how much memory the server takes for a million of them.
//!
//! The transfers are stored while no server runs and the endpoint is paused. A server then starts, and its memory settles
//! before the endpoint becomes active.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use harness::LongHistory;
use harness::journal::{adopt_in_rows, head};
use harness::servers::{Durability, PostgresServer};
use service::clock::{Clock, SystemClock};
use service::db::Db;
use service::values::{RecordId, WalletId};

use super::operator::{OperatorClient, store_operator};
use super::receiver::CountingReceiver;
use crate::common::processes::{self, Server, cpu_time};
use crate::histories::{TRANSFERS_A_COMMIT, settle};
use crate::memory::{peak_kib, reset_peak, resident_kib, settled_kib};
use crate::report::{Measure, Report};
use crate::selection::Selection;
use crate::stage::{SETTINGS, seed};

/// An endpoint that gets one event after the other.
pub const ORDERED: &str = "feed: webhooks drain, 10000 events, ordered";
/// An endpoint that gets several at once.
pub const UNORDERED: &str = "feed: webhooks drain, 10000 events, not ordered";
/// A long queue of an endpoint that gets one after the other.
pub const MANY: &str = "feed: webhooks drain, many events, ordered";

/// Events of a short queue.
const FEW: u32 = 10_000;
/// The payer and the payee of all transfers.
const CUSTOMERS: usize = 2;
/// How long ago the transfers begin. A million of them take three hours.
const AGE: TimeDelta = TimeDelta::days(1);
/// For so long a killed server may hold an endpoint: a little more than its lease.
const LEASE_OVER: Duration = Duration::from_secs(12);

/// Events that wait, and how their endpoint takes them.
#[derive(Clone, Copy, Debug)]
struct Backlog {
    name: &'static str,
    events: u32,
    is_ordered: bool,
}

/// Measures the queues, each on a database of its own.
pub async fn measure(report: &mut Report, selection: &Selection, many: u32) -> Result<()> {
    let backlog = |name, events, is_ordered| Backlog {
        name,
        events,
        is_ordered,
    };
    let mut wanted = vec![
        backlog(ORDERED, FEW, true),
        backlog(UNORDERED, FEW, false),
        backlog(MANY, many, true),
    ];
    wanted.retain(|backlog| selection.has(backlog.name));
    if wanted.is_empty() {
        return Ok(());
    }
    let program = processes::build()?;
    let folder = tempfile::Builder::new()
        .prefix("florin-bench-")
        .tempdir_in("/var/tmp")?;
    let server = PostgresServer::start(Durability::Durable, SETTINGS).await?;
    for (number, backlog) in wanted.into_iter().enumerate() {
        let name = format!("drain_{number}");
        let place = folder.path().join(&name);
        std::fs::create_dir(&place)?;
        server.create_database(&name).await?;
        eprintln!("  queueing {} events", backlog.events);
        let bank = QueuedBank::make((server.url(&name), place), &program, backlog).await?;
        report.add(backlog.name, bank.drain(&program).await?);
    }
    server.stop()
}

/// A bank with a paused endpoint, and transfers after the endpoint's mark.
struct QueuedBank {
    url: String,
    folder: PathBuf,
    events: u64,
    receiver: CountingReceiver,
    webhook: String,
    /// The token of the endpoint's owner.
    token: String,
    /// When the server was killed that made the endpoint.
    killed_at: Instant,
}

impl QueuedBank {
    async fn make((url, folder): (String, PathBuf), program: &Path, backlog: Backlog) -> Result<Self> {
        let db = Db::connect(&url).await.context("the database opens")?;
        migration::up(&db.write).await?;
        let accounts = seed(&db.write, &folder.join("signing.key"), CUSTOMERS).await?;
        store_operator(&db.write).await?;
        let receiver = CountingReceiver::start().await?;
        let server = Server::start(program, &url, &folder, super::SETTINGS).await?;
        let mut operator = OperatorClient::connect(server.address, &accounts.operator).await?;
        let webhook = operator.add_webhook(receiver.address, backlog.is_ordered).await?;
        operator.set_status(&webhook, "paused").await?;
        drop(server);
        let killed_at = Instant::now();
        let history = LongHistory {
            wallet: WalletId(accounts.wallets[0]),
            counterparty: WalletId(accounts.wallets[1]),
            transfers: backlog.events,
            since: SystemClock.now() - AGE,
        };
        history.store(&db.write).await;
        adopt_in_rows(&db.write, TRANSFERS_A_COMMIT).await;
        let newest = head(&db.write).await.last_id;
        ensure!(
            newest == RecordId::from(history.id(backlog.events)),
            "the journal ends with {newest}, which is none of the transfers"
        );
        settle(&db.write).await?;
        db.close().await;
        Ok(Self {
            url,
            folder,
            events: u64::from(backlog.events),
            receiver,
            webhook,
            token: accounts.operator,
            killed_at,
        })
    }

    /// Starts a server and makes the endpoint active; measures until the last event has come.
    async fn drain(&self, program: &Path) -> Result<Measure> {
        let server = Server::start(program, &self.url, &self.folder, super::SETTINGS).await?;
        let pid = server.pid();
        let idle_kib = settled_kib(pid).await?;
        tokio::time::sleep(LEASE_OVER.saturating_sub(self.killed_at.elapsed())).await;
        let mut operator = OperatorClient::connect(server.address, &self.token).await?;
        let cpu = cpu_time(pid)?;
        let received = &self.receiver.events;
        ensure!(received.count() == 0, "a paused endpoint got an event");
        operator.set_status(&self.webhook, "active").await?;
        let began = Instant::now();
        received.until(1).await?;
        let first = began.elapsed();
        // What only the first deliveries take, such as the connection to the receiver, does not grow with the queue.
        received.until(self.events / 100).await?;
        reset_peak(pid)?;
        let beginning_kib = resident_kib(pid)?;
        received.until(self.events / 2).await?;
        let middle_kib = resident_kib(pid)?;
        received.until(self.events).await?;
        let elapsed = began.elapsed();
        let (end_kib, peak_kib) = (resident_kib(pid)?, peak_kib(pid)?);
        eprintln!(
            "  the first event after {} ms; KiB resident when idle {idle_kib}, after a hundredth {beginning_kib}, \
             after half {middle_kib}, at the end {end_kib}, at most {peak_kib}",
            first.as_millis()
        );
        let elapsed_us = u64::try_from(elapsed.as_micros())?.max(1);
        let cpu_us = u64::try_from((cpu_time(pid)? - cpu).as_micros())?;
        Ok(Measure {
            per_second: self.events * 1_000_000 / elapsed_us,
            server_cpu_us: Some(cpu_us / self.events.max(1)),
            above_idle_kib: Some(peak_kib.saturating_sub(beginning_kib)),
            ..Measure::default()
        })
    }
}
