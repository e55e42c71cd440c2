//! A receipt that another program made from `docs/receipts.md` is proved, and nothing that differs from it.

use serde_json::{Value, json};

use super::*;
use crate::values::{TransferKind, TransferStatus};

const RECEIPT: &str = include_str!("../../../../samples/receipt.json");
const KEYS: &str = include_str!("../../../../samples/florin-keys.json");

fn keys() -> TrustedKeys {
    TrustedKeys::parse(KEYS).expect("these are keys")
}

fn document() -> Value {
    serde_json::from_str(RECEIPT).expect("this is JSON")
}

fn fault_of(text: &str) -> ReceiptFault {
    check_receipt(text, &keys()).expect_err(text)
}

/// The fault of the receipt with another value of a member, which is given as a JSON pointer.
fn fault_with(pointer: &str, value: Value) -> ReceiptFault {
    let mut changed = document();
    *changed.pointer_mut(pointer).expect("the member is there") = value;
    fault_of(&changed.to_string())
}

fn spelling(member: &str) -> ReceiptFault {
    let member = member.to_owned();
    ReceiptFault::Spelling { member }
}

/// The pointers of all members that are not objects or lists.
fn pointers(value: &Value, pointer: &str) -> Vec<String> {
    let below = |name: &str, value: &Value| pointers(value, &format!("{pointer}/{name}"));
    match value {
        Value::Object(members) => members.iter().flat_map(|(name, value)| below(name, value)).collect(),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .flat_map(|(index, value)| below(&index.to_string(), value))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![pointer.to_owned()],
    }
}

#[test]
fn a_receipt_of_another_program_is_proved() {
    let receipt = check_receipt(RECEIPT, &keys()).expect("it is a receipt");
    assert_eq!(receipt.transfer.kind, TransferKind::Transfer);
    assert_eq!(receipt.transfer.status, TransferStatus::Completed);
    assert_eq!(receipt.transfer.amount.to_string(), "12.5000");
    assert_eq!((receipt.head.number, receipt.path.len()), (17, 3));
}

#[test]
fn a_receipt_is_written_as_it_was_read() {
    let receipt = Receipt::parse(RECEIPT).expect("it is a receipt");
    assert_eq!(format!("{:#}\n", receipt.to_json()), RECEIPT);
    let head = receipt.head.to_json().to_string();
    assert_eq!(SignedHead::parse(&head), Ok(receipt.head));
}

#[test]
fn the_order_of_members_and_whitespace_are_free() {
    let Value::Object(members) = document() else {
        panic!("a receipt is an object");
    };
    let turned: Vec<String> = members
        .iter()
        .rev()
        .map(|(name, value)| format!("\t{name:?} :{value}\r"))
        .collect();
    let turned = format!("{{\n{} }}", turned.join(","));
    assert!(check_receipt(&turned, &keys()).is_ok(), "{turned}");
}

#[test]
fn a_receipt_with_another_value_is_refused() {
    let all = pointers(&document(), "");
    assert_eq!(all.len(), 1 + 16 + 2 + 3 * 2 + 4 + 7);
    for pointer in all {
        let value = document().pointer(&pointer).expect("the member is there").clone();
        let others = match &value {
            Value::String(text) => {
                let (first, rest) = text.split_at(1);
                let other = if first == "0" { "1" } else { "0" };
                vec![
                    json!(format!("{other}{rest}")),
                    json!(text.to_uppercase()),
                    json!(format!("{text}0")),
                    json!(""),
                ]
            }
            Value::Number(number) => {
                let number = number.as_i64().expect("it is small");
                vec![json!(number + 1), json!(-1), json!(number.to_string()), json!(i64::MAX)]
            }
            _ => vec![
                json!("00000000-0000-0000-0000-000000000000"),
                json!("visa"),
                json!("1.0000"),
            ],
        };
        let others = others.into_iter().filter(|other| *other != value);
        for other in others.chain([json!(true), json!([]), json!({}), json!(1.5)]) {
            fault_with(&pointer, other);
        }
    }
}

#[test]
fn a_receipt_with_other_members_is_refused() {
    for pointer in ["", "/transfer", "/leaf", "/path/1", "/commit", "/head"] {
        let Some(Value::Object(members)) = document().pointer(pointer).cloned() else {
            panic!("{pointer} is an object");
        };
        let changed = |value: Value| {
            let mut changed = document();
            *changed.pointer_mut(pointer).expect("it is there") = value;
            changed.to_string()
        };
        for name in members.keys() {
            let mut fewer = members.clone();
            fewer.shift_remove(name);
            fault_of(&changed(fewer.into()));
        }
        let mut more = members.clone();
        more.insert("more".to_owned(), Value::Null);
        let more = changed(more.into());
        fault_of(&more);
        // The first member again, with the value that it has.
        let (name, value) = members.iter().next().expect("it has members");
        let doubled = fault_of(&more.replace("\"more\":null", &format!("{name:?}:{value}")));
        assert!(doubled.to_string().contains("duplicate field"), "{pointer}: {doubled}");
        // The values alone, as a list.
        fault_of(&changed(members.values().cloned().collect()));
    }
}

#[test]
fn a_value_has_one_spelling() {
    assert_eq!(fault_with("/format", json!("florin receipt 2")), spelling("format"));
    assert_eq!(
        fault_with("/transfer/amount", json!("12.5")),
        ReceiptFault::Transfer {
            member: "transfer.amount".to_owned(),
        }
    );
    for (pointer, value) in [
        ("/head/at", "2026-01-31T12:00:00.000003+00:00"),
        ("/head/at", "2026-01-31T12:00:00.0000030Z"),
        ("/head/at", "2026-01-31t12:00:00.000003z"),
        ("/head/at", "2026-01-31 12:00:00.000003Z"),
        ("/head/at", "2026-01-31T11:59:60.000003Z"),
        ("/head/ledger", "7F1D0C52-93AB-4C1E-8E0D-3B5A9F64C2D1"),
        ("/head/ledger", "7f1d0c5293ab4c1e8e0d3b5a9f64c2d1"),
        ("/head/ledger", "{7f1d0c52-93ab-4c1e-8e0d-3b5a9f64c2d1}"),
        ("/head/ledger", "urn:uuid:7f1d0c52-93ab-4c1e-8e0d-3b5a9f64c2d1"),
    ] {
        let member = pointer[1..].replace('/', ".");
        assert_eq!(fault_with(pointer, json!(value)), spelling(&member), "{value}");
    }
    for number in [
        "17.0",
        "1.7e1",
        "-0",
        "+17",
        "017",
        "17 17",
        "0x11",
        "NaN",
        "99999999999999999999",
    ] {
        let text = document()
            .to_string()
            .replace("\"number\":17", &format!("\"number\":{number}"));
        assert!(matches!(fault_of(&text), ReceiptFault::Malformed { .. }), "{number}");
    }
    // The same text, with an escape.
    let escaped = RECEIPT.replace("\"USD\"", "\"\\u0055SD\"");
    assert_eq!(fault_of(&escaped), ReceiptFault::Characters);
}

#[test]
fn each_step_of_the_proof_can_fail() {
    let zeros = json!("00".repeat(32));
    assert_eq!(fault_with("/leaf/public", json!("54")), ReceiptFault::PublicBytes);
    assert_eq!(fault_with("/leaf/sealed", zeros.clone()), ReceiptFault::Path);
    assert_eq!(fault_with("/path/0/digest", zeros.clone()), ReceiptFault::Path);
    assert_eq!(fault_with("/path/0/side", json!("left")), ReceiptFault::Path);
    assert_eq!(fault_with("/path", json!([])), ReceiptFault::Path);
    let step = json!({ "side": "left", "digest": "00".repeat(32) });
    assert_eq!(fault_with("/path", json!(vec![step; 34])), ReceiptFault::LongPath);
    assert_eq!(fault_with("/commit/root", zeros.clone()), ReceiptFault::Path);
    assert_eq!(
        fault_with("/commit/previous_digest", zeros.clone()),
        ReceiptFault::Digest
    );
    assert_eq!(fault_with("/commit/changes", json!(2)), ReceiptFault::Digest);
    assert_eq!(fault_with("/head/digest", zeros), ReceiptFault::Digest);
    assert_eq!(fault_with("/head/transfers", json!(5)), ReceiptFault::Digest);
    assert_eq!(
        fault_with("/head/signature", json!("00".repeat(64))),
        ReceiptFault::Signature
    );
    let key_id = "5f0c1e9ab2d37847".to_owned();
    assert_eq!(
        fault_with("/head/key_id", json!(key_id)),
        ReceiptFault::UntrustedKey { key_id }
    );
}

#[test]
fn what_is_no_receipt_is_refused() {
    for length in 0..RECEIPT.len() - 1 {
        fault_of(&RECEIPT[..length]);
    }
    let padded = format!("{RECEIPT}{}", " ".repeat(64 * 1024));
    assert_eq!(fault_of(&padded), ReceiptFault::TooLarge { bytes_max: 64 * 1024 });
    assert_eq!(fault_of(&format!("\u{feff}{RECEIPT}")), ReceiptFault::Characters);
    for text in [
        &"[".repeat(60_000)[..],
        &"{\"format\":".repeat(6_000)[..],
        "null",
        "[]",
        "17",
        "\"\"",
        "{}",
    ] {
        assert!(matches!(fault_of(text), ReceiptFault::Malformed { .. }), "{text:.20}");
    }
    fault_of(&format!("{RECEIPT}{RECEIPT}"));
}

#[test]
fn a_head_is_proved_alone() {
    let head = document()["head"].clone();
    let text = head.to_string();
    let parsed = SignedHead::parse(&text).expect("it is a head");
    assert_eq!(check_head(&parsed, &keys()), Ok(()));
    for changed in [
        SignedHead {
            number: 18,
            ..parsed.clone()
        },
        SignedHead {
            transfers: 5,
            ..parsed.clone()
        },
        SignedHead {
            at: parsed.at + chrono::TimeDelta::microseconds(1),
            ..parsed.clone()
        },
        SignedHead {
            ledger: uuid::Uuid::from_u128(1),
            ..parsed.clone()
        },
    ] {
        assert_eq!(check_head(&changed, &keys()), Err(ReceiptFault::Signature));
    }
    let wrong = text.replace("\"number\":17", "\"number\":-17");
    assert_eq!(SignedHead::parse(&wrong), Err(spelling("number")));
    assert_eq!(check_head_in(&text, &keys()), Ok(parsed));
}

#[test]
fn a_retired_key_proves_what_it_has_signed() {
    let retired = KEYS.replace(
        "\"retired_at\": null",
        "\"retired_at\": \"2026-02-01T00:00:00.000000Z\"",
    );
    let retired = TrustedKeys::parse(&retired).expect("these are keys");
    assert!(check_receipt(RECEIPT, &retired).is_ok());
}

#[test]
fn a_head_is_proved_in_its_receipt() {
    let receipt = Receipt::parse(RECEIPT).expect("it is a receipt");
    assert_eq!(check_head_in(RECEIPT, &keys()), Ok(receipt.head));
    let mut forged = document();
    forged["leaf"]["sealed"] = json!("00".repeat(32));
    assert_eq!(check_head_in(&forged.to_string(), &keys()), Err(ReceiptFault::Path));
}

#[test]
fn a_document_in_the_place_of_another_is_called_by_its_name() {
    let head = document()["head"].to_string();
    let secret = json!({ "keys": [{ "kid": "a", "public": "c2hvcnQ=", "secret": "c2hvcnQ=" }] }).to_string();
    for (text, found) in [
        (head.as_str(), DocumentKind::Head),
        (KEYS, DocumentKind::PublicKeys),
        (secret.as_str(), DocumentKind::SecretKeys),
    ] {
        let kind = DocumentKind::Receipt;
        assert_eq!(fault_of(text), ReceiptFault::OtherDocument { kind, found });
    }
    for (text, found) in [(RECEIPT, DocumentKind::Receipt), (KEYS, DocumentKind::PublicKeys)] {
        let kind = DocumentKind::Head;
        assert_eq!(
            SignedHead::parse(text),
            Err(ReceiptFault::OtherDocument { kind, found })
        );
    }
    let refused = |text: &str| TrustedKeys::parse(text).expect_err(text);
    for (text, found) in [(RECEIPT, DocumentKind::Receipt), (head.as_str(), DocumentKind::Head)] {
        let kind = DocumentKind::PublicKeys;
        assert_eq!(refused(text), ReceiptFault::OtherDocument { kind, found });
    }
    assert_eq!(refused(&secret), ReceiptFault::SecretKeys);
    let sentence = refused(RECEIPT).to_string();
    assert_eq!(sentence, "it is a receipt, not a set of public keys");
}
