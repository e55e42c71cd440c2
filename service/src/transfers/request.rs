//! The requests of callers, parsed and checked.

use super::canonical_json::canonical_json;
use crate::actor::Actor;
use crate::identity::Email;
use crate::ledger::{AskedAmount, HoldTerms};
use crate::values::{Method, Money, TransferId, WalletId};

/// Who asks, under which key, and whether they only ask what would happen.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The user who asks.
    pub actor: Actor,
    /// The key that makes a repeated request move money once.
    pub key: Option<IdempotencyKey>,
    /// True if nothing is to be written.
    pub is_dry_run: bool,
}

impl Asking {
    /// A user who asks without a key, and not for a dry run.
    #[must_use]
    pub fn by(actor: &Actor) -> Self {
        Self {
            actor: actor.clone(),
            key: None,
            is_dry_run: false,
        }
    }

    /// The same with a key.
    #[must_use]
    pub fn with_key(self, key: Option<IdempotencyKey>) -> Self {
        Self { key, ..self }
    }
}

/// A transfer that a customer asks for.
#[derive(Clone, Debug)]
pub struct NewTransfer {
    /// The wallet that pays; it must be the caller's own.
    pub source: WalletId,
    /// The wallet that receives.
    pub destination: NewDestination,
    /// `None` when the caller's text was not an amount; the ledger refuses it in the order of its rules.
    pub amount: Option<Money>,
    /// The caller's text, if any.
    pub description: Option<String>,
    /// The caller's JSON object, if any.
    pub metadata: Option<Metadata>,
    /// Set if the money is only to be held.
    pub hold: Option<HoldTerms>,
}

impl NewTransfer {
    /// A transfer without texts that moves the money at once.
    #[must_use]
    pub fn new(source: WalletId, destination: WalletId, amount: Option<Money>) -> Self {
        Self {
            source,
            destination: NewDestination::Wallet(destination),
            amount,
            description: None,
            metadata: None,
            hold: None,
        }
    }
}

/// How a caller names the wallet that receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewDestination {
    /// By its id.
    Wallet(WalletId),
    /// By the e-mail address of its owner: their wallet in the source's currency.
    Email(Email),
}

/// A deposit or withdrawal that a caller asks for.
#[derive(Clone, Debug)]
pub struct NewPayment {
    /// The customer's wallet.
    pub wallet: WalletId,
    /// `None` when the caller's text was not an amount.
    pub amount: Option<Money>,
    /// The payment method by which the money enters or leaves the bank.
    pub method: Method,
    /// The caller's text, if any.
    pub description: Option<String>,
    /// The caller's JSON object, if any.
    pub metadata: Option<Metadata>,
    /// Set if the money of a withdrawal is only to be held.
    pub hold: Option<HoldTerms>,
}

impl NewPayment {
    /// A payment without texts that moves the money at once.
    #[must_use]
    pub fn new(wallet: WalletId, amount: Option<Money>, method: Method) -> Self {
        Self {
            wallet,
            amount,
            method,
            description: None,
            metadata: None,
            hold: None,
        }
    }
}

/// A capture that a caller asks for.
#[derive(Clone, Debug)]
pub struct NewCapture {
    /// The hold.
    pub hold: TransferId,
    /// How much of it.
    pub amount: AskedAmount,
    /// True if the rest is to be given back.
    pub is_final: bool,
}

/// A reversal that an operator asks for.
#[derive(Clone, Debug)]
pub struct NewReversal {
    /// The transfer to take back.
    pub original: TransferId,
    /// How much of it.
    pub amount: AskedAmount,
    /// The caller's text, if any.
    pub description: Option<String>,
}

/// The most transfers of one batch.
pub const BATCH_MAX: usize = 1_000;

/// Transfers that one request asks for together: from 1 to [`BATCH_MAX`].
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// True if all are to be made or none.
    pub is_atomic: bool,
    /// The transfers, decided in this order.
    pub transfers: Vec<NewTransfer>,
}

/// A caller's key that makes a repeated request move money once: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The longest key, in characters.
    pub const LENGTH_MAX: usize = 255;

    /// Reads a header's value; `"k"` and `k` are the same key. `None` when it is malformed.
    #[must_use]
    pub fn try_new(header: &str) -> Option<Self> {
        let quoted = header.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let key = quoted.unwrap_or(header);
        let fits = (1..=Self::LENGTH_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        (fits && !key.contains('"')).then(|| Self(key.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A caller's JSON object, kept as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    text: String,
    canonical: String,
}

impl Metadata {
    /// The longest object, in bytes of JSON.
    pub const BYTES_MAX: usize = 4_096;
    /// The deepest nesting.
    pub const DEPTH_MAX: u32 = 32;

    /// Reads a JSON object; `None` when it is not one, too long, or nested too deeply.
    #[must_use]
    pub fn try_new(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > Self::BYTES_MAX || !text.starts_with('{') {
            return None;
        }
        let canonical = canonical_json(text, Self::DEPTH_MAX)?;
        Some(Self {
            text: text.to_owned(),
            canonical,
        })
    }

    /// The object as it was sent.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    pub(super) fn canonical(&self) -> &str {
        &self.canonical
    }

    pub(super) fn into_inner(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_with_and_without_quotes() {
        assert_eq!(IdempotencyKey::try_new("\"k\""), IdempotencyKey::try_new("k"));
        assert!(IdempotencyKey::try_new(&"k".repeat(255)).is_some());
        for bad in ["", "\"\"", "a b", "k\u{7f}", "ä", "\"k", "k\"", &"k".repeat(256)] {
            assert_eq!(IdempotencyKey::try_new(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn metadata_is_an_object_and_compared_by_its_values() {
        let read = |text: &str| Metadata::try_new(text).map(|metadata| metadata.canonical);
        assert_eq!(read(r#"{"a":1, "b":"\u0041"}"#), read(r#"{"b":"A","a":1}"#));
        assert_ne!(read(r#"{"a":1}"#), read(r#"{"a":2}"#));
        assert_ne!(read(r#"{"a":"1"}"#), read(r#"{"a":1}"#));
        for bad in [
            "[]",
            "1",
            "null",
            "{",
            "{}x",
            &format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40)),
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
