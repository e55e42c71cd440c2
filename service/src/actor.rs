//! The user who makes a request, and their role.

use crate::values::{Role, UserId};

/// A user who has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The user's id.
    pub user: UserId,
    /// The user's role when they signed in.
    pub role: Role,
}

impl Actor {
    /// The user; `None` when the user is the owner, since an act on one's own behalf is not recorded.
    #[must_use]
    pub fn unless_owner(self, owner: Option<UserId>) -> Option<UserId> {
        (owner != Some(self.user)).then_some(self.user)
    }

    /// True for operators and admins.
    #[must_use]
    pub fn is_operator(self) -> bool {
        match self.role {
            Role::Operator | Role::Admin => true,
            Role::Customer => false,
        }
    }
}
