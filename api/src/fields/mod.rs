//! Finds all faults in a request's fields and parameters at once, and describes each in plain words. A message of a
//! parser never reaches a caller.

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
