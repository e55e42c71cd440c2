//! The bank from outside: every scenario on both databases, over HTTP or the services' public face.
//! One binary, so that all scenarios share one PostgreSQL.

mod aggregates;
mod amounts;
mod batches;
mod buckets;
mod committer;
mod committer_death;
mod contention;
mod database_crash;
mod doubts;
mod going_back;
mod idempotency;
mod identity;
mod imports;
mod keys;
mod ledger;
mod locked_file;
mod locked_wallets;
mod merchants;
mod payments;
mod plans;
mod readiness;
mod refusals;
mod replicas;
mod requests;
mod schema;
mod shared_statistics;
mod statements;
mod statistics;
mod storms;
mod tokens;
mod transfer_lists;
mod transfers;
mod verify;
mod wallet_status;
mod wallets;
