//! A transfer as `florin transfer show` prints it: a text for people, JSON for programs. Pure.

use serde_json::{Value, json};
use service::ledger::{Hold, WalletEntry};
use service::transfers::{Failure, ShownTransfer};
use service::values::{TransferKind, WalletId};

use crate::cli::table::{TableColumn, list, table, visible};
use crate::wire::time_text;

/// A transfer, and what is shown beside it.
pub struct TransferReport {
    pub shown: ShownTransfer,
    /// The address of the user who asked, if another than the source's owner did.
    pub asker: Option<String>,
    /// Its captures, releases and reversals, newest first.
    pub followers: Vec<ShownTransfer>,
    /// True if there are older ones.
    pub has_more: bool,
    /// What it did to its wallets.
    pub entries: Vec<(WalletId, WalletEntry)>,
}

impl TransferReport {
    /// A list of the fields that the transfer has; below it its followers and its entries.
    pub fn to_text(&self) -> String {
        let mut text = list(&self.fields());
        if !self.followers.is_empty() {
            text.push('\n');
            text.push_str(&followers_table(&self.followers));
        }
        if self.has_more {
            let id = self.shown.transfer.id;
            text.push_str(&format!("older ones: GET /v1/transfers?parent_id={id}\n"));
        }
        text.push('\n');
        text.push_str(&entries_table(&self.entries));
        text
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let (shown, transfer) = (&self.shown, &self.shown.transfer);
        let mut fields = vec![
            ("transfer", transfer.id.to_string()),
            ("kind", transfer.kind.to_string()),
            ("status", shown.status().to_string()),
        ];
        let mut add = |name, value: Option<String>| fields.extend(value.map(|value| (name, value)));
        add("failure", failure_text(shown));
        add("source", Some(transfer.source.to_string()));
        add("destination", Some(transfer.destination.to_string()));
        add(
            "amount",
            Some(format!("{} {}", transfer.amount, transfer.currency.code())),
        );
        add("method", transfer.method.as_ref().map(ToString::to_string));
        add("description", transfer.description.as_deref().map(visible));
        add("metadata", transfer.metadata.as_deref().map(visible));
        add("batch", transfer.batch.map(|id| id.to_string()));
        add("hold", transfer.hold_id().map(|id| id.to_string()));
        add("reverses", transfer.reverses().map(|id| id.to_string()));
        add("released", transfer.released.map(|amount| amount.to_string()));
        if transfer.kind.is_reversible() {
            add("reversed", Some(shown.reversed.to_string()));
        }
        add("asked by", Some(self.asked_by()));
        add("API key", shown.api_key.map(|key| key.to_string()));
        add("created", Some(time_text(transfer.created_at)));
        add("completed", shown.completed_at().map(time_text));
        if let Some(hold) = shown.hold {
            add("remaining", Some(hold.remaining.to_string()));
            add("captured", Some(hold.captured.to_string()));
            add("expires", Some(time_text(hold.expires_at)));
            add("ended", hold.end.map(|(end, at)| format!("{end}, {}", time_text(at))));
        }
        fields
    }

    /// The fields of the API's transfer, and beside them `asker`, `released`, how a hold ended, the followers and the
    /// entries.
    pub fn to_json(&self) -> Value {
        let (shown, transfer) = (&self.shown, &self.shown.transfer);
        let entries = self.entries.iter().map(|(wallet, entry)| entry_to_json(*wallet, entry));
        json!({
            "id": transfer.id,
            "kind": transfer.kind,
            "status": shown.status(),
            "source_wallet_id": transfer.source,
            "destination_wallet_id": transfer.destination,
            "amount": transfer.amount,
            "currency": transfer.currency.code(),
            "method": transfer.method.as_ref().map(ToString::to_string),
            "description": transfer.description,
            "metadata": transfer.metadata.as_deref().map(metadata),
            "failure_reason": shown.failure_reason(),
            "available": transfer.failure.and_then(Failure::available),
            "batch_id": transfer.batch,
            "hold_id": transfer.hold_id(),
            "reverses": transfer.reverses(),
            "released": transfer.released,
            "reversed": shown.reversed,
            "hold": shown.hold.map(hold_to_json),
            "created_by": transfer.created_by,
            "api_key_id": shown.api_key,
            "asker": self.asker,
            "created_at": time_text(transfer.created_at),
            "completed_at": shown.completed_at().map(time_text),
            "followers": self.followers.iter().map(follower_to_json).collect::<Vec<Value>>(),
            "has_more_followers": self.has_more,
            "entries": entries.collect::<Vec<Value>>(),
        })
    }

    fn asked_by(&self) -> String {
        let transfer = &self.shown.transfer;
        match (transfer.created_by, &self.asker) {
            (Some(user), Some(email)) => format!("{email} ({user})"),
            (Some(user), None) => format!("{user}, who is not in the database"),
            (None, _) if transfer.kind == TransferKind::Release => "no user: the hold's time ran out".to_owned(),
            (None, _) => "the source's owner".to_owned(),
        }
    }
}

/// Why a transfer is FAILED, with what was left.
fn failure_text(shown: &ShownTransfer) -> Option<String> {
    let reason = shown.failure_reason()?;
    Some(match shown.transfer.failure {
        Some(Failure::InsufficientFunds { available }) => format!("{reason}: {available} were available"),
        Some(Failure::LimitExceeded { limit, remaining }) => {
            format!("{reason}: {remaining} were left of {}", limit.as_str())
        }
        Some(
            Failure::WalletFrozen | Failure::WalletClosed | Failure::CurrencyMismatch | Failure::BalanceOutOfRange,
        )
        | None => reason.to_owned(),
    })
}

fn followers_table(followers: &[ShownTransfer]) -> String {
    let columns = [
        TableColumn::text("followed by"),
        TableColumn::text("kind"),
        TableColumn::text("status"),
        TableColumn::number("amount"),
        TableColumn::text("transfer"),
    ];
    let row = |shown: &ShownTransfer| {
        [
            time_text(shown.transfer.created_at),
            shown.transfer.kind.to_string(),
            shown.status().to_string(),
            shown.transfer.amount.to_string(),
            shown.transfer.id.to_string(),
        ]
    };
    let rows: Vec<[String; 5]> = followers.iter().map(row).collect();
    table(columns, &rows)
}

fn entries_table(entries: &[(WalletId, WalletEntry)]) -> String {
    if entries.is_empty() {
        return "no entries: it moved no money\n".to_owned();
    }
    let columns = [
        TableColumn::text("entry of wallet"),
        TableColumn::number("version"),
        TableColumn::number("amount"),
        TableColumn::number("balance after"),
    ];
    let row = |(wallet, entry): &(WalletId, WalletEntry)| {
        [
            wallet.to_string(),
            entry.version.to_string(),
            entry.amount.to_string(),
            entry.balance_after.to_string(),
        ]
    };
    let rows: Vec<[String; 4]> = entries.iter().map(row).collect();
    table(columns, &rows)
}

fn hold_to_json(hold: Hold) -> Value {
    json!({
        "remaining": hold.remaining,
        "captured": hold.captured,
        "expires_at": time_text(hold.expires_at),
        "end": hold.end.map(|(end, _)| end.as_str()),
        "ended_at": hold.end.map(|(_, at)| time_text(at)),
    })
}

fn follower_to_json(shown: &ShownTransfer) -> Value {
    json!({
        "id": shown.transfer.id,
        "kind": shown.transfer.kind,
        "status": shown.status(),
        "amount": shown.transfer.amount,
        "created_at": time_text(shown.transfer.created_at),
    })
}

fn entry_to_json(wallet: WalletId, entry: &WalletEntry) -> Value {
    json!({
        "wallet_id": wallet,
        "version": entry.version,
        "amount": entry.amount,
        "balance_after": entry.balance_after,
    })
}

/// The caller's object; as a text where its numbers are out of the range of `serde_json`.
fn metadata(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
