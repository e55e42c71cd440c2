//! A statement as ISO 20022's camt.053.001.08. The elements stand in the order of the message definition, which readers
//! check.
//!
//! Wallets have no IBAN, so accounts are `Othr/Id`. That holds 34 characters, and references hold 35: ids stand there as 32
//! digits, without hyphens.

use std::io;

use service::ledger::WalletEntry;
use service::values::{Currency, Money, Timestamp, TransferKind};
use service::wallets::Statement;
use uuid::Uuid;

use super::xml::Xml;
use crate::wire::time_text;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";
/// The most characters of one `Ustrd`; a longer description is cut into several.
const USTRD_LENGTH_MAX: usize = 140;

pub(super) fn write_head(statement: &Statement, out: &mut Vec<u8>) -> io::Result<()> {
    let xml = &mut Xml::new(out);
    let (id, made_at) = (reference(statement.id), time_text(statement.made_at));
    xml.declaration()?;
    xml.open_with("Document", ("xmlns", NAMESPACE))?;
    xml.open("BkToCstmrStmt")?;
    xml.open("GrpHdr")?;
    xml.leaf("MsgId", &id)?;
    xml.leaf("CreDtTm", &made_at)?;
    xml.close("GrpHdr")?;
    xml.open("Stmt")?;
    xml.leaf("Id", &id)?;
    xml.leaf("CreDtTm", &made_at)?;
    xml.open("FrToDt")?;
    xml.leaf("FrDtTm", &time_text(statement.from))?;
    xml.leaf("ToDtTm", &time_text(statement.to))?;
    xml.close("FrToDt")?;
    xml.open("Acct")?;
    xml.nested(&["Id", "Othr", "Id"], &reference(statement.wallet.0))?;
    xml.leaf("Ccy", statement.currency.code())?;
    xml.close("Acct")?;
    let (opening, closing) = (statement.opening.balance, statement.closing.balance);
    write_balance(xml, "OPBD", (opening, statement.currency), statement.from)?;
    write_balance(xml, "CLBD", (closing, statement.currency), statement.to)
}

pub(super) fn write_movements(statement: &Statement, page: &[WalletEntry], out: &mut Vec<u8>) -> io::Result<()> {
    let xml = &mut Xml::new(out);
    for entry in page {
        write_entry(xml, entry, statement.currency)?;
    }
    Ok(())
}

pub(super) fn write_end(out: &mut Vec<u8>) -> io::Result<()> {
    let xml = &mut Xml::new(out);
    xml.close("Stmt")?;
    xml.close("BkToCstmrStmt")?;
    xml.close("Document")
}

fn write_balance(xml: &mut Xml<'_>, code: &str, amount: (Money, Currency), at: Timestamp) -> io::Result<()> {
    xml.open("Bal")?;
    xml.nested(&["Tp", "CdOrPrtry", "Cd"], code)?;
    write_amount(xml, amount)?;
    xml.nested(&["Dt", "DtTm"], &time_text(at))?;
    xml.close("Bal")
}

fn write_entry(xml: &mut Xml<'_>, entry: &WalletEntry, currency: Currency) -> io::Result<()> {
    let transfer = reference(entry.transfer.0);
    xml.open("Ntry")?;
    xml.leaf("NtryRef", &entry.version.to_string())?;
    write_amount(xml, (entry.amount, currency))?;
    if is_reversal(entry.kind) {
        xml.leaf("RvslInd", "true")?;
    }
    xml.nested(&["Sts", "Cd"], "BOOK")?;
    xml.nested(&["BookgDt", "DtTm"], &time_text(entry.created_at))?;
    xml.leaf("AcctSvcrRef", &transfer)?;
    write_codes(xml, entry)?;
    xml.open("NtryDtls")?;
    xml.open("TxDtls")?;
    xml.nested(&["Refs", "AcctSvcrRef"], &transfer)?;
    write_amount(xml, (entry.amount, currency))?;
    write_counterparty(xml, entry)?;
    write_description(xml, entry.description.as_deref().unwrap_or_default())?;
    xml.close("TxDtls")?;
    xml.close("NtryDtls")?;
    xml.close("Ntry")
}

/// An amount without its sign, and the sign in words.
fn write_amount(xml: &mut Xml<'_>, (amount, currency): (Money, Currency)) -> io::Result<()> {
    let is_debit = amount < Money::ZERO;
    let size = if is_debit { amount.negated() } else { amount };
    xml.open_with("Amt", ("Ccy", currency.code()))?;
    xml.text(&size.to_string())?;
    xml.close("Amt")?;
    xml.leaf("CdtDbtInd", if is_debit { "DBIT" } else { "CRDT" })
}

/// ISO's codes, and the kind in the bank's own words. Payments come from outside of the bank or go there; all else is
/// booked between its wallets.
fn write_codes(xml: &mut Xml<'_>, entry: &WalletEntry) -> io::Result<()> {
    let is_debit = entry.amount < Money::ZERO;
    let sub_family = match entry.kind {
        TransferKind::Deposit | TransferKind::Withdrawal => "OTHR",
        TransferKind::Transfer
        | TransferKind::Reversal
        | TransferKind::Hold
        | TransferKind::Release
        | TransferKind::Capture => "BOOK",
    };
    xml.open("BkTxCd")?;
    xml.open("Domn")?;
    xml.leaf("Cd", "PMNT")?;
    xml.open("Fmly")?;
    xml.leaf("Cd", if is_debit { "ICDT" } else { "RCDT" })?;
    xml.leaf("SubFmlyCd", sub_family)?;
    xml.close("Fmly")?;
    xml.close("Domn")?;
    xml.open("Prtry")?;
    xml.leaf("Cd", entry.kind.as_str())?;
    xml.leaf("Issr", "Florin")?;
    xml.close("Prtry")?;
    xml.close("BkTxCd")
}

/// The account on the other side: the creditor's of what went out, the debtor's of what came in.
fn write_counterparty(xml: &mut Xml<'_>, entry: &WalletEntry) -> io::Result<()> {
    let account = if entry.amount < Money::ZERO {
        "CdtrAcct"
    } else {
        "DbtrAcct"
    };
    xml.nested(
        &["RltdPties", account, "Id", "Othr", "Id"],
        &reference(entry.counterparty.0),
    )
}

fn write_description(xml: &mut Xml<'_>, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    xml.open("RmtInf")?;
    let characters: Vec<char> = text.chars().collect();
    for some in characters.chunks(USTRD_LENGTH_MAX) {
        xml.leaf("Ustrd", &some.iter().collect::<String>())?;
    }
    xml.close("RmtInf")
}

fn is_reversal(kind: TransferKind) -> bool {
    match kind {
        TransferKind::Reversal => true,
        TransferKind::Transfer
        | TransferKind::Deposit
        | TransferKind::Withdrawal
        | TransferKind::Hold
        | TransferKind::Release
        | TransferKind::Capture => false,
    }
}

fn reference(id: Uuid) -> String {
    id.simple().to_string()
}
