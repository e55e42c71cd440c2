//! What the tests stand on: a bank of their own on either database, served for real, callers as types, a clock that
//! stands still until it is moved.

pub mod activities;
pub mod at_once;
pub mod bank;
mod books;
pub mod callers;
pub mod clock;
pub mod database;
pub mod delays;
pub mod journal;
pub mod program;
pub mod proxy;
pub mod servers;
pub mod slices;
pub mod soundness;
pub mod sql;
pub mod terminal;

pub use at_once::{Begun, all_at_once, begin};
pub use bank::{Backend, TestBank, run};
pub use callers::{Answer, Caller, Customer};
pub use clock::ManualClock;
pub use delays::{Delays, Stopwatch};
pub use proxy::{HeldRequest, Holding, LateAnswer, LateRequest, Proxy, Silence};
pub use sql::Held;

/// Turns scenarios into tests on both databases, named `sqlite::...` and `postgres::...`.
///
/// A scenario that is missing from the list is an unused function, which fails the lints. Each ends with the proof of its
/// bank's books.
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

/// Turns scenarios into tests of two banks in two schemas of one PostgreSQL database, named `slices::...`: each scenario runs in
/// both at once.
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
