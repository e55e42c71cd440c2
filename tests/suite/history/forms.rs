//! The forms of a statement say the same, whatever the texts in it are.

use std::sync::Arc;

use harness::{Customer, TestBank, on_every_backend};
use serde_json::{Value, json};

use super::message::Element;
use super::{Account, entries_of, statement_as};

on_every_backend!(
    the_table_says_what_the_json_says,
    hostile_descriptions_stay_texts,
    the_accept_header_chooses_the_form,
);

/// The rows of a table, by their columns.
fn rows(table: &str) -> Vec<Value> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let columns = reader.headers().expect("a table has columns").clone();
    let row = |record: csv::StringRecord| -> Value {
        let cells = columns.iter().zip(record.iter());
        cells.map(|(column, cell)| (column.to_owned(), json!(cell))).collect()
    };
    reader
        .records()
        .map(|record| row(record.expect("every row has as many cells")))
        .collect()
}

/// A text of the table as it is stored.
fn unguarded(cell: &Value) -> &str {
    let cell = cell.as_str().expect("a cell is a text");
    cell.strip_prefix('\'').unwrap_or(cell)
}

async fn the_table_says_what_the_json_says(bank: Arc<TestBank>) {
    let account = Account::open(&bank).await;
    let ana = &account.ana;
    let json = statement_as(&ana.caller, ana.wallet, "application/json").await.json;
    let table = statement_as(&ana.caller, ana.wallet, "text/csv").await.text;
    assert!(table.ends_with("\r\n"), "{table}");
    let rows = rows(&table);
    let [opening, entries @ .., closing] = &rows[..] else {
        panic!("{table}");
    };
    for (row, name, at, balance) in [
        (opening, "OPENING", "from", "opening_balance"),
        (closing, "CLOSING", "to", "closing_balance"),
    ] {
        assert_eq!((&row["row"], &row["at"]), (&json!(name), &json[at]));
        assert_eq!(
            (&row["balance_after"], &row["currency"]),
            (&json[balance], &json["currency"])
        );
        for empty in ["transfer_id", "kind", "amount", "counterparty_wallet_id", "description"] {
            assert_eq!(row[empty], "", "{row}");
        }
    }
    assert_eq!(entries.len(), entries_of(&json).len());
    for (row, entry) in entries.iter().zip(entries_of(&json)) {
        assert_eq!((&row["row"], &row["at"]), (&json!("ENTRY"), &entry["created_at"]));
        for same in [
            "transfer_id",
            "kind",
            "amount",
            "balance_after",
            "counterparty_wallet_id",
        ] {
            assert_eq!(row[same], entry[same], "{same} of {row}");
        }
        assert_eq!(row["version"], entry["version"].to_string());
        assert_eq!(
            unguarded(&row["description"]),
            entry["description"].as_str().unwrap_or_default()
        );
    }
}

/// Texts that a reader of one of the forms may take for something else.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "=1+1",
        "=HYPERLINK(\"https://evil.example\";\"a\")",
        "+1",
        "-1",
        "@SUM(A1:A9)",
        "'quoted",
        "''",
        "\t=1",
        "\r\n=1",
        "\n",
        "＝1",
        "a,b;c\td",
        "\"",
        "\"\"\r\n\"ENTRY\",",
        "CLOSING\r\nCLOSING,,,",
        "</Ustrd></RmtInf></TxDtls>",
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;",
        "&amp;&#0;&lt;",
        "]]>",
        "<![CDATA[x]]>",
        "\u{1}\u{8}\u{b}\u{c}\u{1f}\u{7f}\u{85}",
        "\u{fffe}\u{ffff}\u{fffd}",
        "\u{202e}drow\u{2028}\u{feff}",
        "\\u0000\\\"",
        " ",
        "",
    ]
    .map(str::to_owned)
    .into();
    texts.extend(["🦀".repeat(500), "x".repeat(141), "ä".repeat(280)]);
    texts
}

async fn pay_described(payer: &Customer, payee: &Customer, description: &str) {
    let body = json!({
        "source_wallet_id": payer.wallet, "destination_wallet_id": payee.wallet, "amount": "0.01",
        "description": description,
    });
    payer.caller.post("/v1/transfers", body).await.expect(201);
}

/// A text as a message can hold it.
fn as_xml_holds_it(text: &str) -> String {
    let is_missing = |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r') || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars()
        .map(|c| if is_missing(c) { '\u{fffd}' } else { c })
        .collect()
}

async fn hostile_descriptions_stay_texts(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "5").await, bank.customer("ben").await);
    let texts = hostile();
    for text in &texts {
        pay_described(&ana, &ben, text).await;
    }
    let json = statement_as(&ben.caller, ben.wallet, "application/json").await.json;
    let table = rows(&statement_as(&ben.caller, ben.wallet, "text/csv").await.text);
    let message = Element::read(&statement_as(&ben.caller, ben.wallet, "application/xml").await.text);
    let messages = message.all("BkToCstmrStmt/Stmt/Ntry");
    assert_eq!(
        (entries_of(&json).len(), table.len(), messages.len()),
        (texts.len(), texts.len() + 2, texts.len())
    );
    for (number, text) in texts.iter().enumerate() {
        assert_eq!(entries_of(&json)[number]["description"], text.as_str());
        let cell = &table[number + 1]["description"];
        assert_eq!(unguarded(cell), text);
        let begins = cell.as_str().and_then(|cell| cell.chars().next());
        assert!(begins.is_none_or(|c| !"=+-@\t\r\n＝".contains(c)), "{cell}");
        let parts = messages[number].all("NtryDtls/TxDtls/RmtInf/Ustrd");
        let whole: String = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(whole, as_xml_holds_it(text));
        assert!(parts.iter().all(|part| part.text.chars().count() <= 140), "{text}");
    }
}

async fn the_accept_header_chooses_the_form(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "5").await;
    for (accept, content_type, start) in [
        ("*/*", "application/json", "{\"wallet_id\":"),
        ("application/pdf", "application/json", "{\"wallet_id\":"),
        ("text/csv", "text/csv; charset=utf-8", "row,at,"),
        ("application/json;q=0.1, text/*", "text/csv; charset=utf-8", "row,at,"),
        (
            "application/xml",
            "application/xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Document",
        ),
    ] {
        let answer = statement_as(&ana.caller, ana.wallet, accept).await;
        assert_eq!(answer.header("content-type"), content_type, "{accept}");
        assert!(answer.text.starts_with(start), "{accept}: {}", answer.text);
        let mut varies = answer.headers.get_all("vary").iter();
        assert!(varies.any(|value| value == "accept"), "{accept}");
    }
}
