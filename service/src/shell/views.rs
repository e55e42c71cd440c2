//! The views for accountants and their columns, in words. `florin shell` shows them, and a test compares `docs/sql.md` and
//! both databases with them. Pure.

/// A view of the accounts or of what moved their money.
#[derive(Clone, Copy, Debug)]
pub struct AccountingView {
    /// Its name in SQL.
    pub name: &'static str,
    /// What one row of it is.
    pub about: &'static str,
    /// Its columns, in their order.
    pub columns: &'static [ViewColumn],
}

/// A column of a view.
#[derive(Clone, Copy, Debug)]
pub struct ViewColumn {
    /// Its name in SQL.
    pub name: &'static str,
    /// What its values are.
    pub kind: ColumnKind,
    /// What they mean.
    pub about: &'static str,
}

/// What the values of a column are. `docs/sql.md` says how each database stores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// An id.
    Id,
    /// A word or a sentence.
    Text,
    /// Money, with four decimals.
    Amount,
    /// A whole number.
    Integer,
    /// A moment in UTC.
    Time,
    /// A day in UTC.
    Date,
}

impl ColumnKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Text => "text",
            Self::Amount => "amount",
            Self::Integer => "integer",
            Self::Time => "time",
            Self::Date => "date",
        }
    }
}

/// Every view.
pub const VIEWS: [AccountingView; 5] = [ACCOUNTS, JOURNAL, POSTINGS, TRIAL_BALANCE, DAILY];

macro_rules! view {
    ($name:literal, $about:literal, [$($column:literal $kind:ident $meaning:literal,)*]) => {
        AccountingView {
            name: $name,
            about: $about,
            columns: &[$(ViewColumn { name: $column, kind: ColumnKind::$kind, about: $meaning }),*],
        }
    };
}

const ACCOUNTS: AccountingView = view!("v_accounts", "one row for each wallet, as it is now", [
    "account_id" Id "the wallet",
    "owner_id" Id "the customer; null on the bank's own accounts",
    "kind" Text "`customer`, or `system` for the bank's own side of a payment method",
    "method" Text "the payment method of a system account; null on a customer's",
    "currency" Text "the ISO 4217 code",
    "status" Text "`ACTIVE`, `FROZEN` or `CLOSED`",
    "balance" Amount "credits less debits; below zero on system accounts only",
    "held" Amount "the part of the balance that open holds claim",
    "available" Amount "the balance less what is held",
    "opened_at" Time "when it was opened",
    "version" Integer "how many postings it has",
    "units" Integer "the balance in ten-thousandths",
]);

const JOURNAL: AccountingView = view!("v_journal", "one row for each transfer that the bank recorded, as it was recorded", [
    "transfer_id" Id "the transfer; ids sort as the transfers were recorded",
    "at" Time "when it was recorded",
    "kind" Text "`TRANSFER`, `DEPOSIT`, `WITHDRAWAL`, `REVERSAL`, `HOLD`, `RELEASE` or `CAPTURE`",
    "status" Text "`COMPLETED`; `PENDING` for a hold, whatever became of it; `FAILED` for a refusal",
    "failure_reason" Text "the code of a refusal, for `limit_exceeded` with the limit after a slash; null on other rows",
    "debit_account_id" Id "the account that gives",
    "credit_account_id" Id "the account that receives",
    "amount" Amount "above zero; on a refusal what was asked for, on a release what was given back",
    "currency" Text "the currency of both accounts",
    "method" Text "the payment method of money that came in or went out; null between customers",
    "parent_id" Id "the hold of a capture or release, or the transfer that a reversal takes back",
    "batch_id" Id "the batch of the request that asked for it",
    "description" Text "the text of the person who asked; null without one and after its erasure",
    "asked_by" Id "the user who asked; null for the debited account's owner, and for a hold whose time ran out",
    "expires_at" Time "when a hold ends by itself; null on other kinds",
    "remaining" Amount "what a hold still holds now; null on other rows",
    "units" Integer "the amount in ten-thousandths",
]);

const POSTINGS: AccountingView = view!("v_postings", "one row for each account's side of a transfer that moved money", [
    "transfer_id" Id "the transfer, which has one debit and one credit",
    "account_id" Id "the account",
    "at" Time "when it was posted",
    "kind" Text "the kind of the transfer, as in `v_journal`",
    "debit" Amount "what left the account; null on a credit",
    "credit" Amount "what the account received; null on a debit",
    "balance_after" Amount "the account's balance with this posting",
    "currency" Text "the account's currency",
    "version" Integer "1 on the account's first posting, and one more on each further one",
    "units" Integer "what it adds to the balance, in ten-thousandths; below zero on a debit",
]);

const TRIAL_BALANCE: AccountingView = view!(
    "v_trial_balance",
    "one row for each currency and sort of account, as the balances are now; in a currency debits equal credits",
    [
        "currency" Text "the ISO 4217 code",
        "kind" Text "`customer` or `system`",
        "method" Text "the payment method of system accounts; null on customers'",
        "accounts" Integer "how many accounts there are",
        "debit" Amount "the sum of the balances below zero, without the sign",
        "credit" Amount "the sum of the balances above zero",
        "balance" Amount "the credit less the debit",
    ]
);

const DAILY: AccountingView = view!("v_daily", "one row for each day, currency and kind of transfer that moved money", [
    "day" Date "the day, in UTC",
    "currency" Text "the ISO 4217 code",
    "kind" Text "`TRANSFER`, `DEPOSIT`, `WITHDRAWAL`, `REVERSAL` or `CAPTURE`",
    "transfers" Integer "how many of them moved money on that day",
    "amount" Amount "the sum of what they moved",
]);
