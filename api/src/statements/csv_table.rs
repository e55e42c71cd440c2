//! A statement as a table (RFC 4180): one row for the opening, one for each movement, one for the closing. A table without
//! its closing row is not whole.

use std::io;

use csv::Writer;
use service::ledger::WalletEntry;
use service::values::{Money, Timestamp, Version};
use service::wallets::Statement;

use crate::wire::{csv_rows, guarded, time_text};

const COLUMNS: [&str; 10] = [
    "row",
    "at",
    "transfer_id",
    "kind",
    "amount",
    "currency",
    "balance_after",
    "version",
    "counterparty_wallet_id",
    "description",
];

pub(super) fn write_head(statement: &Statement, out: &mut Vec<u8>) -> io::Result<()> {
    let opening = statement.opening;
    let mut table = csv_rows(out);
    table.write_record(COLUMNS)?;
    let row = Balance {
        row: "OPENING",
        at: statement.from,
        balance: opening.balance,
        version: opening.version,
    };
    write_balance(&mut table, statement, row)?;
    table.flush()
}

pub(super) fn write_movements(statement: &Statement, page: &[WalletEntry], out: &mut Vec<u8>) -> io::Result<()> {
    let mut table = csv_rows(out);
    for entry in page {
        table.write_record([
            "ENTRY",
            &time_text(entry.created_at),
            &entry.transfer.to_string(),
            entry.kind.as_str(),
            &entry.amount.to_string(),
            statement.currency.code(),
            &entry.balance_after.to_string(),
            &entry.version.to_string(),
            &entry.counterparty.to_string(),
            &guarded(entry.description.as_deref().unwrap_or_default()),
        ])?;
    }
    table.flush()
}

pub(super) fn write_end(statement: &Statement, out: &mut Vec<u8>) -> io::Result<()> {
    let closing = statement.closing;
    let mut table = csv_rows(out);
    let row = Balance {
        row: "CLOSING",
        at: statement.to,
        balance: closing.balance,
        version: closing.version,
    };
    write_balance(&mut table, statement, row)?;
    table.flush()
}

/// A row that is no movement.
struct Balance {
    row: &'static str,
    at: Timestamp,
    balance: Money,
    version: Version,
}

fn write_balance(table: &mut Writer<&mut Vec<u8>>, statement: &Statement, row: Balance) -> io::Result<()> {
    table.write_record([
        row.row,
        &time_text(row.at),
        "",
        "",
        "",
        statement.currency.code(),
        &row.balance.to_string(),
        &row.version.to_string(),
        "",
        "",
    ])?;
    Ok(())
}
