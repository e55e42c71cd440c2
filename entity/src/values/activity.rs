//! The closed lists of merchants' activities, stored as numbers, since there are millions of rows.

use std::fmt;

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

use super::statuses::words;

/// The product that a merchant used.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Product {
    /// Its customers paid by card at a terminal.
    #[sea_orm(num_value = 1)]
    Pos,
    /// It sold airtime and data.
    #[sea_orm(num_value = 2)]
    Airtime,
    /// It paid bills.
    #[sea_orm(num_value = 3)]
    Bills,
    /// It paid suppliers by card.
    #[sea_orm(num_value = 4)]
    CardPayment,
    /// It saved money.
    #[sea_orm(num_value = 5)]
    Savings,
    /// It did its bookkeeping.
    #[sea_orm(num_value = 6)]
    Moniebook,
    /// It proved its identity (KYC).
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
    /// It succeeded.
    #[sea_orm(num_value = 1)]
    Success,
    /// It failed for good.
    #[sea_orm(num_value = 2)]
    Failed,
    /// Its outcome is not known yet.
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
    /// A USSD short code on a phone.
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
    /// Documents were submitted.
    DocumentSubmitted,
    /// The documents were verified.
    VerificationCompleted,
    /// The merchant's tier was raised.
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
