//! A line of the audit log: who did what, to whom, when, and from where. Pure.

use std::net::IpAddr;

use serde_json::Value;
use uuid::Uuid;

use super::AuditAction;
use crate::actor::{Actor, ClientInfo};
use crate::values::{
    ApiKeyId, AuditId, ImportId, SessionId, Sha256Digest, Timestamp, TransferId, UserId, WalletId, WebhookId,
};

/// A line of the audit log. What tells who a person is stands in the details, which an erasure empties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// Ids sort as the lines were written. For what a group commit did, it is the id of the change or transfer.
    pub id: AuditId,
    /// When it was done.
    pub at: Timestamp,
    /// What was done.
    pub action: AuditAction,
    /// The user who did it; `None` for the bank itself, a command without `--as`, and a caller who has not
    /// signed in.
    pub actor: Option<UserId>,
    /// The API key of the request; `None` without one.
    pub api_key: Option<ApiKeyId>,
    /// To what it was done; `None` for the bank itself, and where an unknown address was named.
    pub subject: Option<AuditSubject>,
    /// The user whom the line is about: the subject, or the owner of a subject. An erasure of this user empties `before`,
    /// `after` and `email_digest`; an erasure of the actor empties the rest. Without an actor, all of them are this user's.
    pub person: Option<UserId>,
    /// What an erasure empties.
    pub details: AuditDetails,
}

/// The part of a line that may tell who a person is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditDetails {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The client's own description of itself.
    pub user_agent: Option<String>,
    /// The id of the request, which a client may choose.
    pub request: Option<String>,
    /// A keyed digest of the e-mail address of a failed sign-in.
    pub email_digest: Option<Sha256Digest>,
    /// What it was before: a JSON value.
    pub before: Option<String>,
    /// What it is now: a JSON value.
    pub after: Option<String>,
}

/// To what something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditSubject {
    /// A user.
    User(UserId),
    /// A session of a user.
    Session(SessionId),
    /// An API key.
    ApiKey(ApiKeyId),
    /// A wallet.
    Wallet(WalletId),
    /// A transfer.
    Transfer(TransferId),
    /// An import.
    Import(ImportId),
    /// An endpoint of webhooks.
    Webhook(WebhookId),
}

impl AuditSubject {
    /// What it is, as a word.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Session(_) => "session",
            Self::ApiKey(_) => "api_key",
            Self::Wallet(_) => "wallet",
            Self::Transfer(_) => "transfer",
            Self::Import(_) => "import",
            Self::Webhook(_) => "webhook",
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::User(id) => id.0,
            Self::Session(id) => id.0,
            Self::ApiKey(id) => id.0,
            Self::Wallet(id) => id.0,
            Self::Transfer(id) => id.0,
            Self::Import(id) => id.0,
            Self::Webhook(id) => id.0,
        }
    }
}

impl AuditLine {
    /// A line about the bank itself, or about what only the builders below tell.
    #[must_use]
    pub fn new(action: AuditAction, id: AuditId, at: Timestamp) -> Self {
        Self {
            id,
            at,
            action,
            actor: None,
            api_key: None,
            subject: None,
            person: None,
            details: AuditDetails::default(),
        }
    }

    /// The same line, done by an actor.
    #[must_use]
    pub fn by(self, actor: &Actor) -> Self {
        let line = Self {
            actor: Some(actor.user),
            api_key: actor.api_key(),
            ..self
        };
        match &actor.client {
            Some(client) => line.from_client(client),
            None => line,
        }
    }

    /// The same line, with where the request came from.
    #[must_use]
    pub fn from_client(mut self, client: &ClientInfo) -> Self {
        self.details.address = client.address;
        self.details.user_agent.clone_from(&client.user_agent);
        self.details.request.clone_from(&client.request);
        self
    }

    /// The same line, done to a subject that is a user's, or the user.
    #[must_use]
    pub fn to(self, subject: AuditSubject, person: Option<UserId>) -> Self {
        Self {
            subject: Some(subject),
            person,
            ..self
        }
    }

    /// The same line, done to a user.
    #[must_use]
    pub fn to_user(self, user: UserId) -> Self {
        self.to(AuditSubject::User(user), Some(user))
    }

    /// The same line with what it was before.
    #[must_use]
    pub fn before(mut self, before: &Value) -> Self {
        self.details.before = Some(before.to_string());
        self
    }

    /// The same line with what it is now.
    #[must_use]
    pub fn after(mut self, after: &Value) -> Self {
        self.details.after = Some(after.to_string());
        self
    }
}
