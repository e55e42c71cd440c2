//! Writes the transfers of a commit and their entries.

use std::sync::{Arc, LazyLock};

use sea_orm::ActiveEnum;
use sea_orm::sqlx::{self, Sqlite, Transaction};
use serde_json::{Value, json};

use super::json_rows::{text, time};
use crate::db::{Fault, hex};
use crate::ledger::book::Writes;
use crate::ledger::types::Transfer;

/// Inserts the transfers and their entries.
pub async fn insert_transfers(tx: &mut Transaction<'static, Sqlite>, writes: &Writes) -> Result<(), Fault> {
    let (has_notes, has_links) = (writes.has_notes(), writes.has_links());
    let row = |transfer: &Arc<Transfer>| transfer_row(transfer, has_notes, has_links);
    let transfers: Vec<Value> = writes.transfers.iter().map(row).collect();
    let insert = &INSERT_TRANSFERS[usize::from(has_notes)][usize::from(has_links)];
    sqlx::query(insert.as_str())
        .bind(text(&transfers))
        .execute(&mut **tx)
        .await?;
    let entries: Vec<Value> = writes
        .entries
        .iter()
        .map(|entry| {
            json!([
                hex(entry.wallet.0.as_bytes()),
                hex(entry.transfer.0.as_bytes()),
                entry.version.0,
                entry.amount,
                entry.balance_after,
            ])
        })
        .collect();
    sqlx::query(INSERT_ENTRIES)
        .bind(text(&entries))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The columns that every commit writes, each with whether its value is in hexadecimal digits.
const TRANSFERS: &[(&str, bool)] = &[
    ("id", true),
    ("kind", false),
    ("status", false),
    ("source_wallet_id", true),
    ("destination_wallet_id", true),
    ("amount", false),
    ("currency", false),
    ("method", false),
    ("failure_reason", false),
    ("available", false),
    ("request_id", true),
    ("idempotency_key", true),
    ("request_digest", true),
    ("created_at", false),
];
/// Columns that only some commits need, so that the others neither send nor read them.
const NOTES: &[(&str, bool)] = &[
    ("description", false),
    ("metadata", false),
    ("created_by", true),
    ("api_key_id", true),
    ("texts_digest", true),
    ("texts_salt", true),
];
const LINKS: &[(&str, bool)] = &[
    ("parent_id", true),
    ("batch_id", true),
    ("released", false),
    ("expires_at", false),
];

/// By whether there are notes, then by whether there are links.
static INSERT_TRANSFERS: LazyLock<[[String; 2]; 2]> =
    LazyLock::new(|| [false, true].map(|notes| [false, true].map(|links| insert_transfers_text(notes, links))));

fn insert_transfers_text(has_notes: bool, has_links: bool) -> String {
    let mut columns = TRANSFERS.to_vec();
    columns.extend(NOTES.iter().filter(|_| has_notes));
    columns.extend(LINKS.iter().filter(|_| has_links));
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let value = |(place, (_, is_hex)): (usize, &(&str, bool))| {
        if *is_hex {
            format!("unhex(value ->> {place})")
        } else {
            format!("value ->> {place}")
        }
    };
    let values: Vec<String> = columns.iter().enumerate().map(value).collect();
    format!(
        "INSERT INTO transfers ({}) SELECT {} FROM json_each(?)",
        names.join(", "),
        values.join(", ")
    )
}

const INSERT_ENTRIES: &str = "
INSERT INTO entries (wallet_id, transfer_id, version, amount, balance_after)
SELECT unhex(value ->> 0), unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)";

fn transfer_row(transfer: &Transfer, with_notes: bool, with_links: bool) -> Value {
    let mut row = vec![
        json!(hex(transfer.id.0.as_bytes())),
        json!(transfer.kind.to_value()),
        json!(transfer.status.to_value()),
        json!(hex(transfer.source.0.as_bytes())),
        json!(hex(transfer.destination.0.as_bytes())),
        json!(transfer.amount),
        json!(transfer.currency),
        json!(transfer.method),
        json!(transfer.failure.map(|failure| failure.stored())),
        json!(transfer.failure.and_then(|failure| failure.available())),
        json!(transfer.request_id.as_ref().map(|id| hex(&id.to_bytes()))),
        json!(transfer.key.map(|key| hex(&key.0))),
        json!(transfer.request.map(|request| hex(&request.0))),
        json!(time(transfer.created_at)),
    ];
    if with_notes {
        row.extend([
            json!(transfer.description),
            json!(transfer.metadata),
            json!(transfer.created_by.map(|user| hex(user.0.as_bytes()))),
            json!(transfer.api_key.map(|key| hex(key.as_bytes()))),
            json!(transfer.texts.map(|texts| hex(&texts.digest.0))),
            json!(transfer.texts.and_then(|texts| texts.salt).map(|salt| hex(&salt.0))),
        ]);
    }
    if with_links {
        row.extend([
            json!(transfer.parent.map(|parent| hex(parent.0.as_bytes()))),
            json!(transfer.batch.map(|batch| hex(batch.0.as_bytes()))),
            json!(transfer.released),
            json!(transfer.expires_at.map(time)),
        ]);
    }
    Value::Array(row)
}
