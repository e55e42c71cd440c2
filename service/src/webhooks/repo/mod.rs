//! The SQL of webhooks.

mod deliveries;
mod endpoints;
mod holding;
mod progress;
mod removal;
mod secrets;

pub(super) use deliveries::{
    PendingAhead, Redelivery, add_test, ask_again, count_pending, list_deliveries, pending_ahead, redeliveries,
    restart_pending,
};
pub(super) use endpoints::{
    HookReach, StoredWebhook, change, count_of, find, insert, list, lock, look_at, replay, restart, revision_of,
};
pub(super) use holding::{
    HeldWebhook, Renewal, delete_expired, end_worker, held, look, register, release, renew, take,
};
pub(super) use progress::{ProgressStep, WriteOutcome, write};
pub(super) use removal::{
    Cleaning, delete, delete_deliveries_of, delete_deliveries_of_deleted, delete_of_user, delete_settled,
};
pub(super) use secrets::{StoredSecret, insert_secret, public_keys, rotate, signing};

use std::fmt::Display;

use entity::webhooks;
use uuid::Uuid;

use super::endpoint::Webhook;
use crate::db::Fault;
use crate::events::{EventCursor, EventType, EventTypes, LedgerTag};
use crate::values::WalletId;

/// An endpoint without its public key, which is in another table.
fn webhook_of(row: webhooks::Model, ledger: LedgerTag) -> Result<Webhook, Fault> {
    Ok(Webhook {
        id: row.id,
        user_id: row.user_id,
        url: row.url,
        types: row.types.as_deref().map(types_of),
        wallet_ids: row.wallet_ids.as_deref().map(wallets_of).transpose()?,
        description: row.description,
        is_ordered: row.is_ordered,
        is_bank_wide: row.is_bank_wide,
        scheme: row.scheme,
        public_key: None,
        status: row.status,
        disabled_reason: row.disabled_reason,
        sent_through: EventCursor::new(ledger, row.mark),
        failing_since: row.failing_since,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// The HTTP status of an answer as it is stored.
fn stored_status(status: Option<u16>) -> Option<i16> {
    status.and_then(|status| i16::try_from(status).ok())
}

fn words<W: Display>(items: impl Iterator<Item = W>) -> String {
    let words: Vec<String> = items.map(|item| item.to_string()).collect();
    words.join(" ")
}

/// Skips types that only a newer release has: this one makes no such events.
fn types_of(text: &str) -> EventTypes {
    text.split(' ').filter_map(EventType::parse).collect()
}

/// A list that cannot be read is a fault: without it the endpoint would get more.
fn wallets_of(text: &str) -> Result<Vec<WalletId>, Fault> {
    let ids = text.split(' ').map(|word| Uuid::try_parse(word).map(WalletId));
    ids.collect::<Result<_, _>>()
        .map_err(|_| Fault::damaged("the wallets of a webhook"))
}
