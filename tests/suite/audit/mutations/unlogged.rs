//! The public methods that leave no line of the audit log: those that change something and say elsewhere who did it, or
//! have no one to tell of; and those that only read.

/// What a movement of money leaves.
const IN_THE_JOURNAL: &str = "the transfer is in the journal, with `created_by` and `api_key`";

/// What the opening of a wallet leaves.
const OPENED: &str = "the opening is in the journal, in `changes`, with who asked for it";

/// Methods that change something and leave no line, each with the reason. A method that leaves one in some cases only
/// may be in the table of mutations too.
pub const UNLOGGED: &[(&str, &str)] = &[
    (
        "Identity::refresh",
        "the session goes on; its row has when and where it was used last",
    ),
    (
        "Identity::finish_erasures",
        "goes on with erasures, whose lines were written as they began",
    ),
    (
        "Identity::delete_old_sessions",
        "deletes sessions a day after their ends, which have lines",
    ),
    (
        "Identity::delete_expired_tokens",
        "deletes tokens that can be used no more",
    ),
    (
        "ApiKeys::write_uses",
        "when a key was last used is in its row; what it did has its own lines",
    ),
    ("Wallets::open", OPENED),
    ("Wallets::open_method", OPENED),
    ("Transfers::submit", IN_THE_JOURNAL),
    ("Transfers::deposit", IN_THE_JOURNAL),
    ("Transfers::withdraw", IN_THE_JOURNAL),
    ("Transfers::capture", IN_THE_JOURNAL),
    ("Transfers::void", IN_THE_JOURNAL),
    ("Transfers::batch", IN_THE_JOURNAL),
    (
        "Transfers::expire_holds",
        "the release is in the journal; its time has run out, and no one asked for it",
    ),
    (
        "Ops::prove_ready",
        "a row of its own shows that the database takes a write",
    ),
    ("Statistics::sync", "shares figures through Redis"),
    (
        "Webhooks::retry",
        "the delivery says what came of it; nothing but its owner's own events is sent",
    ),
    ("Webhooks::test", "the delivery says what came of it; it has no event"),
];

/// Methods that change nothing in the database: they read, keep something in this process' memory, or end the process.
pub const READS: &[&str] = &[
    "ApiKeys::authenticate",
    "ApiKeys::get",
    "ApiKeys::list",
    "ApiKeys::of_owner",
    "Aggregates::daily",
    "Audit::list",
    "Events::check",
    "Events::newest",
    "Events::page",
    "Identity::audit_lines",
    "Identity::kept_sessions",
    "Identity::sessions",
    "Identity::sessions_of",
    "Identity::user",
    "Identity::user_by_email",
    "Identity::users",
    "Identity::warm_up",
    "Imports::admit",
    "Imports::get",
    "Imports::list",
    "Imports::rejects",
    "Imports::stop",
    "Merchants::refresh",
    "Merchants::summary",
    "Ops::journal_head",
    "Ops::ping",
    "Ops::verify",
    "Receipts::head",
    "Receipts::receipt",
    "Services::flush_reports",
    "Services::stop",
    "Services::warm_up",
    "Statistics::flush",
    "Statistics::warm_up",
    "Transfers::asked_by",
    "Transfers::get",
    "Transfers::list",
    "Transfers::of_user",
    "Wallets::balance_at",
    "Wallets::entries",
    "Wallets::get",
    "Wallets::list",
    "Wallets::statement",
    "Webhooks::deliveries",
    "Webhooks::get",
    "Webhooks::list",
    "Webhooks::of_owner",
];
