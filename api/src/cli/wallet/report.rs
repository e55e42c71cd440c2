//! A wallet as `florin wallet` prints it: a text for people, JSON for programs. Pure.

use serde_json::{Value, json};
use service::ledger::{LimitKind, LimitState, WalletEntry};
use service::values::Money;
use service::wallets::Wallet;

use crate::cli::table::{TableColumn, list, table};
use crate::wire::time_text;

/// A wallet, and what is shown beside it.
pub struct WalletReport {
    pub wallet: Wallet,
    /// The owner's address; `None` on a system wallet, and if the database does not have the owner.
    pub email: Option<String>,
    /// The bank's UTC day, in days since 1970-01-01.
    pub today: i32,
    /// The newest entries; `None` when they are not shown.
    pub entries: Option<Vec<WalletEntry>>,
}

impl WalletReport {
    /// A list of the wallet's fields; below it its limits and its entries.
    pub fn to_text(&self) -> String {
        let wallet = &self.wallet;
        let mut text = list(&[
            ("wallet", wallet.id.to_string()),
            ("owner", self.owner()),
            ("currency", wallet.currency.code().to_owned()),
            ("status", wallet.status.to_string()),
            ("balance", wallet.balance.to_string()),
            ("held", wallet.held.to_string()),
            ("available", wallet.available().to_string()),
            ("version", wallet.version.to_string()),
            ("opened", time_text(wallet.created_at)),
            ("changed", time_text(wallet.updated_at)),
        ]);
        match wallet.limits.as_deref() {
            Some(state) => {
                let columns = [
                    TableColumn::text("limit"),
                    TableColumn::number("set to"),
                    TableColumn::number("used today"),
                    TableColumn::number("left"),
                ];
                text.push('\n');
                text.push_str(&table(columns, &limit_rows(state, self.today)));
            }
            None => text.push_str("\nno limits\n"),
        }
        if let Some(entries) = &self.entries {
            text.push('\n');
            text.push_str(&entries_table(entries));
        }
        text
    }

    /// The fields of the API's wallet, and beside them `email`, `method`, `used_today` and, where they are shown, the
    /// entries.
    pub fn to_json(&self) -> Value {
        let wallet = &self.wallet;
        let state = wallet.limits.as_deref();
        let limits = state.map(|state| {
            json!({
                "per_transfer": state.limits.per_transfer,
                "per_day_amount": state.limits.per_day_amount,
                "per_day_count": state.limits.per_day_count,
            })
        });
        let used = state.map(|state| {
            let outflow = state.outflow_on(self.today);
            json!({ "amount": outflow.amount, "transfers": outflow.transfers })
        });
        let mut shown = json!({
            "id": wallet.id,
            "user_id": wallet.owner,
            "email": self.email,
            "method": wallet.method.as_ref().map(ToString::to_string),
            "currency": wallet.currency.code(),
            "balance": wallet.balance,
            "held": wallet.held,
            "available": wallet.available(),
            "status": wallet.status,
            "limits": limits,
            "used_today": used,
            "version": wallet.version,
            "created_at": time_text(wallet.created_at),
            "updated_at": time_text(wallet.updated_at),
        });
        if let Some(entries) = &self.entries {
            shown["entries"] = entries.iter().map(entry_to_json).collect();
        }
        shown
    }

    fn owner(&self) -> String {
        match (self.wallet.owner, &self.email, &self.wallet.method) {
            (Some(user), Some(email), _) => format!("{email} ({user})"),
            (Some(user), None, _) => format!("{user}, who is not in the database"),
            (None, _, Some(method)) => format!("the bank, for the method {method}"),
            (None, _, None) => "the bank".to_owned(),
        }
    }
}

/// A row for each limit that there is: its name, the limit, what counted today, and what is left.
fn limit_rows(state: &LimitState, today: i32) -> Vec<[String; 4]> {
    let (limits, used) = (state.limits, state.outflow_on(today));
    let name = |limit: LimitKind| limit.as_str().to_owned();
    let mut rows = Vec::new();
    if let Some(limit) = limits.per_transfer {
        rows.push([
            name(LimitKind::PerTransfer),
            limit.to_string(),
            String::new(),
            limit.to_string(),
        ]);
    }
    if let Some(limit) = limits.per_day_amount {
        let left = limit.checked_sub(used.amount).unwrap_or_default().max(Money::ZERO);
        let amounts = [limit, used.amount, left].map(|amount| amount.to_string());
        let [limit, used, left] = amounts;
        rows.push([name(LimitKind::PerDayAmount), limit, used, left]);
    }
    if let Some(limit) = limits.per_day_count {
        let left = (limit - used.transfers).max(0);
        let counts = [limit, used.transfers, left].map(|count| count.to_string());
        let [limit, used, left] = counts;
        rows.push([name(LimitKind::PerDayCount), limit, used, left]);
    }
    rows
}

fn entries_table(entries: &[WalletEntry]) -> String {
    if entries.is_empty() {
        return "no entries\n".to_owned();
    }
    let columns = [
        TableColumn::text("newest entries"),
        TableColumn::text("kind"),
        TableColumn::number("amount"),
        TableColumn::number("balance after"),
        TableColumn::text("transfer"),
    ];
    let row = |entry: &WalletEntry| {
        [
            time_text(entry.created_at),
            entry.kind.to_string(),
            entry.amount.to_string(),
            entry.balance_after.to_string(),
            entry.transfer.to_string(),
        ]
    };
    let rows: Vec<[String; 5]> = entries.iter().map(row).collect();
    table(columns, &rows)
}

fn entry_to_json(entry: &WalletEntry) -> Value {
    json!({
        "transfer_id": entry.transfer,
        "kind": entry.kind,
        "amount": entry.amount,
        "balance_after": entry.balance_after,
        "version": entry.version,
        "counterparty_wallet_id": entry.counterparty,
        "description": entry.description,
        "created_at": time_text(entry.created_at),
    })
}
