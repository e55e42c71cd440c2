//! What the benchmarks share: the server as a child process, a closed-loop HTTP client, tokens.

pub mod client;
pub mod processes;
pub mod tokens;
