//! The mutations of the table: each prepared so that it is done, and so that it is not.

pub mod api_keys;
pub mod bank;
pub mod passwords;
pub mod people;
pub mod sessions;
pub mod wallets;
pub mod webhooks;
