//! Merchants' activities from feed to report, on both databases.

mod feed;
mod freshness;
mod locks;
mod reports;
mod rows;
mod summaries;
mod volumes;

pub use feed::{Feed, Row};
