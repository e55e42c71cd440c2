//! Who may make a one-time token for whom, and which one may be used. Pure.

use chrono::TimeDelta;
use entity::one_time_tokens::OneTimeTokenPurpose;

use crate::actor::{Actor, Permission};
use crate::identity::{IdentityError, User};
use crate::values::{OneTimeTokenId, Role, Timestamp, UserId, UserStatus};

/// For how long a token can be used.
pub(super) const TOKEN_LIFE: TimeDelta = TimeDelta::minutes(30);

/// A token as the database has it. It has no Debug, so that no log can show its address.
pub(super) struct StoredOneTimeToken {
    pub id: OneTimeTokenId,
    pub user: UserId,
    pub purpose: OneTimeTokenPurpose,
    /// The address that it confirms; `None` for another purpose.
    pub email: Option<String>,
    pub expires_at: Timestamp,
    pub is_used: bool,
}

impl StoredOneTimeToken {
    /// True while it can be used for this. Whether its user is active is checked beside it.
    pub fn is_usable(&self, purpose: OneTimeTokenPurpose, now: Timestamp) -> bool {
        self.purpose == purpose && !self.is_used && self.expires_at > now
    }
}

/// Whether an actor may make a token for a user. Of what refuses it, the first of these is answered: it is the actor's
/// own account, a member of staff is an admin's to help, the user is not active.
pub(super) fn check_maker(actor: &Actor, user: &User) -> Result<(), IdentityError> {
    if actor.user == user.id {
        return Err(IdentityError::OwnReset);
    }
    if user.role != Role::Customer && !actor.may(Permission::UsersManage) {
        return Err(IdentityError::AdminsOnly);
    }
    match user.status {
        UserStatus::Active => Ok(()),
        UserStatus::Suspended | UserStatus::Erased => Err(IdentityError::NotActive),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_is_good_for_its_purpose_once_and_until_its_end() {
        let made = DateTime::UNIX_EPOCH;
        let token = StoredOneTimeToken {
            id: OneTimeTokenId(Uuid::from_u128(1)),
            user: UserId(Uuid::from_u128(2)),
            purpose: OneTimeTokenPurpose::Password,
            email: None,
            expires_at: made + TOKEN_LIFE,
            is_used: false,
        };
        let last = made + TOKEN_LIFE - TimeDelta::microseconds(1);
        assert!(token.is_usable(OneTimeTokenPurpose::Password, made));
        assert!(token.is_usable(OneTimeTokenPurpose::Password, last));
        assert!(!token.is_usable(OneTimeTokenPurpose::Password, made + TOKEN_LIFE));
        assert!(!token.is_usable(OneTimeTokenPurpose::Email, made));
        let used = StoredOneTimeToken { is_used: true, ..token };
        assert!(!used.is_usable(OneTimeTokenPurpose::Password, made));
    }

    fn user(id: u128, role: Role, status: UserStatus) -> User {
        User {
            id: UserId(Uuid::from_u128(id)),
            email: "ana@example.com".to_owned(),
            full_name: "Ana".to_owned(),
            role,
            status,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn customers_are_helped_by_staff_and_staff_by_admins() {
        let staff = [Role::Support, Role::Operator, Role::Auditor, Role::Admin];
        for maker in [Role::Support, Role::Operator, Role::Admin] {
            let actor = Actor::new(UserId(Uuid::from_u128(1)), maker);
            let check = |id, role, status| check_maker(&actor, &user(id, role, status));
            assert!(check(2, Role::Customer, UserStatus::Active).is_ok(), "{maker}");
            for role in staff {
                let checked = check(2, role, UserStatus::Active);
                match maker {
                    Role::Admin => assert!(checked.is_ok(), "{maker} for {role}"),
                    _ => assert!(matches!(checked, Err(IdentityError::AdminsOnly)), "{maker} for {role}"),
                }
            }
            for status in [UserStatus::Suspended, UserStatus::Erased] {
                let checked = check(2, Role::Customer, status);
                assert!(matches!(checked, Err(IdentityError::NotActive)), "{maker}");
            }
            let own = check(1, maker, UserStatus::Active);
            assert!(matches!(own, Err(IdentityError::OwnReset)), "{maker}");
        }
    }
}
