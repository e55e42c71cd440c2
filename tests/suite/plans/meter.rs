//! Measures what a list costs the database. For PostgreSQL it sums the plans that auto_explain reports for each
//! statement; for SQLite it counts the steps of the virtual machine.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use harness::{Backend, TestBank};
use serde_json::Value;
use service::Services;
use service::actor::Actor;
use service::page::PageRequest;
use service::values::{Role, UserId};
use service::wallets::Holder;
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// What is measured.
pub enum Meter {
    /// Rows that the scans of the plans return or filter out.
    Postgres,
    /// Steps of the virtual machine.
    Sqlite(Arc<AtomicU64>),
}

/// Steps of SQLite between two calls of the counter.
const STEPS: i32 = 10;

impl Meter {
    /// Services whose reads are measured, and their meter.
    pub async fn of(bank: &TestBank) -> (Arc<Services>, Self) {
        match bank.backend {
            Backend::Postgres => {
                for setting in [
                    "session_preload_libraries = 'auto_explain'",
                    "auto_explain.log_min_duration = 0",
                    "auto_explain.log_analyze = on",
                    "auto_explain.log_timing = off",
                    "auto_explain.log_format = 'json'",
                    "auto_explain.log_level = 'notice'",
                ] {
                    let set = format!(
                        "EXECUTE format('ALTER DATABASE %I SET {}', current_database())",
                        setting.replace('\'', "''")
                    );
                    bank.execute(&format!("LOAD 'auto_explain'; DO $$ BEGIN {set}; END $$"))
                        .await;
                }
                let services = bank.replica().await;
                // The first notice of the process may be lost: if a thread without a subscriber emits it at the same
                // moment, tracing disables the event until the next subscriber is set.
                let request = PageRequest { limit: 1, after: None };
                let operator = Actor::new(UserId(uuid::Uuid::max()), Role::Operator);
                Self::Postgres
                    .measure(services.wallets.list(&operator, Holder::Anyone, request))
                    .await;
                (services, Self::Postgres)
            }
            Backend::Sqlite => {
                // The statistics' reader uses the same connections, so it must have read the seeded rows before.
                bank.services.flush_reports().await;
                let steps = Arc::new(AtomicU64::new(0));
                let pool = bank.db.read.get_sqlite_connection_pool();
                let mut all = Vec::new();
                for _ in 0..pool.options().get_max_connections() {
                    all.push(pool.acquire().await.expect("a connection of the pool"));
                }
                for connection in &mut all {
                    let counter = steps.clone();
                    connection
                        .lock_handle()
                        .await
                        .expect("the connection is idle")
                        .set_progress_handler(STEPS, move || {
                            counter.fetch_add(STEPS.unsigned_abs().into(), Ordering::Relaxed);
                            true
                        });
                }
                (bank.services.clone(), Self::Sqlite(steps))
            }
        }
    }

    pub async fn measure<T, E: fmt::Debug>(&self, list: impl Future<Output = Result<T, E>>) -> (Backend, u64) {
        match self {
            Self::Postgres => {
                let plans = Plans::default();
                let rows = plans.0.clone();
                let subscriber = tracing_subscriber::registry().with(plans);
                list.with_subscriber(subscriber).await.expect("the list can be read");
                (Backend::Postgres, rows.load(Ordering::Relaxed))
            }
            Self::Sqlite(steps) => {
                let before = steps.load(Ordering::Relaxed);
                list.await.expect("the list can be read");
                (Backend::Sqlite, steps.load(Ordering::Relaxed) - before)
            }
        }
    }
}

/// Sums up the plans that PostgreSQL sends as notices.
#[derive(Default)]
struct Plans(Arc<AtomicU64>);

impl<S: tracing::Subscriber> Layer<S> for Plans {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::postgres::notice" {
            event.record(&mut Notice(&self.0));
        }
    }
}

struct Notice<'a>(&'a AtomicU64);

impl Visit for Notice<'_> {
    fn record_str(&mut self, field: &Field, text: &str) {
        let Some((_, json)) = text.split_once("plan:").filter(|_| field.name() == "message") else {
            return;
        };
        let plan: Value = serde_json::from_str(json).expect("the plan is JSON");
        // One more for the statement itself, since a range may be empty.
        self.0.fetch_add(1 + rows_of(&plan["Plan"]), Ordering::Relaxed);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// The rows of every node that reads a table or an index, over all its loops.
fn rows_of(node: &Value) -> u64 {
    // Newer versions print the mean over all loops, with a fraction.
    let number = |name: &str| {
        let text = node[name].to_string();
        text.split('.')
            .next()
            .and_then(|whole| whole.parse::<u64>().ok())
            .unwrap_or_default()
    };
    let reads = node["Node Type"].as_str().is_some_and(|name| name.contains("Scan"));
    let touched = number("Actual Rows") + number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
    let below = node["Plans"].as_array().into_iter().flatten().map(rows_of);
    if reads {
        touched * number("Actual Loops") + below.sum::<u64>()
    } else {
        below.sum()
    }
}
