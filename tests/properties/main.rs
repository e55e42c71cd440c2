//! Properties: rules that hold for random values and random histories, on both databases.
//!
//! Each is checked with at least 256 cases. `proptest-regressions/` keeps the seed of a failed case, which is then
//! tried first.

mod activities;
mod aggregates;
mod bank_case;
mod batches;
mod book;
mod book_case;
mod book_store;
mod case_rows;
mod cases;
mod commands;
mod domain;
mod drawn;
mod histories;
mod holds_checks;
mod holds_events;
mod holds_model;
mod holds_reference;
mod holds_world;
mod ids;
mod life;
mod life_case;
mod life_instructions;
mod life_model;
mod life_rows;
mod life_rules;
mod life_scripts;
mod life_situations;
mod life_steps;
mod list_case;
mod lists;
mod model;
mod money_columns;
mod money_text;
mod pipeline;
mod races;
mod receipt_case;
mod receipts;
mod recomputed;
mod refusals;
mod rolling;
mod rollups;
mod uniqueness;
mod views;
