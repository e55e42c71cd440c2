//! The closed lists. Transfers and changes store theirs as numbers (15 bytes less on a transfer's row), other tables as
//! words.

use std::fmt;

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Holds wallets and moves their money.
    #[sea_orm(string_value = "customer")]
    Customer,
    /// Helps customers: sees all, and freezes wallets.
    #[sea_orm(string_value = "support")]
    Support,
    /// Takes money in and out, and imports files.
    #[sea_orm(string_value = "operator")]
    Operator,
    /// Sees all and changes nothing.
    #[sea_orm(string_value = "auditor")]
    Auditor,
    /// May do everything that an operator may, and changes roles.
    #[sea_orm(string_value = "admin")]
    Admin,
}

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// May sign in.
    #[sea_orm(string_value = "active")]
    Active,
    /// May not sign in.
    #[sea_orm(string_value = "suspended")]
    Suspended,
    /// Gone for good: everything that told who it was is erased.
    #[sea_orm(string_value = "erased")]
    Erased,
}

/// Whether money may move in or out of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "UPPERCASE")]
pub enum WalletStatus {
    /// Money may move.
    #[sea_orm(string_value = "ACTIVE")]
    Active,
    /// No money moves until it is unfrozen.
    #[sea_orm(string_value = "FROZEN")]
    Frozen,
    /// Empty for good.
    #[sea_orm(string_value = "CLOSED")]
    Closed,
}

/// What a transfer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "UPPERCASE")]
pub enum TransferKind {
    /// Between two customers' wallets.
    #[sea_orm(num_value = 1)]
    Transfer,
    /// Into the bank.
    #[sea_orm(num_value = 2)]
    Deposit,
    /// Out of the bank.
    #[sea_orm(num_value = 3)]
    Withdrawal,
    /// Back to where an earlier transfer came from.
    #[sea_orm(num_value = 4)]
    Reversal,
    /// Promised to the destination: held on the source, and not moved yet.
    #[sea_orm(num_value = 5)]
    Hold,
    /// The end of a hold that gives what remains of it back. Moves no money.
    #[sea_orm(num_value = 6)]
    Release,
    /// Held money, or a part of it, to the destination.
    #[sea_orm(num_value = 7)]
    Capture,
}

impl TransferKind {
    /// True for what moves money and takes nothing back itself: once it is COMPLETED, it can be reversed.
    #[must_use]
    pub const fn is_reversible(self) -> bool {
        match self {
            Self::Transfer | Self::Deposit | Self::Withdrawal | Self::Capture => true,
            Self::Reversal | Self::Hold | Self::Release => false,
        }
    }

    /// True for what counts against the limits of its source. A capture does not: its hold has counted.
    #[must_use]
    pub const fn counts_against_limits(self) -> bool {
        match self {
            Self::Transfer | Self::Withdrawal | Self::Hold => true,
            Self::Deposit | Self::Reversal | Self::Release | Self::Capture => false,
        }
    }
}

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "UPPERCASE")]
pub enum TransferStatus {
    /// The money is held and has not moved yet.
    #[sea_orm(num_value = 1)]
    Pending,
    /// The money moved, for good.
    #[sea_orm(num_value = 2)]
    Completed,
    /// Refused, for good.
    #[sea_orm(num_value = 3)]
    Failed,
}

/// What a change did to a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "UPPERCASE")]
pub enum ChangeKind {
    /// The wallet was opened.
    #[sea_orm(num_value = 1)]
    Opened,
    /// No money moves from here on.
    #[sea_orm(num_value = 2)]
    Frozen,
    /// Money may move again.
    #[sea_orm(num_value = 3)]
    Unfrozen,
    /// The wallet was closed for good.
    #[sea_orm(num_value = 4)]
    Closed,
    /// The wallet's limits were set.
    #[sea_orm(num_value = 5)]
    Limited,
}

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "lowercase")]
pub enum HoldEnd {
    /// The final capture took the money, or a part of it and gave the rest back.
    #[sea_orm(num_value = 1)]
    Captured,
    /// The destination's owner or an operator gave back what remained.
    #[sea_orm(num_value = 2)]
    Voided,
    /// Its time ran out, which gave back what remained.
    #[sea_orm(num_value = 3)]
    Expired,
}

/// What the rows of an imported file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum ImportKind {
    /// Merchants' activity feeds.
    #[sea_orm(string_value = "activities")]
    Activities,
    /// Deposits and withdrawals of other systems.
    #[sea_orm(string_value = "transactions")]
    Transactions,
}

/// How far an import has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "UPPERCASE")]
pub enum ImportStatus {
    /// Rows are left to apply: an importer is at work, or the next one continues at the checkpoint.
    #[sea_orm(string_value = "RUNNING")]
    Running,
    /// Every row of the file was applied or skipped.
    #[sea_orm(string_value = "COMPLETED")]
    Completed,
    /// The file cannot be read as a file of its kind.
    #[sea_orm(string_value = "FAILED")]
    Failed,
}

/// Whether events go to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum WebhookStatus {
    /// Events go to it.
    #[sea_orm(string_value = "active")]
    Active,
    /// Its events wait, since its owner wants it so.
    #[sea_orm(string_value = "paused")]
    Paused,
    /// Its events wait, since it did not take any for too long.
    #[sea_orm(string_value = "disabled")]
    Disabled,
}

/// How far the delivery of an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// Another attempt follows.
    #[sea_orm(string_value = "pending")]
    Pending,
    /// The endpoint has taken it.
    #[sea_orm(string_value = "delivered")]
    Delivered,
    /// It is attempted no more, unless its owner asks for it.
    #[sea_orm(string_value = "parked")]
    Parked,
}

/// How webhooks are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "lowercase")]
pub enum SigningScheme {
    /// HMAC with SHA-256: the receiver verifies with the same secret.
    #[default]
    #[sea_orm(string_value = "hmac")]
    Hmac,
    /// Ed25519: the receiver verifies with a public key.
    #[sea_orm(string_value = "ed25519")]
    Ed25519,
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $type {
            /// Every value, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word that clients and logs read.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),*
                }
            }

            /// Reads the word; `None` when it is not in the list.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use words;

words!(Role {
    Customer = "customer", Support = "support", Operator = "operator", Auditor = "auditor", Admin = "admin",
});
words!(UserStatus { Active = "active", Suspended = "suspended", Erased = "erased" });
words!(WalletStatus { Active = "ACTIVE", Frozen = "FROZEN", Closed = "CLOSED" });
words!(TransferKind {
    Transfer = "TRANSFER", Deposit = "DEPOSIT", Withdrawal = "WITHDRAWAL", Reversal = "REVERSAL", Hold = "HOLD",
    Release = "RELEASE", Capture = "CAPTURE",
});
words!(HoldEnd { Captured = "captured", Voided = "voided", Expired = "expired" });
words!(TransferStatus { Pending = "PENDING", Completed = "COMPLETED", Failed = "FAILED" });
words!(ImportKind { Activities = "activities", Transactions = "transactions" });
words!(ImportStatus { Running = "RUNNING", Completed = "COMPLETED", Failed = "FAILED" });
words!(WebhookStatus { Active = "active", Paused = "paused", Disabled = "disabled" });
words!(DeliveryStatus { Pending = "pending", Delivered = "delivered", Parked = "parked" });
words!(SigningScheme { Hmac = "hmac", Ed25519 = "ed25519" });
