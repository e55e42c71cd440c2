//! What a caller may do, and which role may do what. Pure.

use crate::values::Role;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $word:literal: $($role:ident)+;)*) => {
        /// One thing that a caller may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission {
            $($(#[$doc])* $name,)*
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word for it in scopes of API keys.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The roles that have it.
            #[must_use]
            pub const fn roles(self) -> &'static [Role] {
                match self { $(Self::$name => &[$(Role::$role),+],)* }
            }
        }
    };
}

permissions! {
    /// Open wallets of one's own.
    WalletsOpen = "wallets:open": Customer;
    /// Read one's own wallets and their history.
    WalletsRead = "wallets:read": Customer Support Operator Auditor Admin;
    /// Read the wallets of every customer.
    WalletsReadAll = "wallets:read_all": Support Operator Auditor Admin;
    /// Freeze and unfreeze wallets.
    WalletsFreeze = "wallets:freeze": Support Operator Admin;
    /// Close empty wallets.
    WalletsClose = "wallets:close": Operator Admin;
    /// Set the limits of wallets.
    LimitsWrite = "limits:write": Operator Admin;
    /// Read the transfers of one's own wallets.
    TransfersRead = "transfers:read": Customer Support Operator Auditor Admin;
    /// Read every transfer.
    TransfersReadAll = "transfers:read_all": Support Operator Auditor Admin;
    /// Move money out of one's own wallets, and settle what was promised to them.
    TransfersWrite = "transfers:write": Customer Operator Admin;
    /// Withdraw from every wallet, and capture and void every hold.
    TransfersSettle = "transfers:settle": Operator Admin;
    /// Reverse transfers.
    TransfersReverse = "transfers:reverse": Operator Admin;
    /// Deposit into every wallet.
    DepositsWrite = "deposits:write": Operator Admin;
    /// Read the journal's head.
    JournalRead = "journal:read": Operator Auditor Admin;
    /// Read the events of all wallets, not only of one's own.
    EventsRead = "events:read": Support Operator Auditor Admin;
    /// Have the bank tell a program of events that one may read.
    WebhooksWrite = "webhooks:write": Customer Operator Admin;
    /// See and change the webhooks of every user.
    WebhooksManage = "webhooks:manage": Operator Admin;
    /// Read the reports.
    ReportsRead = "reports:read": Operator Auditor Admin;
    /// Report transactions for the statistics.
    StatisticsWrite = "statistics:write": Operator Admin;
    /// Read imports and their results.
    ImportsRead = "imports:read": Operator Auditor Admin;
    /// Upload files to import.
    ImportsWrite = "imports:write": Operator Admin;
    /// Read users.
    UsersRead = "users:read": Support Operator Auditor Admin;
    /// Make one-time tokens with which users set a new password.
    UsersReset = "users:reset": Support Operator Admin;
    /// Suspend users and activate them again.
    UsersSuspend = "users:suspend": Support Operator Admin;
    /// Change the roles of users.
    UsersManage = "users:manage": Admin;
    /// Read the audit log.
    AuditRead = "audit:read": Auditor Admin;
    /// Make and revoke API keys of one's own.
    ApiKeysWrite = "api_keys:write": Customer Support Operator Auditor Admin;
    /// See and revoke the API keys of every user.
    ApiKeysManage = "api_keys:manage": Admin;
}

impl Permission {
    /// The permission of a word; `None` if there is none.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == word)
    }

    /// True if an API key may have it. A stolen key must not be able to make further keys or to change users.
    #[must_use]
    pub const fn is_grantable(self) -> bool {
        match self {
            Self::WebhooksManage
            | Self::UsersReset
            | Self::UsersSuspend
            | Self::UsersManage
            | Self::ApiKeysWrite
            | Self::ApiKeysManage => false,
            Self::WalletsOpen
            | Self::WalletsRead
            | Self::WalletsReadAll
            | Self::WalletsFreeze
            | Self::WalletsClose
            | Self::LimitsWrite
            | Self::TransfersRead
            | Self::TransfersReadAll
            | Self::TransfersWrite
            | Self::TransfersSettle
            | Self::TransfersReverse
            | Self::DepositsWrite
            | Self::JournalRead
            | Self::EventsRead
            | Self::WebhooksWrite
            | Self::ReportsRead
            | Self::StatisticsWrite
            | Self::ImportsRead
            | Self::ImportsWrite
            | Self::UsersRead
            | Self::AuditRead => true,
        }
    }

    /// True if what it allows is told in the audit log. Movements of money are not: the journal has them, with who asked.
    #[must_use]
    pub const fn is_told(self) -> bool {
        match self {
            Self::WalletsFreeze
            | Self::WalletsClose
            | Self::LimitsWrite
            | Self::TransfersReverse
            | Self::WebhooksWrite
            | Self::WebhooksManage
            | Self::ImportsWrite
            | Self::UsersReset
            | Self::UsersSuspend
            | Self::UsersManage
            | Self::ApiKeysWrite
            | Self::ApiKeysManage => true,
            Self::WalletsOpen
            | Self::WalletsRead
            | Self::WalletsReadAll
            | Self::TransfersRead
            | Self::TransfersReadAll
            | Self::TransfersWrite
            | Self::TransfersSettle
            | Self::DepositsWrite
            | Self::JournalRead
            | Self::EventsRead
            | Self::ReportsRead
            | Self::StatisticsWrite
            | Self::ImportsRead
            | Self::UsersRead
            | Self::AuditRead => false,
        }
    }

    /// True if it needs a token whose session is known not to have ended: by what it allows money moves, or may move no more,
    /// or users and their keys change.
    #[must_use]
    pub const fn needs_certainty(self) -> bool {
        match self {
            Self::WalletsOpen
            | Self::WalletsFreeze
            | Self::WalletsClose
            | Self::LimitsWrite
            | Self::TransfersWrite
            | Self::TransfersSettle
            | Self::TransfersReverse
            | Self::DepositsWrite
            | Self::WebhooksWrite
            | Self::WebhooksManage
            | Self::UsersReset
            | Self::UsersSuspend
            | Self::UsersManage
            | Self::ApiKeysWrite
            | Self::ApiKeysManage => true,
            Self::WalletsRead
            | Self::WalletsReadAll
            | Self::TransfersRead
            | Self::TransfersReadAll
            | Self::JournalRead
            | Self::EventsRead
            | Self::ReportsRead
            | Self::StatisticsWrite
            | Self::ImportsRead
            | Self::ImportsWrite
            | Self::UsersRead
            | Self::AuditRead => false,
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    /// No permission.
    pub const NONE: Self = Self(0);

    /// What a role may do.
    #[must_use]
    pub const fn of(role: Role) -> Self {
        match role {
            Role::Customer => Self::CUSTOMER,
            Role::Support => Self::SUPPORT,
            Role::Operator => Self::OPERATOR,
            Role::Auditor => Self::AUDITOR,
            Role::Admin => Self::ADMIN,
        }
    }

    const CUSTOMER: Self = Self::computed(Role::Customer);
    const SUPPORT: Self = Self::computed(Role::Support);
    const OPERATOR: Self = Self::computed(Role::Operator);
    const AUDITOR: Self = Self::computed(Role::Auditor);
    const ADMIN: Self = Self::computed(Role::Admin);

    const fn computed(role: Role) -> Self {
        let mut bits = 0;
        let mut next = 0;
        while next < Permission::ALL.len() {
            let permission = Permission::ALL[next];
            let roles = permission.roles();
            let mut at = 0;
            while at < roles.len() {
                if roles[at] as u32 == role as u32 {
                    bits |= permission.bit();
                }
                at += 1;
            }
            next += 1;
        }
        Self(bits)
    }

    /// True if the permission is in the set.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// True if everything in this set is in the other one.
    #[must_use]
    pub const fn is_subset_of(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The permissions in the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        let all = Permission::ALL.iter().copied();
        all.filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |bits, permission| bits | permission.bit()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_fits_into_the_set_and_has_a_word_of_its_own() {
        assert!(Permission::ALL.len() <= 32);
        for permission in Permission::ALL {
            assert_eq!(Permission::from_word(permission.as_str()), Some(*permission));
            let only = Permissions::from_iter([*permission]);
            assert_eq!(only.iter().collect::<Vec<_>>(), [*permission]);
        }
        assert_eq!(Permission::from_word("wallets:steal"), None);
    }

    #[test]
    fn an_admin_may_do_what_an_operator_may_and_an_auditor_writes_nothing() {
        assert!(Permissions::of(Role::Operator).is_subset_of(Permissions::of(Role::Admin)));
        let written = Permissions::of(Role::Auditor).iter().filter(|permission| {
            let word = permission.as_str();
            *permission != Permission::ApiKeysWrite && !(word.ends_with(":read") || word.ends_with(":read_all"))
        });
        assert_eq!(written.count(), 0);
    }

    #[test]
    fn what_no_key_may_do_needs_certainty() {
        let doubtful = |permission: &&Permission| !permission.needs_certainty();
        let doubtful: Vec<_> = Permission::ALL.iter().filter(doubtful).collect();
        assert!(!doubtful.is_empty());
        assert!(doubtful.into_iter().all(|permission| permission.is_grantable()));
    }
}
