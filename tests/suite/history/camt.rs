//! Statements as camt.053: valid by the message's own definition, and saying what the JSON says.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::Value;
use service::transfers::NewTransfer;

use super::message::Element;
use super::{Account, entries_of, statement_as, units};
use crate::requests::{new_transfer, submit};

on_every_backend!(
    a_message_is_as_the_definition_says,
    a_message_says_what_the_json_says,
    a_negative_balance_is_a_debit,
    an_empty_statement_is_a_message_too,
    the_line_ends_of_a_description_are_kept,
);

/// A reference of a message: an id without its hyphens.
fn reference(id: &Value) -> String {
    id.as_str().expect("an id is a text").replace('-', "")
}

/// The signed amount of an entry or a balance, in ten-thousandths.
fn signed(element: &Element) -> i64 {
    let size = units(element.text_at("Amt"));
    match element.text_at("CdtDbtInd") {
        "CRDT" => size,
        "DBIT" => -size,
        other => panic!("{other}"),
    }
}

async fn a_message_is_as_the_definition_says(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let (ana, ben) = (&account.ana, &account.ben);
    let systems = [bank.system_wallet("visa").await, bank.system_wallet("wire").await];
    for (caller, wallet) in [
        (&ana.caller, ana.wallet),
        (&ben.caller, ben.wallet),
        (&account.operator, systems[0]),
        (&account.operator, systems[1]),
    ] {
        let text = statement_as(caller, wallet, "application/xml").await.text;
        Element::read(&text).is_message();
    }
}

async fn a_message_says_what_the_json_says(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let ana = &account.ana;
    let json = statement_as(&ana.caller, ana.wallet, "application/json").await.json;
    let message = Element::read(&statement_as(&ana.caller, ana.wallet, "application/xml").await.text);
    let [statement] = message.all("BkToCstmrStmt/Stmt")[..] else {
        panic!("one statement in {message:?}");
    };
    assert_eq!(statement.text_at("Id"), message.text_at("BkToCstmrStmt/GrpHdr/MsgId"));
    assert_eq!(statement.text_at("Acct/Id/Othr/Id"), reference(&json["wallet_id"]));
    assert_eq!(statement.text_at("Acct/Ccy"), json["currency"]);
    assert_eq!(statement.text_at("FrToDt/FrDtTm"), json["from"]);
    assert_eq!(statement.text_at("FrToDt/ToDtTm"), json["to"]);
    let [opening, closing] = statement.all("Bal")[..] else {
        panic!("two balances in {statement:?}");
    };
    for (balance, code, amount, time) in [
        (opening, "OPBD", "opening_balance", "from"),
        (closing, "CLBD", "closing_balance", "to"),
    ] {
        assert_eq!(balance.text_at("Tp/CdOrPrtry/Cd"), code);
        assert_eq!(signed(balance), units(json[amount].as_str().expect("a text")));
        assert_eq!(balance.text_at("Dt/DtTm"), json[time]);
    }
    let found = statement.all("Ntry");
    assert_eq!(found.len(), entries_of(&json).len());
    for (one, entry) in found.into_iter().zip(entries_of(&json)) {
        says_the_same(one, entry);
    }
}

fn says_the_same(one: &Element, entry: &Value) {
    assert_eq!(one.text_at("NtryRef"), entry["version"].to_string());
    assert_eq!(signed(one), units(entry["amount"].as_str().expect("a text")));
    assert_eq!(one.text_at("Sts/Cd"), "BOOK");
    assert_eq!(one.text_at("BookgDt/DtTm"), entry["created_at"]);
    assert_eq!(one.text_at("AcctSvcrRef"), reference(&entry["transfer_id"]));
    assert_eq!(one.text_at("BkTxCd/Prtry/Cd"), entry["kind"]);
    assert_eq!(one.all("RvslInd").len(), usize::from(entry["kind"] == "REVERSAL"));
    let [details] = one.all("NtryDtls/TxDtls")[..] else {
        panic!("one transaction in {one:?}");
    };
    assert_eq!(signed(details), signed(one));
    assert_eq!(details.text_at("Refs/AcctSvcrRef"), reference(&entry["transfer_id"]));
    let (family, other_side) = if signed(one) < 0 {
        ("ICDT", "CdtrAcct")
    } else {
        ("RCDT", "DbtrAcct")
    };
    assert_eq!(one.text_at("BkTxCd/Domn/Fmly/Cd"), family);
    assert_eq!(
        details.text_at(&format!("RltdPties/{other_side}/Id/Othr/Id")),
        reference(&entry["counterparty_wallet_id"])
    );
    let parts = details.all("RmtInf/Ustrd");
    let description: String = parts.iter().map(|part| part.text.as_str()).collect();
    assert_eq!(description, entry["description"].as_str().unwrap_or_default());
}

async fn a_negative_balance_is_a_debit(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let visa = bank.system_wallet("visa").await;
    let message = Element::read(&statement_as(&account.operator, visa, "application/xml").await.text);
    let balances = message.all("BkToCstmrStmt/Stmt/Bal");
    let amounts: Vec<i64> = balances.into_iter().map(signed).collect();
    assert_eq!(amounts, [0, -1_000_000]);
}

async fn an_empty_statement_is_a_message_too(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let text = statement_as(&ana.caller, ana.wallet, "application/xml").await.text;
    let message = Element::read(&text);
    message.is_message();
    assert!(message.all("BkToCstmrStmt/Stmt/Ntry").is_empty());
}

async fn the_line_ends_of_a_description_are_kept(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "5").await, bank.customer("ben").await);
    let description = "rent\r\nfor\rMay\n\tand June";
    let new = NewTransfer {
        description: Some(description.to_owned()),
        ..new_transfer(ana.wallet, ben.wallet, "1")
    };
    let paid = submit(&bank.services, &ana.actor, new).await;
    paid.expect("there is enough");
    let text = statement_as(&ana.caller, ana.wallet, "application/xml").await.text;
    // A reader turns a carriage return that is not escaped into a line feed. The reader of these tests does not.
    assert!(!text.contains('\r'), "{text}");
    let message = Element::read(&text);
    message.is_message();
    let entries = message.all("BkToCstmrStmt/Stmt/Ntry");
    let last = entries.last().expect("the transfer is an entry");
    assert_eq!(last.text_at("NtryDtls/TxDtls/RmtInf/Ustrd"), description);
}
