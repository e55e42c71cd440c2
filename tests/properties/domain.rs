//! Random users, wallets and transfers, as the services return them.

use chrono::DateTime;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use service::identity::User;
use service::transfers::{Failure, Metadata, Transfer};
use service::values::{
    Currency, Method, Role, Timestamp, TransferId, TransferKind, TransferStatus, UserId, UserStatus, Version, WalletId,
    WalletStatus,
};
use service::wallets::Wallet;
use uuid::Uuid;

use crate::cases::{money, units, units_above_zero};

pub fn id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

/// Any microsecond of the years that both databases and RFC 3339 can hold.
pub fn time() -> impl Strategy<Value = Timestamp> {
    (0_i64..253_402_300_799_999_999)
        .prop_map(|micros| DateTime::from_timestamp_micros(micros).expect("below year 10000"))
}

pub fn any_currency() -> impl Strategy<Value = Currency> {
    let codes = vec!["USD", "EUR", "JPY", "NGN", "KWD", "XAU", "CLF", "BRL", "CHF", "ZAR"];
    select(codes).prop_map(|code| Currency::from_code(code).expect("these are currencies"))
}

pub fn user() -> impl Strategy<Value = User> {
    let words = (select(Role::ALL), select(UserStatus::ALL));
    (id(), any::<String>(), any::<String>(), words, time(), time()).prop_map(
        |(id, email, full_name, (role, status), created_at, updated_at)| User {
            id: UserId(id),
            email,
            full_name,
            role,
            status,
            created_at,
            updated_at,
        },
    )
}

pub fn wallet() -> impl Strategy<Value = Wallet> {
    let owner = option::of(id().prop_map(UserId));
    let amounts = (units(), 0..i64::MAX);
    let version = (0..i64::MAX).prop_map(Version);
    (
        id(),
        owner,
        any_currency(),
        amounts,
        select(WalletStatus::ALL),
        version,
        (time(), time()),
    )
        .prop_map(
            |(id, owner, currency, (balance, part), status, version, (created_at, updated_at))| Wallet {
                limits: None,
                id: WalletId(id),
                owner,
                method: owner
                    .is_none()
                    .then(|| Method::try_new("visa").expect("this is a method")),
                currency,
                balance: money(balance),
                // A negative balance has no held part.
                held: money(if balance > 0 { part % (balance + 1) } else { 0 }),
                status,
                version,
                created_at,
                updated_at,
            },
        )
}

/// JSON objects as callers write them: numbers of any digits, and any blanks.
pub fn metadata() -> impl Strategy<Value = String> {
    let number = r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let string = any::<String>().prop_map(|text| serde_json::Value::String(text).to_string());
    let word = select(vec!["true", "false", "null", r#""\u0000\ud83d\ude00""#]).prop_map(str::to_owned);
    let leaf = prop_oneof![number, string, word];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" ,")));
        prop_oneof![list, object(inner)]
    });
    object(value).prop_filter("within the limit", |text| text.len() <= Metadata::BYTES_MAX)
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::btree_map("[a-z\"\\\\é]{0,4}", value, 0..4).prop_map(|members| {
        let members: Vec<String> = members
            .into_iter()
            .map(|(name, value)| format!("{}:\t{value}", serde_json::Value::String(name)))
            .collect();
        format!("{{{}}}", members.join(", "))
    })
}

fn failure() -> impl Strategy<Value = Failure> {
    units().prop_flat_map(|available| {
        select(vec![
            Failure::WalletFrozen,
            Failure::WalletClosed,
            Failure::CurrencyMismatch,
            Failure::InsufficientFunds {
                available: money(available),
            },
            Failure::BalanceOutOfRange,
        ])
    })
}

pub fn transfer() -> impl Strategy<Value = Transfer> {
    let words = (select(TransferKind::ALL), select(TransferStatus::ALL), failure());
    let method =
        option::of("[a-z0-9_]{1,32}".prop_map(|name| Method::try_new(name).expect("this shape is a method's")));
    let texts = (method, option::of(any::<String>()), option::of(metadata()));
    let values = (units_above_zero(), any_currency(), time());
    (id(), id(), id(), words, texts, values).prop_map(|(id, source, destination, words, texts, values)| {
        let (kind, status, failure) = words;
        let (method, description, metadata) = texts;
        let (amount, currency, created_at) = values;
        Transfer {
            id: TransferId(id),
            kind,
            status,
            source: WalletId(source),
            destination: WalletId(destination),
            amount: money(amount),
            currency,
            method,
            description,
            metadata,
            failure: (status == TransferStatus::Failed).then_some(failure),
            parent: None,
            batch: None,
            created_by: None,
            api_key: None,
            request_id: None,
            released: None,
            key: None,
            request: None,
            texts: None,
            created_at,
            expires_at: None,
        }
    })
}
