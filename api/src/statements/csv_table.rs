//! A statement as a table (RFC 4180): one row for the opening, one for each movement, one for the closing. A table without
//! its closing row is not whole.

use std::io;

use csv::{Terminator, Writer, WriterBuilder};
use service::ledger::WalletEntry;
use service::values::{Money, Timestamp, Version};
use service::wallets::Statement;

use crate::wire::time_text;

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
    let mut table = table(out);
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
    let mut table = table(out);
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
    let mut table = table(out);
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

fn table(out: &mut Vec<u8>) -> Writer<&mut Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out)
}

/// A text that no spreadsheet takes for a formula: one that begins as a formula may, or with an apostrophe, gets an
/// apostrophe before it. A reader who takes one apostrophe off has the text that was stored.
fn guarded(text: &str) -> String {
    let is_suspect = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠']);
    if is_suspect {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_that_may_be_formulas_get_an_apostrophe() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n", "＝1", "'=1"] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        for text in ["", "lunch", "1-1", " =1", "a@example.com"] {
            assert_eq!(guarded(text), text);
        }
    }
}
