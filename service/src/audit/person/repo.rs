//! The SQL of a person's lines.

use super::PersonLines;
use crate::audit::AuditAction;
use crate::audit::repo::{ComparedActor, ListedLines};
use crate::db::Sweep;
use crate::values::{UserId, WalletId};

/// Lines that one index leads to, and a part of their details that an erasure empties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DetailsRange {
    /// What a user did: where they were.
    ByPerson(UserId),
    /// What was done to a user: what they were and are.
    ToPerson(UserId),
    /// What a caller without a sign-in, or the bank itself, did to a user: where it came from.
    ToPersonByNone(UserId),
    /// What was done to a wallet: what it was and is.
    ToWallet(WalletId),
    /// What the bank itself did to a wallet: where it came from.
    ToWalletByNone(WalletId),
}

const WHERE_FROM: [&str; 3] = ["address", "user_agent", "request_id"];
const WHAT: [&str; 3] = ["before", "after", "email_digest"];

impl DetailsRange {
    /// The ranges of a person and of all their wallets.
    pub(crate) fn all(user: UserId, wallets: &[WalletId]) -> Vec<Self> {
        let of_wallets = wallets
            .iter()
            .flat_map(|wallet| [Self::ToWallet(*wallet), Self::ToWalletByNone(*wallet)]);
        [Self::ByPerson(user), Self::ToPerson(user), Self::ToPersonByNone(user)]
            .into_iter()
            .chain(of_wallets)
            .collect()
    }

    /// The line that tells of the erasure itself stays whole.
    pub(super) fn sweep(self) -> Sweep {
        let (column, key) = match self {
            Self::ByPerson(user) => ("actor_id", user.0),
            Self::ToPerson(user) | Self::ToPersonByNone(user) => ("person_id", user.0),
            Self::ToWallet(wallet) | Self::ToWalletByNone(wallet) => ("subject_id", wallet.0),
        };
        let erasure = AuditAction::UserErased.as_str();
        let (columns, emptied, more) = match self {
            Self::ByPerson(_) => (WHERE_FROM, NO_WHERE_FROM, String::new()),
            Self::ToPerson(_) | Self::ToWallet(_) => (WHAT, NO_WHAT, format!(" AND action <> '{erasure}'")),
            Self::ToPersonByNone(_) | Self::ToWalletByNone(_) => {
                (WHERE_FROM, NO_WHERE_FROM, " AND actor_id IS NULL".to_owned())
            }
        };
        let is_left = columns.map(|column| format!("t.\"{column}\" IS NOT NULL")).join(" OR ");
        Sweep {
            index: ("audit_lines", column, "id"),
            also: more,
            key,
            table: "audit_details",
            is_left: format!("({is_left})"),
            emptied,
        }
    }
}

const NO_WHERE_FROM: &str = "address = NULL, user_agent = NULL, request_id = NULL";
const NO_WHAT: &str = r#""before" = NULL, "after" = NULL, email_digest = NULL"#;

impl PersonLines {
    /// What the person did to themselves is among what was done to the person, and is left out there.
    pub(super) fn listed(self, person: UserId) -> ListedLines {
        let (column, actor) = match self {
            Self::ByPerson => ("actor_id", ComparedActor::Any),
            Self::ToPerson => ("person_id", ComparedActor::IsNot(person)),
        };
        ListedLines {
            keys: vec![(column, person.into())],
            from: None,
            below: None,
            actor,
        }
    }
}
