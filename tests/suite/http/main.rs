//! The bank's HTTP edge and the program itself, from outside.
//! Most of it needs no second database, since what the edge refuses never reaches one: those scenarios run on SQLite.

/// Turns scenarios that no database could change into tests on SQLite.
macro_rules! on_sqlite {
    ($($scenario:ident),* $(,)?) => {
        mod sqlite_only {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    harness::run(harness::Backend::Sqlite, super::$scenario).await;
                }
            )*
        }
    };
}

mod access;
mod answers;
mod bodies;
mod conditions;
mod diagram;
mod document;
mod edge;
mod fields;
mod garbage;
mod imports;
mod layering;
mod nulls;
mod pages;
mod paths;
mod problems;
mod program;
mod queries;
mod raw;
mod reports;
mod rows;
mod shares;
mod sockets;
mod strangers;
mod strict;
mod sums;
mod transactions;
mod unseen;
mod uploads;
