//! `florin receipt verify`: proves receipts with the bank's public keys alone, on any machine.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use service::receipts::{Receipt, ReceiptFault, TrustedKeys, check_receipt};
use service::values::{Timestamp, TransferKind, TransferStatus};

use super::documents::{read_document, read_keys, retired_key_note, shown};
use super::table::{list, visible};
use super::{Ending, print};
use crate::wire::time_text;

#[derive(Debug, Subcommand)]
pub enum ReceiptAction {
    /// Prove that receipts are true: needs the bank's public keys, and neither the bank nor its database
    Verify(ReceiptFiles),
}

#[derive(Debug, Args)]
pub struct ReceiptFiles {
    /// A receipt; - is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The bank's public keys, as it publishes them at /.well-known/florin-keys.json
    #[arg(long = "key", value_name = "KEYS")]
    keys: PathBuf,

    /// Print JSON, one object a line for each file
    #[arg(long)]
    json: bool,
}

/// Whether the receipt in a file is proved.
struct ReceiptVerdict {
    file: String,
    result: Result<ProvedReceipt, ReceiptFault>,
}

struct ProvedReceipt {
    receipt: Receipt,
    /// When the key that signed was retired.
    key_retired_at: Option<Timestamp>,
}

pub fn run(action: &ReceiptAction) -> anyhow::Result<Ending> {
    let ReceiptAction::Verify(options) = action;
    let keys = read_keys(&options.keys)?;
    let mut ending = Ending::Done;
    for path in &options.files {
        let verdict = ReceiptVerdict::new(shown(path), &read_document(path)?, &keys);
        if verdict.result.is_err() {
            ending = Ending::FoundWrong;
        }
        if options.json {
            print(verdict.to_json())?;
        } else {
            print(verdict.to_text().trim_end())?;
        }
    }
    Ok(ending)
}

impl ReceiptVerdict {
    fn new(file: String, text: &str, keys: &TrustedKeys) -> Self {
        let result = check_receipt(text, keys).map(|receipt| {
            let key = keys.find(&receipt.head.key_id);
            let key_retired_at = key.and_then(|key| key.retired_at);
            ProvedReceipt {
                receipt,
                key_retired_at,
            }
        });
        Self { file, result }
    }

    fn to_text(&self) -> String {
        match &self.result {
            Ok(proved) => format!("proved {}\n{}", self.file, proved.to_text()),
            Err(fault) => format!("refused {}: {}\n", self.file, visible(&fault.to_string())),
        }
    }

    fn to_json(&self) -> Value {
        let proved = self.result.as_ref().ok();
        let why = self.result.as_ref().err().map(ToString::to_string);
        let mut document = proved.map_or(Value::Null, |proved| proved.receipt.to_json());
        let key_retired_at = proved.and_then(|proved| proved.key_retired_at);
        let mut member = |name: &str| document.get_mut(name).map_or(Value::Null, Value::take);
        json!({
            "file": self.file,
            "proved": self.result.is_ok(),
            "why": why,
            "transfer": member("transfer"),
            "head": member("head"),
            "key_retired_at": key_retired_at.map(time_text),
        })
    }
}

impl ProvedReceipt {
    /// A list of what is proved, and warnings.
    fn to_text(&self) -> String {
        let (transfer, head) = (&self.receipt.transfer, &self.receipt.head);
        let mut fields = vec![
            ("transfer", transfer.id.to_string()),
            ("kind", transfer.kind.to_string()),
            ("status", transfer.status.to_string()),
            ("amount", format!("{} {}", transfer.amount, transfer.currency)),
            ("from", transfer.source.to_string()),
            ("to", transfer.destination.to_string()),
            ("at", time_text(transfer.created_at)),
            (
                "row",
                format!("{} of the journal of ledger {}", head.number, head.ledger),
            ),
            ("signed by", visible(&head.key_id)),
        ];
        if let Some(reason) = &transfer.reason {
            fields.insert(3, ("reason", reason.clone()));
        }
        let mut text = list(&fields);
        if transfer.status == TransferStatus::Failed {
            text.push_str("No money moved: the bank refused this transfer.\n");
        } else if transfer.kind == TransferKind::Hold {
            text.push_str(
                "This is the hold as it was made. Its captures and its release have receipts of their own.\n",
            );
        }
        if let Some(at) = self.key_retired_at {
            text.push_str(&retired_key_note(at));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIPT: &str = include_str!("../../../samples/receipt.json");
    const KEYS: &str = include_str!("../../../samples/florin-keys.json");

    fn verdict(text: &str, keys: &str) -> ReceiptVerdict {
        let keys = TrustedKeys::parse(keys).expect("these are keys");
        ReceiptVerdict::new("receipt.json".to_owned(), text, &keys)
    }

    #[test]
    fn what_is_proved_is_shown() {
        let lines = [
            "proved receipt.json",
            "transfer   01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01",
            "kind       TRANSFER",
            "status     COMPLETED",
            "amount     12.5000 USD",
            "from       01993f29-1a00-7b10-9c2d-0e5a9b016d1c",
            "to         01993f29-1b00-7c10-8a2d-5a9b016d1c0e",
            "at         2026-01-31T12:00:00.000001Z",
            "row        17 of the journal of ledger 7f1d0c52-93ab-4c1e-8e0d-3b5a9f64c2d1",
            "signed by  5f0c1e9ab2d37846",
            "",
        ];
        assert_eq!(verdict(RECEIPT, KEYS).to_text(), lines.join("\n"));
        let shown = verdict(RECEIPT, KEYS).to_json();
        assert_eq!((&shown["proved"], &shown["why"]), (&json!(true), &Value::Null));
        assert_eq!(shown["key_retired_at"], Value::Null);
        assert_eq!(shown["transfer"]["amount"], "12.5000");
        assert_eq!(shown["head"]["number"], 17);
    }

    #[test]
    fn a_retired_key_is_told_of() {
        let retired = KEYS.replace(
            "\"retired_at\": null",
            "\"retired_at\": \"2026-02-01T00:00:00.000000Z\"",
        );
        let shown = verdict(RECEIPT, &retired).to_json();
        assert_eq!(shown["key_retired_at"], "2026-02-01T00:00:00.000000Z");
        let text = verdict(RECEIPT, &retired).to_text();
        assert!(text.starts_with("proved "), "{text}");
        assert!(
            text.contains("This key was retired at 2026-02-01T00:00:00.000000Z."),
            "{text}"
        );
    }

    #[test]
    fn a_refused_transfer_and_a_hold_are_told_of() {
        let mut proved = verdict(RECEIPT, KEYS).result.expect("it is proved");
        assert!(proved.to_text().ends_with("signed by  5f0c1e9ab2d37846\n"));
        proved.receipt.transfer.kind = TransferKind::Hold;
        proved.receipt.transfer.status = TransferStatus::Pending;
        assert!(proved.to_text().contains("\nThis is the hold as it was made."));
        proved.receipt.transfer.status = TransferStatus::Failed;
        let text = proved.to_text();
        assert!(
            text.contains("\nNo money moved: ") && !text.contains("This is the hold"),
            "{text}"
        );
    }

    #[test]
    fn what_is_refused_is_one_line() {
        let forged = RECEIPT.replace("\"12.5000\"", "\"99.5000\"");
        let why = "its member transfer.amount is not what leaf.public says";
        assert_eq!(
            verdict(&forged, KEYS).to_text(),
            format!("refused receipt.json: {why}\n")
        );
        let shown = verdict(&forged, KEYS).to_json();
        assert_eq!(
            shown,
            json!({
                "file": "receipt.json",
                "proved": false,
                "why": why,
                "transfer": null,
                "head": null,
                "key_retired_at": null,
            })
        );
        let odd = RECEIPT.replace("\"format\"", "\"\u{7f}\"");
        let text = verdict(&odd, KEYS).to_text();
        assert!(!text.contains('\u{7f}') && text.lines().count() == 1, "{text}");
    }
}
