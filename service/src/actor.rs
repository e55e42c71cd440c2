//! The user who makes a request, and their role.

use crate::values::{Role, UserId};

/// A user who has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    pub user: UserId,
    pub role: Role,
}

impl Actor {
    /// The user, unless it is the owner: who did something on their own behalf is not noted.
    #[must_use]
    pub fn unless(self, owner: Option<UserId>) -> Option<UserId> {
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
