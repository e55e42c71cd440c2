//! Test support. `TestBank` is a bank with a database of its own, on SQLite or PostgreSQL, served over HTTP. `Caller`
//! and `Customer` send it requests. `ManualClock` stands still until a test moves it. `SmtpServer` keeps the mails that
//! a bank sends, `HookReceiver` its webhooks; `EventStream` and `EventPoller` read its feed. `Proxy` and `servers` cause
//! outages.

pub mod activities;
pub mod at_once;
pub mod audit;
pub mod audit_history;
pub mod bank;
mod books;
pub mod callers;
pub mod clock;
pub mod crowd;
pub mod database;
pub mod delays;
pub mod events;
pub mod histories;
pub mod journal;
pub mod program;
pub mod proxy;
pub mod receiver;
pub mod servers;
pub mod slices;
pub mod smtp;
pub mod soundness;
pub mod sql;
pub mod terminal;
mod tokens;
pub mod webhooks;

pub use at_once::{StartedCalls, all_at_once, begin};
pub use audit_history::AuditHistory;
pub use bank::{Backend, TestBank, run, tells_events};
pub use callers::{Answer, Caller, Customer, http_client};
pub use clock::ManualClock;
pub use crowd::Crowd;
pub use delays::{Delays, Stopwatch};
pub use events::{EventPoller, EventStream, StreamedEvent};
pub use histories::LongHistory;
pub use proxy::{HeldRequest, Holding, LateAnswer, LateRequest, Proxy, Silence};
pub use receiver::{HookReceiver, HookReply, ReceivedHook};
pub use smtp::{ReceivedMail, SmtpMood, SmtpServer};
pub use sql::Held;
pub use tokens::{JwtAlgorithm, TestKey, is_verified_by, part_of};
pub use webhooks::{TestWebhook, eventually};

/// Turns scenarios into tests on both databases, named `sqlite::...` and `postgres::...`.
///
/// The lints reject a scenario that is missing from the list, as an unused function. After each scenario its bank's
/// books are proved.
#[macro_export]
macro_rules! on_every_backend {
    ($($scenario:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    $crate::run($crate::Backend::Sqlite, super::$scenario).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    $crate::run($crate::Backend::Postgres, super::$scenario).await;
                }
            )*
        }
    };
}

/// Turns scenarios into tests of two banks in two schemas of one PostgreSQL database, named `slices::...`. Each
/// scenario runs in both schemas at the same time.
#[macro_export]
macro_rules! in_two_slices {
    ($($scenario:ident),* $(,)?) => {
        mod slices {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    $crate::slices::run(super::$scenario).await;
                }
            )*
        }
    };
}
