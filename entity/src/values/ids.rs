//! Ids as types, so that a wallet's id cannot be passed as a user's; and the version of a wallet.

use std::fmt;

use sea_orm::{DbErr, TryFromU64};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::stored_as;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        stored_as!($name, Uuid, sea_orm::Value::Uuid(None), |id| id.0, |uuid| Some($name(uuid)));

        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

id!(
    /// A user's id.
    UserId
);
id!(
    /// A wallet's id.
    WalletId
);
id!(
    /// A transfer's id. Ids sort as the transfers were created.
    TransferId
);
id!(
    /// The id of the transfers that one request asks for together. It carries the bucket of the first one's source.
    BatchId
);
id!(
    /// A change's id. Ids of changes and of transfers share one order.
    ChangeId
);
id!(
    /// The id of a transfer or of a change, the two records of a group commit.
    RecordId
);
id!(
    /// The id of a user's session, from a sign-in on.
    SessionId
);
id!(
    /// The id of a line of the audit log. For what a group commit did, it is the id of the change or transfer.
    AuditId
);
id!(
    /// An API key's id.
    ApiKeyId
);
id!(
    /// The id of a one-time token. Ids sort as the tokens were made.
    OneTimeTokenId
);
id!(
    /// An import's id. Ids sort as the imports were started.
    ImportId
);
id!(
    /// The id of a webhook's endpoint. Ids sort as the endpoints were made.
    WebhookId
);
id!(
    /// The id of an event's delivery to an endpoint. Ids sort as the events were first attempted.
    DeliveryId
);
id!(
    /// The id of a process that sends webhooks. A process that has lost its leases goes on with another one.
    WebhookWorkerId
);

impl RecordId {
    /// Below the id of every record: what comes after it is all that there is.
    pub const BELOW_ALL: Self = Self(Uuid::from_u128(0));
}

impl From<TransferId> for RecordId {
    fn from(id: TransferId) -> Self {
        Self(id.0)
    }
}

impl From<ChangeId> for RecordId {
    fn from(id: ChangeId) -> Self {
        Self(id.0)
    }
}

/// The last 12 bits of an id. A user's are random; the user's wallets have the same. A transfer or withdrawal has those
/// of its source, a deposit those of its destination. So an id alone can say which ledger holds a row when a bank has
/// several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bucket(u16);

impl Bucket {
    const MASK: u16 = 0x0fff;

    fn of(id: Uuid) -> Self {
        let [.., high, low] = *id.as_bytes();
        Self(u16::from_be_bytes([high, low]) & Self::MASK)
    }

    /// The id with its last 12 bits replaced by this bucket's.
    #[must_use]
    pub fn mark(self, id: Uuid) -> Uuid {
        let mut bytes = id.into_bytes();
        let [.., high, low] = &mut bytes;
        let kept = u16::from_be_bytes([*high, *low]) & !Self::MASK;
        [*high, *low] = (kept | self.0).to_be_bytes();
        Uuid::from_bytes(bytes)
    }
}

macro_rules! in_buckets {
    ($($name:ident),+) => {
        $(impl $name {
            /// The bucket that the id carries.
            #[must_use]
            pub fn bucket(self) -> Bucket {
                Bucket::of(self.0)
            }
        })+
    };
}

in_buckets!(UserId, WalletId, TransferId);

/// How many entries a wallet has. An entry carries the version that it made, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub i64);

stored_as!(
    Version,
    i64,
    sea_orm::Value::BigInt(None),
    |version| version.0,
    |number| (number >= 0).then_some(Version(number))
);

impl Version {
    /// The version after one more entry.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl TryFromU64 for Version {
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("Version"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
