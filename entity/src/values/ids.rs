//! Ids as types, so that a wallet's id cannot stand where a user's belongs; and the version of a wallet.

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
    /// An import's id. Ids sort as the imports were started.
    ImportId
);

/// How many entries a wallet has; an entry carries the version that it made.
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
