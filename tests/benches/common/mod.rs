//! Shared by the benchmarks: the server as a child process, a closed-loop HTTP client, and tokens.

pub mod client;
pub mod processes;
pub mod tokens;
