//! The events of the journal, below HTTP: each reader that follows them ends with exactly the journal.

mod complete;
mod random_callers;
mod subscriptions;
