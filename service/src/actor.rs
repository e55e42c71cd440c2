//! Somebody who asks for something, and in what role.

use crate::values::{Role, UserId};

/// Somebody who has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    pub user: UserId,
    pub role: Role,
}

impl Actor {
    /// True for operators and admins.
    #[must_use]
    pub fn is_operator(self) -> bool {
        match self.role {
            Role::Operator | Role::Admin => true,
            Role::Customer => false,
        }
    }
}
