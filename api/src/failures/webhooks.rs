//! Every error of webhooks as a problem document.

use service::ledger::Refusal;
use service::webhooks::{DESCRIPTION_MAX, HOOK_WALLETS_MAX, UrlRefusal, WEBHOOKS_MAX, WebhookFault, WebhooksError};

use super::events::unknown_cursor;
use super::identity::asker_changed;
use super::refused;
use crate::problem::{Code, FieldFault, Problem};
use crate::wire::event_type_expected;

impl From<WebhooksError> for Problem {
    fn from(error: WebhooksError) -> Self {
        match error {
            WebhooksError::NotFound => Self::new(Code::WebhookNotFound, "there is no such webhook"),
            WebhooksError::DeliveryNotFound => Self::new(Code::DeliveryNotFound, "the webhook has no such delivery"),
            WebhooksError::WalletNotFound(_) => refused(Refusal::WalletNotFound),
            WebhooksError::Invalid(faults) => {
                Self::of_fields(Code::InvalidField, faults.into_iter().map(field_fault).collect())
            }
            WebhooksError::NotActive => Self::new(
                Code::WebhookNotActive,
                "the webhook is paused or disabled; make it active first",
            ),
            WebhooksError::TooManyWebhooks => Self::new(
                Code::TooManyWebhooks,
                format!("you have {WEBHOOKS_MAX} webhooks, which is the most; delete one first"),
            ),
            WebhooksError::TooManyPending => Self::new(
                Code::RateLimited,
                "too many deliveries of the webhook are waiting; ask again when some of them have ended",
            )
            .retry_after(PENDING_RETRY_S),
            WebhooksError::TooManyTests => Self::new(
                Code::RateLimited,
                "too many of your tests are in hand; ask again when one of them has ended",
            )
            .retry_after(PENDING_RETRY_S),
            WebhooksError::Forbidden => Self::new(
                Code::Forbidden,
                "webhooks are for customers, operators and admins, and a key also needs transfers:read; \
                 only operators and admins may name another user",
            ),
            WebhooksError::AskerChanged => asker_changed(),
            WebhooksError::UnknownCursor => unknown_cursor(),
            WebhooksError::Fault(fault) => fault.into(),
        }
    }
}

fn field_fault(fault: WebhookFault) -> FieldFault {
    match fault {
        WebhookFault::Url(refusal) => FieldFault::new("url", must_be(refusal)),
        WebhookFault::NoTypes => {
            FieldFault::new("types", "must name at least one type of events; leave it out for all")
        }
        WebhookFault::UnknownType { index, word } => {
            FieldFault::new(format!("types[{index}]"), event_type_expected(&word))
        }
        WebhookFault::WalletCount => FieldFault::new(
            "wallet_ids",
            format!("must have 1 to {HOOK_WALLETS_MAX} ids; leave it out for all wallets"),
        ),
        WebhookFault::Description => FieldFault::new(
            "description",
            format!("must have 1 to {DESCRIPTION_MAX} characters, all of which can be seen"),
        ),
        WebhookFault::Status => FieldFault::new("status", "must be one of active, paused"),
    }
}

/// As long as a failing delivery waits between its first attempts.
const PENDING_RETRY_S: u32 = 5;

const fn must_be(refusal: UrlRefusal) -> &'static str {
    match refusal {
        UrlRefusal::TooLong => "must have at most 2 048 characters",
        UrlRefusal::Malformed => "must be a whole URL, such as https://shop.example/florin",
        UrlRefusal::NotHttps => "must begin with https://, or with http:// at a bank that allows private addresses",
        UrlRefusal::HasCredentials => "must not have a user or a password",
        UrlRefusal::HasFragment => "must not have a fragment",
        UrlRefusal::PrivateHost => "must name a host on the public internet",
    }
}
