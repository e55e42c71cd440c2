//! The table of mutations. Each is done, and not done; `source` holds that no method and no action is missing.

use service::audit::AuditAction;

use super::cases::{api_keys, bank, passwords, people, sessions, wallets, webhooks};
use super::{Mutation, Opposite};

/// Every mutation, in groups that are cut off beside each other.
pub const GROUPS: [&[Mutation]; 5] = [PEOPLE, PASSWORDS, SESSIONS, BANK, WEBHOOKS];

/// Every mutation.
pub fn mutations() -> impl Iterator<Item = &'static Mutation> {
    GROUPS.into_iter().flatten()
}

/// Users who are made, changed, exported and erased.
pub const PEOPLE: &[Mutation] = &[
    Mutation {
        method: "Identity::register",
        lines: &[AuditAction::UserRegistered],
        changes_rows: true,
        done: |scene| Box::pin(people::registered(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(people::registered_with_a_taken_address(scene))),
    },
    Mutation {
        method: "Identity::create_user",
        lines: &[AuditAction::UserCreated],
        changes_rows: true,
        done: |scene| Box::pin(people::created(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(people::created_with_a_taken_address(scene))),
    },
    Mutation {
        method: "Identity::suspend",
        lines: &[AuditAction::UserSuspended],
        changes_rows: true,
        done: |scene| Box::pin(people::suspended(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(people::an_admin_suspended_by_support(scene))),
    },
    Mutation {
        method: "Identity::activate",
        lines: &[AuditAction::UserActivated],
        changes_rows: true,
        done: |scene| Box::pin(people::activated(scene)),
        opposite: Opposite::Unchanged(|scene| Box::pin(people::an_active_user_activated(scene))),
    },
    Mutation {
        method: "Identity::set_role",
        lines: &[AuditAction::RoleChanged],
        changes_rows: true,
        done: |scene| Box::pin(people::given_a_role(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(people::given_a_role_by_a_former_admin(scene))),
    },
    Mutation {
        method: "Identity::change_profile",
        lines: &[AuditAction::NameChanged],
        changes_rows: true,
        done: |scene| Box::pin(people::renamed(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(people::renamed_while_suspended(scene))),
    },
    Mutation {
        method: "Identity::change_profile",
        lines: &[AuditAction::EmailRequested],
        changes_rows: true,
        done: |scene| Box::pin(people::asked_for_an_address(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(people::asked_for_an_address_while_suspended(scene))),
    },
    Mutation {
        method: "Identity::change_profile",
        lines: &[AuditAction::NameChanged, AuditAction::EmailRequested],
        changes_rows: true,
        done: |scene| Box::pin(people::renamed_and_asked_for_an_address(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(people::renamed_and_asked_while_suspended(scene))),
    },
    Mutation {
        method: "Identity::note_export",
        lines: &[AuditAction::UserExported],
        changes_rows: false,
        done: |scene| Box::pin(people::exported(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(people::exported_while_suspended(scene))),
    },
    Mutation {
        method: "Identity::erase",
        lines: &[AuditAction::UserErased],
        changes_rows: true,
        done: |scene| Box::pin(people::erased(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(people::erased_with_an_open_wallet(scene))),
    },
];

/// Passwords and one-time tokens.
pub const PASSWORDS: &[Mutation] = &[
    Mutation {
        method: "Identity::set_password",
        lines: &[AuditAction::PasswordSet],
        changes_rows: true,
        done: |scene| Box::pin(passwords::set(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(passwords::set_by_a_former_admin(scene))),
    },
    Mutation {
        method: "Identity::change_password",
        lines: &[AuditAction::PasswordChanged],
        changes_rows: true,
        done: |scene| Box::pin(passwords::changed(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(passwords::changed_to_a_weak_one(scene))),
    },
    Mutation {
        method: "Identity::change_password",
        lines: &[AuditAction::SignInFailed],
        changes_rows: false,
        done: |scene| Box::pin(passwords::guessed(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(passwords::guessed_too_often(scene))),
    },
    Mutation {
        method: "Identity::make_reset_token",
        lines: &[AuditAction::ResetRequested],
        changes_rows: true,
        done: |scene| Box::pin(passwords::reset_token_made(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(passwords::reset_token_made_for_a_suspended_user(scene))),
    },
    Mutation {
        method: "Identity::make_email_token",
        lines: &[AuditAction::EmailRequested],
        changes_rows: true,
        done: |scene| Box::pin(passwords::email_token_made(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(passwords::email_token_made_to_a_taken_address(scene))),
    },
    Mutation {
        method: "Identity::reset_password",
        lines: &[AuditAction::PasswordReset],
        changes_rows: true,
        done: |scene| Box::pin(passwords::reset(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(passwords::reset_with_a_used_token(scene))),
    },
    Mutation {
        method: "Identity::confirm_email",
        lines: &[AuditAction::EmailChanged],
        changes_rows: true,
        done: |scene| Box::pin(passwords::confirmed(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(passwords::confirmed_after_the_address_was_taken(scene))),
    },
    Mutation {
        method: "Identity::forgotten",
        lines: &[AuditAction::ResetRequested],
        changes_rows: true,
        done: |scene| Box::pin(passwords::forgotten(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(passwords::forgotten_too_often(scene))),
    },
];

/// Sessions and API keys.
pub const SESSIONS: &[Mutation] = &[
    Mutation {
        method: "Identity::sign_in",
        lines: &[AuditAction::UserSignedIn],
        changes_rows: true,
        done: |scene| Box::pin(sessions::signed_in(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(sessions::signed_in_after_too_many_failures(scene))),
    },
    Mutation {
        method: "Identity::sign_in",
        lines: &[AuditAction::SignInFailed],
        changes_rows: false,
        done: |scene| Box::pin(sessions::failed(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(sessions::failed_too_often(scene))),
    },
    Mutation {
        method: "Identity::sign_in",
        lines: &[AuditAction::SignInFailed],
        changes_rows: false,
        done: |scene| Box::pin(sessions::failed_with_an_unknown_address(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(sessions::failed_too_often_with_an_unknown_address(scene))),
    },
    Mutation {
        method: "Identity::refresh",
        lines: &[AuditAction::TokenReused],
        changes_rows: true,
        done: |scene| Box::pin(sessions::reused(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(sessions::refreshed_after_the_end(scene))),
    },
    Mutation {
        method: "Identity::sign_out",
        lines: &[AuditAction::SessionEnded],
        changes_rows: true,
        done: |scene| Box::pin(sessions::signed_out(scene)),
        opposite: Opposite::Unchanged(|scene| Box::pin(sessions::signed_out_twice(scene))),
    },
    Mutation {
        method: "Identity::end_session",
        lines: &[AuditAction::SessionEnded],
        changes_rows: true,
        done: |scene| Box::pin(sessions::ended(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(sessions::an_unknown_one_ended(scene))),
    },
    Mutation {
        method: "Identity::end_sessions",
        lines: &[AuditAction::SessionEnded, AuditAction::SessionEnded],
        changes_rows: true,
        done: |scene| Box::pin(sessions::both_ended(scene)),
        opposite: Opposite::Unchanged(|scene| Box::pin(sessions::all_ended_twice(scene))),
    },
    Mutation {
        method: "ApiKeys::create",
        lines: &[AuditAction::ApiKeyCreated],
        changes_rows: true,
        done: |scene| Box::pin(api_keys::made(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(api_keys::made_with_a_former_role(scene))),
    },
    Mutation {
        method: "ApiKeys::roll",
        lines: &[AuditAction::ApiKeyRolled],
        changes_rows: true,
        done: |scene| Box::pin(api_keys::rolled(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(api_keys::rolled_by_another(scene))),
    },
    Mutation {
        method: "ApiKeys::revoke",
        lines: &[AuditAction::ApiKeyRevoked],
        changes_rows: true,
        done: |scene| Box::pin(api_keys::revoked(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(api_keys::revoked_by_another(scene))),
    },
];

/// Wallets, reversals, imports and starts.
pub const BANK: &[Mutation] = &[
    Mutation {
        method: "Wallets::freeze",
        lines: &[AuditAction::WalletFrozen],
        changes_rows: true,
        done: |scene| Box::pin(wallets::frozen(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(wallets::a_closed_one_frozen(scene))),
    },
    Mutation {
        method: "Wallets::unfreeze",
        lines: &[AuditAction::WalletUnfrozen],
        changes_rows: true,
        done: |scene| Box::pin(wallets::unfrozen(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(wallets::a_closed_one_unfrozen(scene))),
    },
    Mutation {
        method: "Wallets::close",
        lines: &[AuditAction::WalletClosed],
        changes_rows: true,
        done: |scene| Box::pin(wallets::closed(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(wallets::closed_with_a_balance(scene))),
    },
    Mutation {
        method: "Wallets::set_limits",
        lines: &[AuditAction::WalletLimited],
        changes_rows: true,
        done: |scene| Box::pin(wallets::limited(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(wallets::a_closed_one_limited(scene))),
    },
    Mutation {
        method: "Transfers::reverse",
        lines: &[AuditAction::TransferReversed],
        changes_rows: true,
        done: |scene| Box::pin(wallets::reversed(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(wallets::reversed_beyond_the_original(scene))),
    },
    Mutation {
        method: "Imports::import_file",
        lines: &[AuditAction::ImportCreated],
        changes_rows: true,
        done: |scene| Box::pin(bank::imported(scene)),
        opposite: Opposite::Unchanged(|scene| Box::pin(bank::a_known_content_imported(scene))),
    },
    Mutation {
        method: "Imports::receive_upload",
        lines: &[AuditAction::ImportCreated],
        changes_rows: true,
        done: |scene| Box::pin(bank::uploaded(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(bank::uploaded_beyond_the_limit(scene))),
    },
    Mutation {
        method: "Ops::record_start",
        lines: &[AuditAction::BankStarted],
        changes_rows: false,
        done: |scene| Box::pin(bank::started(scene)),
        opposite: Opposite::NoRule("any server may start"),
    },
];

/// Endpoints to which the bank sends events.
pub const WEBHOOKS: &[Mutation] = &[
    Mutation {
        method: "Webhooks::create",
        lines: &[AuditAction::WebhookCreated],
        changes_rows: true,
        done: |scene| Box::pin(webhooks::made(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(webhooks::made_while_suspended(scene))),
    },
    Mutation {
        method: "Webhooks::update",
        lines: &[AuditAction::WebhookChanged],
        changes_rows: true,
        done: |scene| Box::pin(webhooks::paused(scene)),
        opposite: Opposite::Unchanged(|scene| Box::pin(webhooks::an_active_one_made_active(scene))),
    },
    Mutation {
        method: "Webhooks::rotate_secret",
        lines: &[AuditAction::WebhookSecretRotated],
        changes_rows: true,
        done: |scene| Box::pin(webhooks::rotated(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(webhooks::rotated_by_another(scene))),
    },
    Mutation {
        method: "Webhooks::replay",
        lines: &[AuditAction::WebhookReplayed],
        changes_rows: true,
        done: |scene| Box::pin(webhooks::replayed(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(webhooks::replayed_by_another(scene))),
    },
    Mutation {
        method: "Webhooks::delete",
        lines: &[AuditAction::WebhookDeleted],
        changes_rows: true,
        done: |scene| Box::pin(webhooks::deleted(scene)),
        opposite: Opposite::Refused(|scene| Box::pin(webhooks::deleted_by_another(scene))),
    },
];
