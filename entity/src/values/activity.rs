//! The closed lists of merchants' activities. Millions of rows keep them as numbers.

use std::fmt;

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

use super::statuses::words;

/// What a merchant used.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Product {
    /// Bought by its customers' cards.
    #[sea_orm(num_value = 1)]
    Pos,
    /// Sold airtime and data.
    #[sea_orm(num_value = 2)]
    Airtime,
    /// Paid bills.
    #[sea_orm(num_value = 3)]
    Bills,
    /// Paid suppliers by card.
    #[sea_orm(num_value = 4)]
    CardPayment,
    /// Saved.
    #[sea_orm(num_value = 5)]
    Savings,
    /// Kept its books.
    #[sea_orm(num_value = 6)]
    Moniebook,
    /// Proved who it is.
    #[sea_orm(num_value = 7)]
    Kyc,
}

/// How an activity ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActivityStatus {
    /// Done.
    #[sea_orm(num_value = 1)]
    Success,
    /// Not done, for good.
    #[sea_orm(num_value = 2)]
    Failed,
    /// Nobody knows yet.
    #[sea_orm(num_value = 3)]
    Pending,
}

/// Where an activity came from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    /// A terminal.
    #[sea_orm(num_value = 1)]
    Pos,
    /// The app.
    #[sea_orm(num_value = 2)]
    App,
    /// A phone's short code.
    #[sea_orm(num_value = 3)]
    Ussd,
    /// A browser.
    #[sea_orm(num_value = 4)]
    Web,
    /// A terminal without a network.
    #[sea_orm(num_value = 5)]
    Offline,
}

/// What a KYC activity proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KycStep {
    /// Papers were handed in.
    DocumentSubmitted,
    /// They were found right.
    VerificationCompleted,
    /// The merchant may do more.
    TierUpgrade,
}

words!(Product {
    Pos = "POS",
    Airtime = "AIRTIME",
    Bills = "BILLS",
    CardPayment = "CARD_PAYMENT",
    Savings = "SAVINGS",
    Moniebook = "MONIEBOOK",
    Kyc = "KYC",
});
words!(ActivityStatus { Success = "SUCCESS", Failed = "FAILED", Pending = "PENDING" });
words!(Channel { Pos = "POS", App = "APP", Ussd = "USSD", Web = "WEB", Offline = "OFFLINE" });
words!(KycStep {
    DocumentSubmitted = "DOCUMENT_SUBMITTED",
    VerificationCompleted = "VERIFICATION_COMPLETED",
    TierUpgrade = "TIER_UPGRADE",
});
