//! The tables that sea-orm maps, one file each, and the value types that are their columns. No logic and no queries.

#![warn(missing_docs)]

pub mod activities;
pub mod api_keys;
pub mod audit_details;
pub mod audit_lines;
pub mod batches;
pub mod changes;
pub mod entries;
pub mod holds;
pub mod import_rejects;
pub mod imports;
pub mod journal;
pub mod ledger;
pub mod one_time_tokens;
pub mod sessions;
pub mod transfers;
pub mod users;
pub mod values;
pub mod wallets;
pub mod webhook_deliveries;
pub mod webhook_secrets;
pub mod webhook_workers;
pub mod webhooks;
