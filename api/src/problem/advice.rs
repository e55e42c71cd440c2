//! What each code means and what to do about it, for the page to which a problem's `type` links. No `_` arm, so that a
//! new code without advice is a compile error.

use super::Code;

/// The explanation of a code, for the person who gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// What happened.
    pub meaning: &'static str,
    /// What to do next: what to change, whether to send it again, and with which key.
    pub action: &'static str,
}

const fn advice(meaning: &'static str, action: &'static str) -> Advice {
    Advice { meaning, action }
}

const SAME_KEY: &str =
    "Wait for the seconds in Retry-After, then send the same request again, with the same Idempotency-Key.";
const FIX_FIELDS: &str = "Correct every field that errors names, then send it again. The same Idempotency-Key may be used: it is not used up.";
const NEW_KEY: &str = "Sending the same request again under the same Idempotency-Key gives the same answer. When the reason is gone, send it \
    with a new key.";

impl Code {
    /// What it means and what to do.
    #[expect(clippy::too_many_lines, reason = "this is a table with a row for each code")]
    pub const fn advice(self) -> Advice {
        match self {
            Self::InvalidRequest => advice(
                "Something in the request is missing, unknown or of another kind; errors names every such field and parameter. \
                 Nothing happened.",
                FIX_FIELDS,
            ),
            Self::InvalidIdempotencyKey => advice(
                "The Idempotency-Key is not 1 to 255 visible ASCII characters, or is given twice. Nothing happened.",
                "Choose another key, for instance a UUID, and send the request again.",
            ),
            Self::Unauthenticated => advice(
                "There is no access token or API key in the Authorization header, or it has expired, was revoked, or is not \
                 one of this bank's.",
                "Get a new token at POST /v1/auth/refresh or POST /v1/auth/login, then send the request again with the new token and the same Idempotency-Key.",
            ),
            Self::InvalidCredentials => advice(
                "The e-mail address or the password is wrong. The answer does not tell which.",
                "Check both. Sending the same ones again does not help.",
            ),
            Self::InvalidToken => advice(
                "The one-time token is not one of this bank's, was used, has expired after half an hour, was replaced by a newer one, \
                 or its user is suspended. The answer does not tell which. Nothing happened.",
                "Ask for a new token: at POST /v1/auth/forgotten, at PATCH /v1/users/me for a new address, or from an operator.",
            ),
            Self::Forbidden => advice(
                "The caller is known and may not do this.",
                "Sending it again does not help. Ask as a user whose role may do it.",
            ),
            Self::SystemWallet => advice(
                "The wallet is the bank's own. Such wallets cannot be frozen, closed or limited.",
                "Sending it again does not help. Name a customer's wallet.",
            ),
            Self::NotFound => advice(
                "There is nothing at this path, no such thing, or nothing to report on yet.",
                "Check the path and the id. For a report, import data first.",
            ),
            Self::UserNotFound => advice(
                "There is no such user, or the caller may not see them.",
                "Check the id. Sending it again does not help.",
            ),
            Self::WalletNotFound => advice(
                "There is no such wallet, or the caller may not see it or take money from it. Nothing happened.",
                "Check the ids of the wallets, correct them, and send it again. The same Idempotency-Key may be used: it is not \
                 used up.",
            ),
            Self::PayeeNotFound => advice(
                "No user with this e-mail address has a wallet in the source's currency. Nothing happened.",
                "Check the address, or ask the person for the id of a wallet. The same Idempotency-Key may be used: it is not \
                 used up.",
            ),
            Self::NotAHold => advice(
                "The transfer is not a hold, so it cannot be captured or voided. Nothing happened.",
                "Name a transfer of kind HOLD.",
            ),
            Self::NotReversible => advice(
                "Only transfers that moved money can be reversed: TRANSFER, DEPOSIT, WITHDRAWAL and CAPTURE that are COMPLETED. \
                 Nothing happened.",
                "Name one of these. A hold is voided instead.",
            ),
            Self::HoldClosed => advice(
                "Nothing remains of the hold: it was captured or voided, or, where reason is expired, its time ran out. Nothing \
                 happened.",
                "Look at the hold with GET /v1/transfers/{transfer_id}. For more money, ask for a new hold.",
            ),
            Self::AmountExceedsHold => advice(
                "Less remains of the hold: remaining says how much. Nothing happened.",
                "Ask for at most that much, under the same Idempotency-Key if you like: it is not used up.",
            ),
            Self::AmountExceedsOriginal => advice(
                "Less of the transfer is left to reverse: remaining says how much. Nothing happened.",
                "Ask for at most that much, under the same Idempotency-Key if you like: it is not used up.",
            ),
            Self::TransferNotFound => advice(
                "There is no such transfer, or the caller may not see it.",
                "Check the id. Sending it again does not help.",
            ),
            Self::WebhookNotFound => advice(
                "There is no such webhook, or the caller may not see it: only its user, operators and admins may.",
                "Check the id: GET /v1/webhooks lists them. Sending it again does not help.",
            ),
            Self::DeliveryNotFound => advice(
                "The webhook has no such delivery. What is delivered or parked is kept for seven days.",
                "Check the id: GET /v1/webhooks/{webhook_id}/deliveries lists them. For older events use POST \
                 /v1/webhooks/{webhook_id}/replay.",
            ),
            Self::MerchantNotFound => advice(
                "No activity of this merchant is known.",
                "Check the merchant's id, or import the file that has their activities.",
            ),
            Self::MethodNotAllowed => advice(
                "The path exists and has no such method.",
                "Use one of the methods in the Allow header.",
            ),
            Self::RequestTimeout => advice(
                "The request did not arrive in time. Nothing happened.",
                "Send it again on a new connection, with the same Idempotency-Key.",
            ),
            Self::EmailTaken => advice(
                "A user with this e-mail address exists. Nothing happened.",
                "Sign in, or register with another address.",
            ),
            Self::WalletExists => advice(
                "The customer has a wallet in this currency. A customer has one for each.",
                "Use that wallet: GET /v1/wallets lists it.",
            ),
            Self::UserErased => advice(
                "The user is erased, for good: the bank keeps nothing that tells who they were. Nothing happened.",
                "Sending it again does not help. The person may register anew.",
            ),
            Self::PreconditionFailed => advice(
                "The thing has changed since the caller looked at it, so If-Match does not fit. Nothing happened.",
                "Get it again, look at what has changed, and send the request with the new ETag.",
            ),
            Self::BodyTooLarge => advice(
                "The body is larger than this path takes; max_bytes says how much it takes. Nothing happened.",
                "Send less at once, for instance a file in several parts.",
            ),
            Self::UriTooLong => advice(
                "The path with its query is longer than the server takes.",
                "Shorten the query.",
            ),
            Self::UnsupportedMediaType => advice(
                "The Content-Type is missing or not taken here, or the body is compressed.",
                "Send JSON as application/json in UTF-8, files as multipart/form-data, both without Content-Encoding.",
            ),
            Self::InvalidField => advice(
                "A field or parameter is missing or has a value that is not taken. errors names every one. Nothing happened.",
                FIX_FIELDS,
            ),
            Self::UnknownCurrency => advice(
                "The currency is not a code of ISO 4217. Nothing happened.",
                "Use three capital letters such as USD or EUR.",
            ),
            Self::WeakPassword => advice(
                "The password has fewer than 12 or more than 128 characters, or is easy to guess. Nothing happened.",
                "Take several words that do not belong together; the detail says what is wrong.",
            ),
            Self::MailNotConfigured => advice(
                "The bank sends no mails, so it cannot mail a one-time token. Nothing happened.",
                "Ask an operator for a token, who gets it at POST /v1/users/{user_id}/reset or with florin user email.",
            ),
            Self::TooManyApiKeys => advice(
                "The user has 50 API keys that are neither revoked nor expired, which is the most. Nothing happened.",
                "Revoke a key that no program uses any more: last_used_at in GET /v1/api-keys tells which. Then send it again.",
            ),
            Self::ApiKeyExpired => advice(
                "The API key has expired, so a new secret would not be valid either. Nothing happened.",
                "Make a new key with POST /v1/api-keys.",
            ),
            Self::TooManyWebhooks => advice(
                "The user has 16 webhooks, which is the most. Nothing happened.",
                "Delete one that no program uses any more with DELETE /v1/webhooks/{webhook_id}, or let one of them get more \
                 types of events. Then send it again.",
            ),
            Self::WebhookNotActive => advice(
                "The webhook is paused, or the bank has disabled it: disabled_reason in GET /v1/webhooks/{webhook_id} says why. \
                 Nothing was sent.",
                "Make it active with PATCH /v1/webhooks/{webhook_id} and {\"status\":\"active\"}, then send the request again.",
            ),
            Self::InvalidAmount => advice(
                "The amount is not above zero, or has more than 14 digits before the point or 4 after it, or an exponent. Nothing \
                 happened.",
                "Send it as a string such as \"12.50\". The same Idempotency-Key may be used: it is not used up.",
            ),
            Self::UnknownMethod => advice(
                "The payment method is not open in the wallet's currency. Nothing happened.",
                "Name another method, or ask an operator, whose first payment by it opens it. The same Idempotency-Key may be \
                 used: it is not used up.",
            ),
            Self::SameWallet => advice(
                "Source and destination are the same wallet. Nothing happened.",
                "Name two wallets. The same Idempotency-Key may be used: it is not used up.",
            ),
            Self::WalletFrozen => advice(
                "The source or the destination is frozen. No money moved; the refusal is recorded as transfer_id.",
                NEW_KEY,
            ),
            Self::WalletClosed => advice(
                "The wallet, or one of the two, is closed for good. No money moved; a refused transfer is recorded as transfer_id.",
                "Sending it again does not help. Use another wallet, under a new Idempotency-Key.",
            ),
            Self::WalletNotEmpty => advice(
                "The wallet has money in it, so it cannot be closed. Nothing happened.",
                "Move its balance away and let its holds end, then close it.",
            ),
            Self::WalletsOpen => advice(
                "The user has wallets that are not closed: wallet_ids names them. Nothing was erased.",
                "Close each with POST /v1/wallets/{wallet_id}/close once it is empty, then send the request again.",
            ),
            Self::CurrencyMismatch => advice(
                "The wallets hold different currencies. No money moved; the refusal is recorded as transfer_id.",
                "Name wallets of one currency, under a new Idempotency-Key. The bank does not exchange currencies.",
            ),
            Self::InsufficientFunds => advice(
                "The source has less than the amount: available says how much. No money moved; the refusal is recorded as \
                 transfer_id.",
                NEW_KEY,
            ),
            Self::BalanceOutOfRange => advice(
                "A wallet would hold more than the bank can write down. No money moved; the refusal is recorded as transfer_id.",
                NEW_KEY,
            ),
            Self::LimitExceeded => advice(
                "The transfer would pass the limit of the source that limit names; remaining says how much is left of it. No money \
                 moved; the refusal is recorded as transfer_id.",
                NEW_KEY,
            ),
            Self::IdempotencyKeyReused => advice(
                "The Idempotency-Key belongs to an earlier request that asked for something else. Nothing happened now.",
                "Send this request with a new key. To see what the key did, send the earlier request again with it.",
            ),
            Self::RateLimited => advice(
                "The caller sends too many requests, names too many unknown e-mail addresses, or fails too often to sign \
                 in. Nothing happened.",
                "Wait as many seconds as Retry-After says, then send the same request with the same Idempotency-Key.",
            ),
            Self::TooManyStreams => advice(
                "The user, with their API keys, has 16 streams of events open at this server, which is the most.",
                "End a stream that no program reads any more, or let one stream get what several did. A stream that a client has \
                 left counts until the server's next heartbeat, within 15 seconds.",
            ),
            Self::HeadersTooLarge => advice(
                "The headers of the request are larger than the server takes.",
                "Send fewer or shorter headers.",
            ),
            Self::Internal => advice(
                "The bank has a fault. The server's log tells the operators more, under the request_id.",
                "Tell the operators the request_id. A request that moves money may be sent again with the same Idempotency-Key; \
                 without a key, look at the wallet first.",
            ),
            Self::Overloaded => advice("Too much is waiting already. Nothing happened.", SAME_KEY),
            Self::Contended => advice(
                "Others kept changing the same wallets, or hold them locked. Nothing happened.",
                SAME_KEY,
            ),
            Self::Unavailable => advice(
                "Something that the bank needs, such as its database, is out of reach. Nothing happened; only an erasure may \
                 have begun, and detail says so.",
                SAME_KEY,
            ),
            Self::StorageFull => advice(
                "The server's disk has no room for the upload. Nothing was kept.",
                "Ask the operators to make room, then send the file again.",
            ),
            Self::OutcomeUnknown => advice(
                "The database went away while it wrote. This is the one answer after which money may have moved, or a wallet been opened \
                 or changed.",
                "Send the same request again with the same Idempotency-Key: it moves money once and tells what happened. Without a \
                 key, look first whether it happened. After a registration sign in, which opens the wallet.",
            ),
            Self::ClockSkew => advice(
                "This server's clock and the database's are more than two seconds apart, so nothing may be dated. Nothing happened.",
                SAME_KEY,
            ),
            Self::ImportRunning => advice(
                "The report is not there yet, because the first import still runs.",
                "Wait for the seconds in Retry-After, then ask again. GET /readyz shows how far the import is.",
            ),
        }
    }
}
