//! The caller of a request: who they are, how they proved it, and what they may do.

mod client;
mod permissions;

pub use client::ClientInfo;
pub use permissions::{Permission, Permissions};

use std::sync::Arc;

use uuid::Uuid;

use crate::values::{ApiKeyId, RequestId, Role, SessionId, UserId, WalletId};

/// A caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The user's id. For an API key, its owner.
    pub user: UserId,
    /// The user's role when they signed in; for an API key, its owner's role.
    pub role: Role,
    /// What the caller may do.
    pub permissions: Permissions,
    /// How the caller proved who they are.
    pub credential: Credential,
    /// The only wallets that the caller may use; `None` if no list narrows them.
    pub wallets: Option<Arc<[WalletId]>>,
    /// Where the request comes from, for the audit log; `None` for a command of the terminal, and for the bank itself.
    pub client: Option<Arc<ClientInfo>>,
    /// The id of the request; `None` for a command of the terminal, and for the bank itself.
    pub request: Option<RequestId>,
}

/// How a caller proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// They signed in.
    Session(SessionId),
    /// They are a program with an API key.
    ApiKey(ApiKeyId),
    /// A command of the terminal, or the bank itself.
    Internal,
}

impl Actor {
    /// A user who may do what their role may, without a session.
    #[must_use]
    pub fn new(user: UserId, role: Role) -> Self {
        Self {
            user,
            role,
            permissions: Permissions::of(role),
            credential: Credential::Internal,
            wallets: None,
            client: None,
            request: None,
        }
    }

    /// A user who has signed in.
    #[must_use]
    pub fn signed_in(user: UserId, role: Role, session: SessionId) -> Self {
        Self {
            credential: Credential::Session(session),
            ..Self::new(user, role)
        }
    }

    /// A program with an API key: it may do what its scopes and its owner may both do.
    #[must_use]
    pub fn with_key(
        (owner, role): (UserId, Role),
        key: ApiKeyId,
        scopes: Permissions,
        wallets: Option<Arc<[WalletId]>>,
    ) -> Self {
        Self {
            permissions: Permissions::of(role).intersection(scopes),
            credential: Credential::ApiKey(key),
            wallets,
            ..Self::new(owner, role)
        }
    }

    /// The same caller, with where the request comes from.
    #[must_use]
    pub fn from_client(self, client: ClientInfo) -> Self {
        Self {
            client: Some(Arc::new(client)),
            ..self
        }
    }

    /// The same caller, in a request of this id.
    #[must_use]
    pub fn asking_in(self, request: Option<RequestId>) -> Self {
        Self { request, ..self }
    }

    /// True if the caller has the permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }

    /// True unless the caller is an API key that is limited to other wallets.
    #[must_use]
    pub fn may_use(&self, wallet: WalletId) -> bool {
        self.wallets.as_ref().is_none_or(|wallets| wallets.contains(&wallet))
    }

    /// True if this is the caller's own wallet, and they may use it.
    #[must_use]
    pub fn owns(&self, wallet: WalletId, owner: Option<UserId>) -> bool {
        owner == Some(self.user) && self.may_use(wallet)
    }

    /// The user to record as the one who asked; `None` for the owner, as that is the rule.
    #[must_use]
    pub fn unless_owner(&self, owner: Option<UserId>) -> Option<UserId> {
        (owner != Some(self.user)).then_some(self.user)
    }

    /// The API key of the request; `None` without one.
    #[must_use]
    pub fn api_key(&self) -> Option<ApiKeyId> {
        match self.credential {
            Credential::ApiKey(key) => Some(key),
            Credential::Session(_) | Credential::Internal => None,
        }
    }

    /// Idempotency keys are unique within this id: the API key's, else the user's.
    #[must_use]
    pub fn idempotency_scope(&self) -> Uuid {
        self.api_key().map_or(self.user.0, |key| key.0)
    }
}
