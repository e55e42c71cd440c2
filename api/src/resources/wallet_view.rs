//! A wallet, its limits and its entries as clients see them.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use service::ledger::WalletEntry;
use service::wallets::{Wallet, WalletLimits};
use uuid::Uuid;

use crate::samples;
use crate::wire::{Amount, Located, Tagged, Time, TransferKindWord, WalletStatusWord};

/// One user's balance in one currency.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Wallet", example)]
pub struct WalletView {
    /// Names the wallet in transfers and in `GET /v1/wallets/{wallet_id}`.
    pub id: Uuid,
    /// The owner; null on the bank's own wallets.
    pub user_id: Option<Uuid>,
    /// ISO 4217.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
    /// All money in the wallet, exact, with four decimals. Negative only on the bank's own wallets.
    pub balance: Amount,
    /// The part of the balance that open holds have claimed.
    pub held: Amount,
    /// What the owner can spend: balance - held.
    pub available: Amount,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub status: WalletStatusWord,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub limits: Option<LimitsView>,
    /// How many entries the wallet has.
    #[oai(validator(minimum(value = "0")))]
    pub version: i64,
    /// When the wallet was opened (RFC 3339, UTC, microseconds).
    pub created_at: Time,
    /// When the wallet last changed (RFC 3339, UTC, microseconds).
    pub updated_at: Time,
}

/// One wallet's side of a completed transfer.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Entry", example)]
pub struct EntryView {
    /// The transfer that this entry is a side of.
    pub transfer_id: Uuid,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub kind: TransferKindWord,
    /// Negative when money left the wallet.
    pub amount: Amount,
    /// The wallet's balance after this entry, exact, with four decimals.
    pub balance_after: Amount,
    /// 1 for the wallet's first entry; each later one is one higher, without a gap.
    #[oai(validator(minimum(value = "1")))]
    pub version: i64,
    /// The wallet on the other side of the transfer.
    pub counterparty_wallet_id: Uuid,
    /// The transfer's description; null when there is none.
    pub description: Option<String>,
    /// When the money moved (RFC 3339, UTC, microseconds).
    pub created_at: Time,
}

/// What may go out of a wallet; null when nothing is limited. A field is null where there is no limit.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Limits", example)]
pub struct LimitsView {
    /// The most that one transfer may take out.
    pub per_transfer: Option<Amount>,
    /// The most that may go out on one UTC day.
    pub per_day_amount: Option<Amount>,
    /// How many transfers may go out on one UTC day.
    pub per_day_count: Option<i64>,
}

impl Located for WalletView {
    fn location(&self) -> String {
        format!("/v1/wallets/{}", self.id)
    }
}

impl From<Wallet> for Tagged<WalletView> {
    fn from(wallet: Wallet) -> Self {
        Self {
            tag: wallet.tag().to_string(),
            body: wallet.into(),
        }
    }
}

impl From<Wallet> for WalletView {
    fn from(wallet: Wallet) -> Self {
        Self {
            id: wallet.id.0,
            user_id: wallet.owner.map(|user| user.0),
            currency: wallet.currency.code().to_owned(),
            balance: Amount(wallet.balance),
            held: Amount(wallet.held),
            available: Amount(wallet.available()),
            status: wallet.status.into(),
            limits: wallet.limits.map(|state| state.limits.into()),
            version: wallet.version.0,
            created_at: Time(wallet.created_at),
            updated_at: Time(wallet.updated_at),
        }
    }
}

impl From<WalletEntry> for EntryView {
    fn from(entry: WalletEntry) -> Self {
        Self {
            transfer_id: entry.transfer.0,
            kind: entry.kind.into(),
            amount: Amount(entry.amount),
            balance_after: Amount(entry.balance_after),
            version: entry.version.0,
            counterparty_wallet_id: entry.counterparty.0,
            description: entry.description,
            created_at: Time(entry.created_at),
        }
    }
}

impl Example for WalletView {
    fn example() -> Self {
        Self {
            id: samples::WALLET_ID,
            user_id: Some(samples::USER_ID),
            currency: "USD".to_owned(),
            balance: samples::amount(1_000_000),
            held: samples::amount(0),
            available: samples::amount(1_000_000),
            status: WalletStatusWord::Active,
            limits: None,
            version: 1,
            created_at: samples::time(),
            updated_at: samples::time(),
        }
    }
}

impl Example for EntryView {
    fn example() -> Self {
        Self {
            transfer_id: samples::TRANSFER_ID,
            kind: TransferKindWord::Transfer,
            amount: samples::amount(-125_000),
            balance_after: samples::amount(875_000),
            version: 2,
            counterparty_wallet_id: samples::OTHER_WALLET_ID,
            description: Some(samples::DESCRIPTION.to_owned()),
            created_at: samples::time(),
        }
    }
}

impl From<WalletLimits> for LimitsView {
    fn from(limits: WalletLimits) -> Self {
        Self {
            per_transfer: limits.per_transfer.map(Amount),
            per_day_amount: limits.per_day_amount.map(Amount),
            per_day_count: limits.per_day_count,
        }
    }
}

impl Example for LimitsView {
    fn example() -> Self {
        Self {
            per_transfer: Some(samples::amount(5_000_000)),
            per_day_amount: None,
            per_day_count: Some(20),
        }
    }
}
