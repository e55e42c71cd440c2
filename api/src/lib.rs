//! Florin over HTTP, and the program `florin`. It uses neither tables nor SQL.

#![warn(missing_docs)]

pub mod app;
pub mod auth;
pub mod cli;
pub mod edge;
pub mod failures;
mod fields;
pub mod openapi;
pub mod problem;
pub mod resources;
mod samples;
pub mod statements;
pub mod stderr;
pub mod wire;
