//! What is wrong with a request's fields and parameters: all of it at once, each in words that a person can follow.
//! No sentence of a parser reaches a caller.

mod body;
mod parameter;
mod path;
mod words;

pub use self::{
    body::{Input, read},
    parameter::Parameter,
};

/// The most faults that one answer names.
pub const FAULTS_MAX: usize = 50;
