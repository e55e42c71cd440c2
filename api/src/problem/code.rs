//! The stable codes of all failures, each with its status and title. A code, once published, is never renamed.

use poem::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:ident, $title:literal;)*) => {
        /// The kind of a failure: one stable word, which clients may branch on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, in the order of the table below.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The word in the `code` member.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The HTTP status it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Code::$name => StatusCode::$status,)* }
            }

            /// The same few words for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The request cannot be read: syntax, a field's type, a parameter.
    InvalidRequest = "invalid_request", BAD_REQUEST, "The request cannot be read";
    /// The `Idempotency-Key` is malformed.
    InvalidIdempotencyKey = "invalid_idempotency_key", BAD_REQUEST, "Malformed idempotency key";
    /// No valid access token.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Sign in first";
    /// The e-mail address or the password is wrong.
    InvalidCredentials = "invalid_credentials", UNAUTHORIZED, "Wrong credentials";
    /// The one-time token is unknown, used or expired, or its user is suspended.
    InvalidToken = "invalid_token", UNAUTHORIZED, "One-time token not valid";
    /// The caller has signed in and may not do this.
    Forbidden = "forbidden", FORBIDDEN, "Not allowed";
    /// The wallet is the bank's own.
    SystemWallet = "system_wallet", FORBIDDEN, "The bank's own wallet";
    /// There is nothing at this path, no such thing, or nothing to report on yet.
    NotFound = "not_found", NOT_FOUND, "Not found";
    /// No such user, or the caller may not see it.
    UserNotFound = "user_not_found", NOT_FOUND, "User not found";
    /// No such wallet, or the caller may not see it.
    WalletNotFound = "wallet_not_found", NOT_FOUND, "Wallet not found";
    /// No wallet in the source's currency belongs to this e-mail address.
    PayeeNotFound = "payee_not_found", NOT_FOUND, "Payee not found";
    /// No such transfer, or the caller may not see it.
    TransferNotFound = "transfer_not_found", NOT_FOUND, "Transfer not found";
    /// No such webhook, or the caller may not see it.
    WebhookNotFound = "webhook_not_found", NOT_FOUND, "Webhook not found";
    /// The webhook has no such delivery.
    DeliveryNotFound = "delivery_not_found", NOT_FOUND, "Delivery not found";
    /// No activity of this merchant is known.
    MerchantNotFound = "merchant_not_found", NOT_FOUND, "Merchant not found";
    /// The path has other methods; see `Allow`.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    /// The request did not arrive in time.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The request took too long to arrive";
    /// Another user has this e-mail.
    EmailTaken = "email_taken", CONFLICT, "E-mail already taken";
    /// The user has a wallet in this currency.
    WalletExists = "wallet_exists", CONFLICT, "Wallet already exists";
    /// The user is erased.
    UserErased = "user_erased", CONFLICT, "User erased";
    /// The wallet has changed since the caller read it: `If-Match` does not match.
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "Changed since it was looked at";
    /// The body is larger than this path takes.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "Body too large";
    /// The request target is longer than the server takes.
    UriTooLong = "uri_too_long", URI_TOO_LONG, "Request target too long";
    /// Wrong or missing content type, or an encoded body.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type";
    /// A field or parameter is missing, or has a value that is refused.
    InvalidField = "invalid_field", UNPROCESSABLE_ENTITY, "A field is not acceptable";
    /// The user has as many API keys as one may have.
    TooManyApiKeys = "too_many_api_keys", UNPROCESSABLE_ENTITY, "Too many API keys";
    /// The API key has expired, so it cannot be rolled.
    ApiKeyExpired = "api_key_expired", UNPROCESSABLE_ENTITY, "API key expired";
    /// The user has as many webhooks as one may have.
    TooManyWebhooks = "too_many_webhooks", UNPROCESSABLE_ENTITY, "Too many webhooks";
    /// The webhook is paused or disabled.
    WebhookNotActive = "webhook_not_active", UNPROCESSABLE_ENTITY, "Webhook not active";
    /// Not a currency of ISO 4217.
    UnknownCurrency = "unknown_currency", UNPROCESSABLE_ENTITY, "Unknown currency";
    /// The password is too short, too long or easy to guess.
    WeakPassword = "weak_password", UNPROCESSABLE_ENTITY, "Password not acceptable";
    /// The bank sends no mails, so it cannot mail a one-time token.
    MailNotConfigured = "mail_not_configured", UNPROCESSABLE_ENTITY, "The bank sends no mails";
    /// The amount is not a decimal above zero with at most 14 digits before the point and 4 after it.
    InvalidAmount = "invalid_amount", UNPROCESSABLE_ENTITY, "Invalid amount";
    /// The payment method is not open in this currency.
    UnknownMethod = "unknown_method", UNPROCESSABLE_ENTITY, "Unknown payment method";
    /// The transfer is not a hold.
    NotAHold = "not_a_hold", UNPROCESSABLE_ENTITY, "Not a hold";
    /// The transfer moved no money, or is a reversal itself.
    NotReversible = "not_reversible", UNPROCESSABLE_ENTITY, "Not reversible";
    /// Nothing remains of the hold.
    HoldClosed = "hold_closed", UNPROCESSABLE_ENTITY, "Hold closed";
    /// Less remains of the hold than asked for.
    AmountExceedsHold = "amount_exceeds_hold", UNPROCESSABLE_ENTITY, "Amount exceeds the hold";
    /// Less of the transfer is left to reverse than asked for.
    AmountExceedsOriginal = "amount_exceeds_original", UNPROCESSABLE_ENTITY, "Amount exceeds the original";
    /// Source and destination are one wallet.
    SameWallet = "same_wallet", UNPROCESSABLE_ENTITY, "Source and destination are the same wallet";
    /// One of the wallets is frozen.
    WalletFrozen = "wallet_frozen", UNPROCESSABLE_ENTITY, "Wallet frozen";
    /// One of the wallets is closed.
    WalletClosed = "wallet_closed", UNPROCESSABLE_ENTITY, "Wallet closed";
    /// A wallet with money in it cannot be closed.
    WalletNotEmpty = "wallet_not_empty", UNPROCESSABLE_ENTITY, "Wallet not empty";
    /// A user with wallets that are not closed cannot be erased.
    WalletsOpen = "wallets_open", UNPROCESSABLE_ENTITY, "Wallets not closed";
    /// The wallets hold different currencies.
    CurrencyMismatch = "currency_mismatch", UNPROCESSABLE_ENTITY, "Currencies differ";
    /// Less is available than asked for.
    InsufficientFunds = "insufficient_funds", UNPROCESSABLE_ENTITY, "Insufficient funds";
    /// A balance would leave the range of a wallet.
    BalanceOutOfRange = "balance_out_of_range", UNPROCESSABLE_ENTITY, "Balance out of range";
    /// The transfer would pass a limit of the source.
    LimitExceeded = "limit_exceeded", UNPROCESSABLE_ENTITY, "Limit exceeded";
    /// The key was used for another request.
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "Idempotency key used for another request";
    /// Too many requests from this caller.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
    /// The caller has as many streams open as one may have.
    TooManyStreams = "too_many_streams", TOO_MANY_REQUESTS, "Too many streams";
    /// The request's header is larger than the server takes.
    HeadersTooLarge = "headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "Request header too large";
    /// A bug of the server.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Internal error";
    /// A queue is full, or all connections are in use; nothing happened.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "Overloaded";
    /// Other writers kept changing the same wallets, or hold them locked; nothing happened.
    Contended = "contended", SERVICE_UNAVAILABLE, "Contended";
    /// Something the server needs is out of reach; nothing happened, but that an erasure may have begun.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Unavailable";
    /// The disk has no room for an upload; nothing was kept.
    StorageFull = "storage_full", INSUFFICIENT_STORAGE, "No room for the upload";
    /// It is not known whether the database kept the change: the one answer after which money may have moved.
    OutcomeUnknown = "outcome_unknown", SERVICE_UNAVAILABLE, "Outcome unknown";
    /// This server's clock and the database's are too far apart; nothing happened.
    ClockSkew = "clock_skew", SERVICE_UNAVAILABLE, "Clocks apart";
    /// The report is not there yet: the first import is still running.
    ImportRunning = "import_running", SERVICE_UNAVAILABLE, "An import is running";
}

impl Code {
    /// The `type` member: a path on this server where the code is explained.
    pub fn type_uri(self) -> String {
        format!("/docs/problems#{}", self.as_str())
    }

    /// The code for an answer of which only the status is known.
    pub fn of_status(status: StatusCode) -> Code {
        match status.as_u16() {
            401 => Code::Unauthenticated,
            403 => Code::Forbidden,
            404 => Code::NotFound,
            405 => Code::MethodNotAllowed,
            408 => Code::RequestTimeout,
            412 => Code::PreconditionFailed,
            413 => Code::BodyTooLarge,
            414 => Code::UriTooLong,
            415 => Code::UnsupportedMediaType,
            429 => Code::RateLimited,
            431 => Code::HeadersTooLarge,
            503 => Code::Unavailable,
            507 => Code::StorageFull,
            400..=499 => Code::InvalidRequest,
            _ => Code::Internal,
        }
    }

    /// Seconds to wait where the problem itself names no time: 429 and 503 always carry `Retry-After`.
    pub(super) fn default_retry_after_s(self) -> Option<u32> {
        matches!(
            self.status(),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        )
        .then_some(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_snake_case_failures() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.as_str().chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            assert!(code.status().as_u16() >= 400);
            assert!(!code.title().is_empty());
        }
    }
}
