//! Sessions: who is signed in, from where, and which refresh token may be exchanged next.

use std::fmt;

use sea_orm::entity::prelude::*;

use crate::values::{SessionId, UserId};

/// The session of a user who has signed in.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// It is in every access token of the session.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// Who signed in.
    pub user_id: UserId,
    /// 16 random bytes, which go into every refresh token of the session.
    pub nonce: HiddenBytes,
    /// SHA-256 of the refresh token that may be exchanged next.
    pub token_hash: HiddenBytes,
    /// How often a refresh token was exchanged. Each token carries its number.
    pub generation: i64,
    /// When the user signed in.
    pub created_at: DateTimeUtc,
    /// When a refresh token was last exchanged; at first, when the user signed in.
    pub last_used_at: DateTimeUtc,
    /// When the session ends by itself, however often its token is exchanged.
    pub expires_at: DateTimeUtc,
    /// When it was ended; `None` while it is live, and when it expired.
    pub ended_at: Option<DateTimeUtc>,
    /// Why it was ended; set exactly when `ended_at` is.
    pub end_reason: Option<SessionEnd>,
    /// The client's address at the last exchange or the sign-in; `None` where it is not known.
    pub address: Option<String>,
    /// The client's own description of itself at that time; 1 to 200 characters.
    pub user_agent: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Why a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum SessionEnd {
    /// The user signed out of it.
    #[sea_orm(string_value = "signed_out")]
    SignedOut,
    /// The user ended it from the list of their sessions.
    #[sea_orm(string_value = "ended_by_owner")]
    EndedByOwner,
    /// The user's password was changed.
    #[sea_orm(string_value = "password_changed")]
    PasswordChanged,
    /// The user was suspended.
    #[sea_orm(string_value = "suspended")]
    Suspended,
    /// The user got another role.
    #[sea_orm(string_value = "role_changed")]
    RoleChanged,
    /// A refresh token that was used up was presented again: it may have been stolen.
    #[sea_orm(string_value = "token_reused")]
    TokenReused,
    /// The user signed in more often than sessions may be live, and this one was the oldest.
    #[sea_orm(string_value = "too_many")]
    TooMany,
    /// The user was erased.
    #[sea_orm(string_value = "erased")]
    Erased,
}

/// Bytes that no log and no error message may show.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct HiddenBytes(pub Vec<u8>);

impl fmt::Debug for HiddenBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HiddenBytes(..)")
    }
}
