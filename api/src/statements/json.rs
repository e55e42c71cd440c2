//! A statement as JSON: the `Statement` of the OpenAPI document, written in pieces.

use std::io::{self, Write};

use serde::Serialize;
use service::ledger::WalletEntry;
use service::wallets::Statement;
use uuid::Uuid;

use crate::resources::wallet_view::EntryView;
use crate::wire::{Amount, Time};

/// The members before the entries.
#[derive(Serialize)]
struct StatementHead {
    wallet_id: Uuid,
    currency: &'static str,
    from: Time,
    to: Time,
    opening_balance: Amount,
}

pub(super) fn write_head(statement: &Statement, out: &mut Vec<u8>) -> io::Result<()> {
    let head = StatementHead {
        wallet_id: statement.wallet.0,
        currency: statement.currency.code(),
        from: Time(statement.from),
        to: Time(statement.to),
        opening_balance: Amount(statement.opening.balance),
    };
    serde_json::to_writer(&mut *out, &head)?;
    // The object goes on.
    out.pop();
    out.write_all(b",\"entries\":[")
}

pub(super) fn write_movements(statement: &Statement, page: Vec<WalletEntry>, out: &mut Vec<u8>) -> io::Result<()> {
    let first = statement.opening.version.next();
    for entry in page {
        if entry.version != first {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, &EntryView::from(entry))?;
    }
    Ok(())
}

pub(super) fn write_end(statement: &Statement, out: &mut Vec<u8>) -> io::Result<()> {
    write!(out, "],\"closing_balance\":\"{}\"}}", statement.closing.balance)
}
