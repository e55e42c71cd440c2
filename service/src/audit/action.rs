//! What the audit log tells of. Pure.

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// Something that was done, or tried, and is told by a line of the audit log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AuditAction {
            $($(#[$doc])* $name,)*
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word that is stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

actions! {
    /// A server started; `after` has its settings, without secrets.
    BankStarted = "bank.started";
    /// A customer registered.
    UserRegistered = "user.registered";
    /// A user was made from the terminal.
    UserCreated = "user.created";
    /// A user signed in: the subject is the session that began.
    UserSignedIn = "user.signed_in";
    /// A password was wrong, or its user unknown or not active. `email_digest` tells whether two of them named one address.
    SignInFailed = "user.sign_in_failed";
    /// A user was suspended.
    UserSuspended = "user.suspended";
    /// A suspended user was activated.
    UserActivated = "user.activated";
    /// A user got another role.
    RoleChanged = "user.role_changed";
    /// Users changed their own name.
    NameChanged = "user.name_changed";
    /// Users changed their own password.
    PasswordChanged = "user.password_changed";
    /// An admin gave a user a new password.
    PasswordSet = "user.password_set";
    /// A one-time token was made with which a user can set a new password.
    ResetRequested = "user.reset_requested";
    /// A password was set with a one-time token.
    PasswordReset = "user.password_reset";
    /// A one-time token was made with which a user can confirm a new address.
    EmailRequested = "user.email_requested";
    /// A new address was confirmed.
    EmailChanged = "user.email_changed";
    /// Everything that the bank has about a user was read.
    UserExported = "user.exported";
    /// Everything that told who a user was is erased.
    UserErased = "user.erased";
    /// A session was ended; `after` says why.
    SessionEnded = "session.ended";
    /// A used refresh token came again, and its session has ended.
    TokenReused = "session.token_reused";
    /// An API key was made.
    ApiKeyCreated = "api_key.created";
    /// An API key got a new secret.
    ApiKeyRolled = "api_key.rolled";
    /// An API key was revoked.
    ApiKeyRevoked = "api_key.revoked";
    /// A wallet was frozen.
    WalletFrozen = "wallet.frozen";
    /// A wallet was unfrozen.
    WalletUnfrozen = "wallet.unfrozen";
    /// A wallet was closed.
    WalletClosed = "wallet.closed";
    /// A wallet got other limits.
    WalletLimited = "wallet.limited";
    /// A transfer, or a part of it, was taken back: the subject is the transfer, `after` has the reversal.
    TransferReversed = "transfer.reversed";
    /// A file was accepted to be imported.
    ImportCreated = "import.created";
    /// An endpoint of webhooks was made.
    WebhookCreated = "webhook.created";
    /// An endpoint of webhooks was changed, or disabled by the bank itself.
    WebhookChanged = "webhook.changed";
    /// An endpoint of webhooks was deleted.
    WebhookDeleted = "webhook.deleted";
    /// An endpoint of webhooks got a new secret.
    WebhookSecretRotated = "webhook.secret_rotated";
    /// An endpoint of webhooks gets events again; `after` says from where on.
    WebhookReplayed = "webhook.replayed";
}

impl AuditAction {
    /// The action of a word; `None` if there is none.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_word_of_its_own() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::from_word(action.as_str()), Some(*action));
        }
        assert_eq!(AuditAction::from_word("user.sang"), None);
    }
}
