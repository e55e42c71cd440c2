//! What must hold for whatever comes: random values, random histories, on both databases.
//!
//! At least 256 cases each. The seed of a case that failed is kept in `proptest-regressions/` and tried first from then on.

mod activities;
mod aggregates;
mod bank_case;
mod batches;
mod book;
mod book_case;
mod case_rows;
mod cases;
mod commands;
mod domain;
mod drawn;
mod histories;
mod ids;
mod model;
mod money_columns;
mod money_text;
mod pipeline;
mod races;
mod recomputed;
mod refusals;
mod rolling;
mod rollups;
mod uniqueness;
mod views;
