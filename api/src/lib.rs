//! Florin over HTTP, and the program `florin`. It uses neither tables nor SQL.

#![warn(missing_docs)]

pub mod app;
pub mod auth;
pub mod cli;
pub mod client;
mod console;
pub mod edge;
pub mod export;
pub mod failures;
mod fields;
pub mod openapi;
mod operation_failures;
pub mod problem;
mod rate_limit;
pub mod resources;
mod samples;
pub mod statements;
mod static_page;
pub mod stderr;
pub mod wire;
