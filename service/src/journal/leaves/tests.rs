//! The bytes of leaves, and their digests, as another program made them.

use std::fmt::Write as _;

use super::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const ID: Uuid = Uuid::from_u128(0x0193_5f4c_7a10_7d2a_8111_2222_3333_4444);

fn deposit(method: &Method) -> TransferLeaf<'_> {
    TransferLeaf {
        kind: TransferKind::Deposit,
        method: Some(method),
        created_by: Some(UserId(Uuid::from_u128(3))),
        ..plain()
    }
}

/// A transfer between customers, without anything that only some transfers have.
fn plain() -> TransferLeaf<'static> {
    TransferLeaf {
        id: TransferId(ID),
        created_at: Timestamp::from_timestamp_micros(1_700_000_000_654_321).expect("a time"),
        kind: TransferKind::Transfer,
        status: TransferStatus::Completed,
        source: WalletId(Uuid::from_u128(1)),
        destination: WalletId(Uuid::from_u128(2)),
        amount: money("12.3456"),
        currency: Currency::from_code("EUR").expect("a currency"),
        method: None,
        reason: None,
        parent: None,
        batch: None,
        created_by: None,
        expires_at: None,
        released: None,
        texts: None,
        key: Some(Digest([7; 16])),
        api_key: None,
        available: None,
    }
}

fn money(text: &str) -> Money {
    Money::parse_unsigned(text).expect("an amount")
}

// Another program made the vectors below, from the definitions above.
#[test]
fn the_bytes_of_a_transfer_stay_as_they_are() {
    let method = Method::try_new("visa").expect("a method");
    let leaf = deposit(&method);
    assert_eq!(
        hex(&leaf.public_bytes()),
        "5401935f4c7a107d2a811122223333444400060a2418283bf10202000000000000000000000000000000010000000000\
         0000000000000000000002000000000001e2400345555201047669736100000001000000000000000000000000000000\
         03000000"
    );
    assert_eq!(
        leaf.sealed(&[9; 32]).to_string(),
        "007989f485fc9bc1dc0204c8e20b4df1c8580703818f89814b677d26930cea47"
    );
    assert_eq!(
        leaf.digest(&[9; 32]).to_string(),
        "f62bae621ca9ce825a2bcc86a7a28913f4e40fbe8303533544a09d1462f6ce04"
    );
}

#[test]
fn every_field_has_its_place() {
    let method = Method::try_new("visa").expect("a method");
    let leaf = TransferLeaf {
        reason: Some("insufficient_funds"),
        parent: Some(TransferId(Uuid::from_u128(4))),
        batch: Some(BatchId(Uuid::from_u128(5))),
        expires_at: Timestamp::from_timestamp_micros(1_700_000_000_123_456),
        released: Some(money("0.5")),
        texts: Some(digest_of_texts(TextsSalt([8; 16]), Some("rent"), None)),
        api_key: Some(Uuid::from_u128(6)),
        available: Some(money("1")),
        ..deposit(&method)
    };
    assert_eq!(
        leaf.digest(&[9; 32]).to_string(),
        "9b5e54207fcc29de054291a31a421c8e669e58fda40d2b05f5a3064ef65d8ac0"
    );
}

#[test]
fn the_digests_of_texts_stay_as_they_are() {
    let digest = |description, metadata| digest_of_texts(TextsSalt([8; 16]), description, metadata).to_string();
    assert_eq!(
        digest(Some("rent"), Some("{}")),
        "1eb18182e0d16f1f884eac4b830f4d63d3ebb934fd6221c047482b093d701cc6"
    );
    assert_ne!(digest(Some("rent"), None), digest(None, Some("rent")));
}

#[test]
fn the_texts_of_openings_stay_as_they_are() {
    let (usd, method) = (
        Currency::from_code("USD").expect("a currency"),
        Method::try_new("visa").expect("a method"),
    );
    assert_eq!(
        opening_text(usd, Some(UserId(Uuid::from_u128(3))), None),
        r#"{"currency":"USD","owner":"00000000-0000-0000-0000-000000000003"}"#
    );
    assert_eq!(
        opening_text(usd, None, Some(&method)),
        r#"{"currency":"USD","method":"visa"}"#
    );
}

#[test]
fn the_bytes_of_a_change_stay_as_they_are() {
    let opened = ChangeLeaf {
        id: ChangeId(ID),
        kind: ChangeKind::Opened,
        subject: WalletId(Uuid::from_u128(1)),
        created_by: None,
        before: None,
        after: "USD",
    };
    assert_eq!(
        opened.digest(&[9; 32]).to_string(),
        "db602d1e1dd0f2bb765ee41304c90ac1e2a98ca4d583e9eae76895bf907c57ae"
    );
    let frozen = ChangeLeaf {
        kind: ChangeKind::Frozen,
        created_by: Some(UserId(Uuid::from_u128(3))),
        before: Some("ACTIVE"),
        after: "FROZEN",
        ..opened
    };
    assert_eq!(
        frozen.digest(&[9; 32]).to_string(),
        "28bcdbd6235c62b7963f8a169a12557676e18b2d62f2cb453e22d37654f4fcc4"
    );
    let limited = ChangeLeaf {
        kind: ChangeKind::Limited,
        before: Some("{}"),
        after: r#"{"per_transfer":"50.0000","per_day_count":3}"#,
        ..frozen
    };
    assert_eq!(
        limited.digest(&[9; 32]).to_string(),
        "fc839d4d440c44205b0def88b417b8c66b93128643d1c1e4f223afd05054b61e"
    );
}

#[test]
fn the_bytes_of_a_holds_life_stay_as_they_are() {
    let hold = TransferLeaf {
        kind: TransferKind::Hold,
        status: TransferStatus::Pending,
        batch: Some(BatchId(Uuid::from_u128(5))),
        expires_at: Timestamp::from_timestamp_micros(1_700_604_800_654_321),
        ..plain()
    };
    let of_the_hold = TransferLeaf {
        parent: Some(TransferId(Uuid::from_u128(4))),
        released: Some(money("2.3456")),
        ..plain()
    };
    let release = TransferLeaf {
        kind: TransferKind::Release,
        amount: money("2.3456"),
        key: None,
        ..of_the_hold
    };
    let capture = TransferLeaf {
        kind: TransferKind::Capture,
        amount: money("10"),
        created_by: Some(UserId(Uuid::from_u128(3))),
        ..of_the_hold
    };
    let bytes = "5401935f4c7a107d2a811122223333444400060a2418283bf1";
    assert_eq!(
        hex(&hold.public_bytes()),
        format!(
            "{bytes}05010000000000000000000000000000000100000000000000000000000000000002000000000001e2400345555200\
             00000100000000000000000000000000000005000100060ab0e90bdbf10000"
        )
    );
    assert_eq!(
        hex(&release.public_bytes()),
        format!(
            "{bytes}060200000000000000000000000000000001000000000000000000000000000000020000000000005ba0034555520000\
             0100000000000000000000000000000004000000010000000000005ba000"
        )
    );
    assert_eq!(
        hex(&capture.public_bytes()),
        format!(
            "{bytes}0702000000000000000000000000000000010000000000000000000000000000000200000000000186a0034555520000\
             010000000000000000000000000000000400010000000000000000000000000000000300010000000000005ba000"
        )
    );
    let digests = [hold, release, capture].map(|leaf| leaf.digest(&[9; 32]).to_string());
    assert_eq!(
        digests,
        [
            "c8ac9da4f000bc78cd47e2d66a1cf754b529e986666f924a89bc212f39f6bf75",
            "0b2f0032a0c561ce37c0f83204a395314e14b2c88b59cbe4ed8210b62a1de4fe",
            "44c07ad0a6fb3bcab5ad51a663c3432d133f66ec85dba5418371fa90541be6a0",
        ]
    );
}

#[test]
fn the_limit_that_refused_a_transfer_is_in_its_leaf() {
    let refused = TransferLeaf {
        status: TransferStatus::Failed,
        reason: Some("limit_exceeded/per_day_amount"),
        key: None,
        available: Some(money("1")),
        ..plain()
    };
    assert_eq!(
        refused.digest(&[9; 32]).to_string(),
        "60f8506ef2530f5b4df3f1a3ccc556b7ad7af26797e94d409368fdce536b7a73"
    );
}
