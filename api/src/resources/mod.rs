//! The API's resources, one file each: what is read, which service function is called, how its answer looks.

pub mod analytics;
pub mod auth;
pub mod imports;
pub mod merchants;
mod metrics;
pub mod operations;
pub mod statistics;
pub mod stats;
pub mod transfers;
pub mod users;
pub mod wallets;

use poem_openapi::Tags;

/// How the documentation groups operations, in the order of a newcomer's way through them.
#[derive(Tags)]
pub enum Tag {
    /// Register and sign in. A token goes into the Authorization header, or into Swagger UI's "Authorize".
    Authentication,
    /// Who is signed in.
    Users,
    /// Balances in one currency each, and their histories.
    Wallets,
    /// Movements of money. The answer is final, but for `outcome_unknown`: ask again with the same key.
    Transfers,
    /// What moved lately, and what merchants do. Numbers are JSON numbers, printed from exact decimals.
    Reports,
    /// Files whose rows are brought in, in the background.
    Imports,
    /// Is the bank well.
    Operations,
}

impl Tag {
    /// Every tag in that order, which poem-openapi does not keep.
    pub const ORDER: [Self; 7] = [
        Self::Authentication,
        Self::Users,
        Self::Wallets,
        Self::Transfers,
        Self::Reports,
        Self::Imports,
        Self::Operations,
    ];
}
