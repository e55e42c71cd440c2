//! The allowed structure: which module may use which, and which files are pure. Change it only together with the
//! design.

/// The crates of the product.
pub const PRODUCT: [&str; 4] = ["api", "service", "entity", "migration"];

/// What each module of `service` may use besides itself.
pub const MAY_USE: &[(&str, &[&str])] = &[
    ("actor", &["values"]),
    ("clock", &["values"]),
    ("config", &["values"]),
    ("page", &[]),
    ("backoff", &[]),
    ("workers", &["backoff"]),
    ("db", &[]),
    ("redis", &[]),
    ("journal", &["values"]),
    ("feed", &["values", "db", "journal"]),
    (
        "ledger",
        &["values", "actor", "backoff", "clock", "db", "page", "journal", "feed"],
    ),
    (
        "identity",
        &[
            "values", "actor", "backoff", "clock", "config", "db", "page", "redis", "wallets", "workers",
        ],
    ),
    ("wallets", &["values", "actor", "clock", "db", "page", "ledger"]),
    (
        "transfers",
        &[
            "values", "actor", "backoff", "clock", "db", "identity", "page", "wallets", "ledger", "workers",
        ],
    ),
    ("imports", &["values", "backoff", "clock", "config", "db", "workers"]),
    ("merchants", &["values", "backoff", "clock", "db", "imports", "workers"]),
    (
        "statistics",
        &["values", "backoff", "clock", "db", "redis", "feed", "workers"],
    ),
    (
        "aggregates",
        &[
            "values", "backoff", "clock", "db", "redis", "feed", "imports", "workers",
        ],
    ),
    (
        "ops",
        &["values", "clock", "db", "ledger", "statistics", "aggregates", "workers"],
    ),
];

/// Files with rules that need no database, no waiting and no clock.
pub const PURE: [&str; 72] = [
    "backoff.rs",
    "feed/mark.rs",
    "journal/chain.rs",
    "journal/digests.rs",
    "journal/leaves.rs",
    "journal/tree.rs",
    "ledger/attempts.rs",
    "ledger/book/batches.rs",
    "ledger/book/draft.rs",
    "ledger/book/holds.rs",
    "ledger/book/mod.rs",
    "ledger/book/money.rs",
    "ledger/book/posting.rs",
    "ledger/book/reversals.rs",
    "ledger/book/undo.rs",
    "ledger/book/wallets.rs",
    "ledger/book/writes.rs",
    "ledger/group_commit.rs",
    "ledger/locked_wallets.rs",
    "ledger/memory.rs",
    "ledger/skew.rs",
    "identity/rules.rs",
    "identity/api_keys/grant.rs",
    "identity/api_keys/rules.rs",
    "identity/api_keys/text.rs",
    "identity/passwords/strength.rs",
    "identity/sessions/exchange.rs",
    "identity/sessions/refresh_token.rs",
    "identity/sessions/session.rs",
    "identity/throttle/quota.rs",
    "identity/tokens/claims.rs",
    "identity/tokens/key.rs",
    "identity/tokens/schedule.rs",
    "actor/mod.rs",
    "actor/permissions.rs",
    "transfers/canonical_json.rs",
    "transfers/command.rs",
    "transfers/digest.rs",
    "transfers/request.rs",
    "transfers/shown.rs",
    "ledger/types/answers.rs",
    "ledger/types/batch_results.rs",
    "ledger/types/commands.rs",
    "ledger/types/holds.rs",
    "ledger/types/limits.rs",
    "ledger/types/records.rs",
    "ledger/types/tag.rs",
    "ledger/types/texts.rs",
    "aggregates/day.rs",
    "aggregates/hot/answers.rs",
    "aggregates/message.rs",
    "aggregates/relay/batch.rs",
    "aggregates/row.rs",
    "aggregates/totals.rs",
    "imports/counts.rs",
    "imports/records.rs",
    "merchants/batch.rs",
    "merchants/month.rs",
    "merchants/ranking.rs",
    "merchants/report.rs",
    "merchants/rollup.rs",
    "merchants/row.rs",
    "merchants/row/amount.rs",
    "merchants/row/time.rs",
    "merchants/summary.rs",
    "merchants/volume.rs",
    "statistics/amount.rs",
    "statistics/packed.rs",
    "statistics/ring.rs",
    "statistics/summary.rs",
    "statistics/window.rs",
    "wallets/times.rs",
];

/// Pairs of files that may import each other: a row of the journal and its digest; the committer and its two strategies; the
/// stores of the totals and what makes them agree; a wallet, its tag and the outcomes that hold both.
pub const CIRCLES: [&str; 5] = [
    "answers records",
    "batch_committer in_turn",
    "chain digests",
    "rebuild stores",
    "records tag",
];
