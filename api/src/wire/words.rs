//! The enumerations as clients see them.

use poem_openapi::Enum;
use serde::{Deserialize, Serialize};
use service::journal::PathSide;
use service::values::{
    DeliveryStatus, ImportKind, ImportStatus, Product, Role, SigningScheme, TransferKind, TransferStatus, UserStatus,
    WalletStatus, WebhookStatus,
};

macro_rules! words {
    ($(#[$doc:meta])* $word:ident of $value:ident as $name:literal, $case:literal, { $($variant:ident),* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
        #[oai(rename = $name, rename_all = $case)]
        #[serde(rename_all = $case)]
        pub enum $word {
            $(
                /// The word for the variant of the same name in the service's enum, where it is explained.
                $variant
            ),*
        }

        impl From<$value> for $word {
            fn from(value: $value) -> Self {
                match value {
                    $($value::$variant => Self::$variant),*
                }
            }
        }

        impl From<$word> for $value {
            fn from(word: $word) -> Self {
                match word {
                    $($word::$variant => Self::$variant),*
                }
            }
        }
    };
}

words!(
    /// What a user may do.
    RoleWord of Role as "Role", "lowercase", { Customer, Support, Operator, Auditor, Admin }
);
words!(
    /// Whether a user may sign in.
    UserStatusWord of UserStatus as "UserStatus", "lowercase", { Active, Suspended, Erased }
);
words!(
    /// Whether money may move in or out of a wallet.
    WalletStatusWord of WalletStatus as "WalletStatus", "UPPERCASE", { Active, Frozen, Closed }
);
words!(
    /// What a transfer is for.
    TransferKindWord of TransferKind as "TransferKind", "UPPERCASE", { Transfer, Deposit, Withdrawal, Reversal, Hold, Release, Capture }
);
words!(
    /// How far a transfer has come. FAILED is a recorded refusal.
    TransferStatusWord of TransferStatus as "TransferStatus", "UPPERCASE", { Pending, Completed, Failed }
);
words!(
    /// A product that a merchant used.
    ProductWord of Product as "Product", "SCREAMING_SNAKE_CASE", { Pos, Airtime, Bills, CardPayment, Savings, Moniebook, Kyc }
);
words!(
    /// What the rows of an imported file are.
    ImportKindWord of ImportKind as "ImportKind", "lowercase", { Activities, Transactions }
);
words!(
    /// How far an import has come. RUNNING until the end of its file; FAILED when the file cannot be read or is lost.
    ImportStatusWord of ImportStatus as "ImportStatus", "UPPERCASE", { Running, Completed, Failed }
);
words!(
    /// Whether a webhook is told of events. An active one is; a paused one waits; the bank disables one that has not
    /// answered well for three days, or that answers 410.
    WebhookStatusWord of WebhookStatus as "WebhookStatus", "lowercase", { Active, Paused, Disabled }
);
words!(
    /// How far a delivery has come. A pending one is tried again; a parked one is not, until it is asked for.
    DeliveryStatusWord of DeliveryStatus as "DeliveryStatus", "lowercase", { Pending, Delivered, Parked }
);
words!(
    /// How requests to a webhook are signed: `hmac` with a secret that both sides have, `ed25519` with a key of the bank's
    /// whose public half the receiver has.
    SigningWord of SigningScheme as "SigningScheme", "lowercase", { Hmac, Ed25519 }
);
words!(
    /// On which side of the path a digest stands: it is hashed before what comes from the leaf, or after it.
    PathSideWord of PathSide as "PathSide", "lowercase", { Left, Right }
);
