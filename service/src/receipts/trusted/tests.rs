//! Key sets: what is read of them is checked, and all else is ignored.

use serde_json::{Value, json};

use super::*;

const KEYS: &str = include_str!("../../../../samples/florin-keys.json");
const KID: &str = "5f0c1e9ab2d37846";

#[test]
fn keys_are_the_set_that_the_bank_publishes() {
    let set: Value = serde_json::from_str(KEYS).expect("this is JSON");
    let key = set["keys"][0].clone();
    let with = |name: &str, value: Value| {
        let mut key = key.clone();
        key[name] = value;
        key
    };
    let parse = |keys: Vec<Value>| TrustedKeys::parse(&json!({ "keys": keys }).to_string());
    let retired = parse(vec![with("retired_at", json!("2026-02-01T00:00:00.000000Z"))]).expect("it is a key");
    assert!(retired.find(KID).is_some_and(|key| key.retired_at.is_some()));
    // Keys of other algorithms, and members that a later version may have, are passed over.
    let others = vec![
        with("kty", json!("RSA")),
        with("crv", json!("X25519")),
        with("kid", json!("b")),
        key.clone(),
    ];
    assert!(parse(others).is_ok_and(|keys| keys.find(KID).is_some()));
    assert!(parse(vec![json!(["OKP"]), json!("OKP"), Value::Null, json!({}), key.clone()]).is_ok());
    for wrong in [
        vec![],
        vec![with("kty", json!("RSA"))],
        vec![key.clone(), key.clone()],
        vec![with("x", json!("ebVW"))],
        vec![with("x", json!("ebVWLo_mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmR"))],
        vec![with("x", Value::Null)],
        // The key of order 4, and the neutral element: any signature of zeros would be right.
        vec![with("x", json!("A".repeat(43)))],
        vec![with("x", json!(format!("AQ{}", "A".repeat(41))))],
        vec![with("kid", Value::Null)],
        vec![with("kid", json!("a b"))],
        vec![key.clone(), with("kid", json!(17))],
        vec![key.clone(), with("kid", json!("k".repeat(65)))],
        vec![with("retired_at", json!("yesterday"))],
        vec![with("retired_at", json!(0))],
        vec![with("retired_at", json!("2026-02-01T00:00:00Z"))],
        vec![with("retired_at", json!("2026-02-01T01:00:00.000000+01:00"))],
        vec![json!(["OKP"])],
    ] {
        let shown = format!("{wrong:?}");
        assert!(parse(wrong).is_err(), "{shown}");
    }
}

#[test]
fn what_a_verifier_need_not_know_of_a_key_may_be_any_json() {
    let with = |more: &str| KEYS.replace("\"use\"", &format!("{more}, \"use\""));
    for more in [
        "\"more\": 1.5",
        "\"more\": 1e999",
        "\"more\": -0",
        "\"more\": 99999999999999999999",
        "\"more\": {\"keys\": []}, \"more\": null",
        // Of two the later one counts.
        "\"kid\": 17, \"kid\": \"5f0c1e9ab2d37846\"",
    ] {
        let keys = TrustedKeys::parse(&with(more)).expect(more);
        assert!(keys.find(KID).is_some(), "{more}");
    }
    for wrong in [
        "\"more\": 01",
        "\"more\": NaN",
        "\"more\": \"\\u0041\"",
        "\"more\": \"é\"",
        "\"more\": 1,",
    ] {
        assert!(TrustedKeys::parse(&with(wrong)).is_err(), "{wrong}");
    }
    // A list of the values is no set.
    let keys: Value = serde_json::from_str(KEYS).expect("this is JSON");
    assert!(TrustedKeys::parse(&json!([keys["keys"]]).to_string()).is_err());
    let padded = format!("{KEYS}{}", " ".repeat(1024 * 1024));
    let refused = TrustedKeys::parse(&padded).err();
    assert_eq!(refused, Some(ReceiptFault::TooLarge { bytes_max: 1024 * 1024 }));
}
