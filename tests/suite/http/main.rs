//! Tests of the bank's HTTP edge and of the program itself, from outside. Most scenarios run on SQLite only, since what
//! the edge refuses never reaches a database.

/// Turns scenarios whose result does not depend on the database into tests on SQLite.
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
mod api_keys;
mod audit_reading;
mod bad_input;
mod bodies;
mod conditions;
mod console;
mod diagram;
mod document;
mod edge;
mod events;
mod fields;
mod garbage;
mod headers;
mod import_lists;
mod imports;
mod layering;
mod life;
mod nulls;
mod one_time;
mod pages;
mod paths;
mod personal_data;
mod problems;
mod program;
mod queries;
mod raw;
mod reasons;
mod receipts;
mod reports;
mod rows;
mod sessions;
mod shares;
mod sockets;
mod status;
mod strangers;
mod strict;
mod sums;
mod throttles;
mod transactions;
mod unseen;
mod uploads;
mod user_list;
mod wallet_list;
mod webhooks;
