//! Every error of API keys as a problem document.

use service::identity::api_keys::{
    ApiKeyError, KEY_ADDRESSES_MAX, KEY_NAME_MAX, KEY_WALLETS_MAX, KeyRefusal, LIVE_KEYS_MAX, NewKeyFault,
};

use super::identity::asker_changed;
use crate::problem::{Code, FieldFault, Problem};

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::NotFound => Self::new(Code::NotFound, "there is no such API key"),
            ApiKeyError::Forbidden => Self::new(Code::Forbidden, "only an admin may look at the API keys of others"),
            ApiKeyError::Refused(faults) => {
                Self::of_fields(Code::InvalidField, faults.into_iter().map(field_fault).collect())
            }
            ApiKeyError::TooMany => Self::new(
                Code::TooManyApiKeys,
                format!("you have {LIVE_KEYS_MAX} API keys, which is the most; revoke one first"),
            ),
            ApiKeyError::Expired => Self::new(Code::ApiKeyExpired, "the API key has expired; make a new one"),
            ApiKeyError::AskerChanged => asker_changed(),
            ApiKeyError::Fault(fault) => fault.into(),
        }
    }
}

impl From<KeyRefusal> for Problem {
    fn from(refusal: KeyRefusal) -> Self {
        match refusal {
            // One sentence for all reasons, so that a stolen key tells nothing.
            KeyRefusal::Invalid | KeyRefusal::Expired => Self::new(
                Code::Unauthenticated,
                "the API key is unknown, revoked or expired, or may not be used from this address",
            ),
            KeyRefusal::Overloaded => Self::new(
                Code::Overloaded,
                "too many API keys are being looked up; nothing happened",
            )
            .retry_after(1),
            KeyRefusal::Fault(fault) => fault.into(),
        }
    }
}

fn field_fault(fault: NewKeyFault) -> FieldFault {
    match fault {
        NewKeyFault::Name => FieldFault::new(
            "name",
            format!("must have 1 to {KEY_NAME_MAX} characters, all of which can be seen"),
        ),
        NewKeyFault::ScopeCount => FieldFault::new("scopes", "must name at least one permission, and each once"),
        NewKeyFault::UnknownScope { index, word } => {
            FieldFault::new(format!("scopes[{index}]"), format!("there is no permission {word}"))
        }
        NewKeyFault::UngrantableScope { index, permission } => FieldFault::new(
            format!("scopes[{index}]"),
            format!("an API key never has the permission {}", permission.as_str()),
        ),
        NewKeyFault::ScopeNotHeld { index, permission } => FieldFault::new(
            format!("scopes[{index}]"),
            format!("you do not have the permission {} yourself", permission.as_str()),
        ),
        NewKeyFault::OpensWallets { index } => FieldFault::new(
            format!("scopes[{index}]"),
            "a key with wallet_ids cannot open other wallets; leave out one of the two",
        ),
        NewKeyFault::WalletCount => FieldFault::new(
            "wallet_ids",
            format!("must have 1 to {KEY_WALLETS_MAX} ids; leave it out for all wallets"),
        ),
        NewKeyFault::UnknownWallet { index } => {
            FieldFault::new(format!("wallet_ids[{index}]"), "there is no such wallet of yours")
        }
        NewKeyFault::AddressCount => FieldFault::new(
            "addresses",
            format!("must have 1 to {KEY_ADDRESSES_MAX} items; leave it out for any address"),
        ),
        NewKeyFault::Address { index } => FieldFault::new(
            format!("addresses[{index}]"),
            "must be an IP address or a network, such as 192.0.2.7 or 2001:db8::/32",
        ),
        NewKeyFault::ExpiresTooEarly => FieldFault::new("expires_at", "must be in the future"),
        NewKeyFault::ExpiresTooLate => FieldFault::new("expires_at", "must be at most ten years from now"),
    }
}
