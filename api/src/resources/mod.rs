//! The API's resources, one file each: what is read, which service function is called, how its answer looks.
//!
//! A public field whose type is a named schema, such as `TransferKindWord`, has no doc comment: poem-openapi would turn
//! the reference into an `allOf` of two parts, which the generator of the Python client (`scripts/clients.sh`) refuses.
//! Its schema has a description of its own.

pub mod analytics;
pub mod api_key_view;
pub mod api_keys;
pub mod audit;
mod audit_table;
pub mod audit_view;
pub mod auth;
pub mod batches;
pub mod currencies;
pub mod daily_totals;
pub mod event_stream;
pub mod event_view;
pub mod events;
pub mod holds;
pub mod imports;
pub mod journal_view;
pub mod last_minute;
pub mod limits;
pub mod merchants;
mod metrics;
pub mod one_time_tokens;
pub mod operations;
pub mod payments;
pub mod personal_data;
pub mod receipt_view;
pub mod receipts;
pub mod sessions;
pub mod statements;
pub mod status;
pub mod transfer_inputs;
pub mod transfer_view;
pub mod transfers;
pub mod user_list;
pub mod users;
pub mod wallet_view;
pub mod wallets;
pub mod webhook_deliveries;
pub mod webhook_inputs;
pub mod webhook_view;
pub mod webhooks;
pub mod well_known;

use poem_openapi::Tags;

/// The groups of operations in the documentation, in the order in which a new client needs them.
#[derive(Tags)]
pub enum Tag {
    /// Register and sign in. A token goes into the Authorization header, or into Swagger UI's "Authorize".
    Authentication,
    /// Who is signed in, and what staff change of users. Staff are all but customers.
    Users,
    /// Balances in one currency each, and their histories.
    Wallets,
    /// Movements of money. The answer is final, except `outcome_unknown`: ask again with the same key.
    Transfers,
    /// What happened to transfers and wallets, in order: to read page by page, and to follow.
    Events,
    /// Programs that the bank tells of events, with signed requests as Standard Webhooks describes them.
    Webhooks,
    /// What moved lately, and what merchants do. Numbers are JSON numbers, printed from exact decimals.
    Reports,
    /// Files whose rows are imported in the background.
    Imports,
    /// Who did what, to whom, when, and from where.
    Audit,
    /// Receipts, which can be checked without the bank, and signed heads of the journal.
    Journal,
    /// Health and metrics of the server.
    Operations,
}

impl Tag {
    /// Every tag in the order above, which poem-openapi does not keep.
    pub const ORDER: [Self; 11] = [
        Self::Authentication,
        Self::Users,
        Self::Wallets,
        Self::Transfers,
        Self::Events,
        Self::Webhooks,
        Self::Reports,
        Self::Imports,
        Self::Audit,
        Self::Journal,
        Self::Operations,
    ];
}
