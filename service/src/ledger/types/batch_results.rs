//! The outcomes of a batch as they are kept for a repeated request: JSON, an object with `items`, or with `index` and
//! `item` for an atomic batch that was refused. An item is the id of its transfer, or the code of a refusal that is not
//! recorded. Pure.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answers::{BatchOutcome, ItemOutcome, Refusal};
use crate::values::TransferId;

/// The kept outcomes of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BatchResults {
    /// Each transfer has its own outcome.
    Done {
        /// In the order of the request.
        items: Vec<ItemResult>,
    },
    /// An atomic batch was refused as a whole.
    Refused {
        /// Which transfer was at fault, from 0.
        index: usize,
        /// Its outcome.
        item: ItemResult,
    },
}

/// The kept outcome of one transfer of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ItemResult {
    /// The transfer that is stored.
    Recorded(TransferId),
    /// A refusal that is not recorded.
    Refused(Refusal),
}

impl BatchResults {
    /// Reads what is kept; `None` if it is damaged.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl BatchOutcome {
    /// The text that is kept.
    #[must_use]
    pub fn as_results(&self) -> String {
        let results = match self {
            Self::Done { items, .. } => BatchResults::Done {
                items: items.iter().map(ItemResult::from).collect(),
            },
            Self::Refused { index, item } => BatchResults::Refused {
                index: *index,
                item: item.into(),
            },
        };
        serde_json::to_string(&results).expect("texts and numbers are JSON")
    }
}

impl From<&ItemOutcome> for ItemResult {
    fn from(item: &ItemOutcome) -> Self {
        match item {
            ItemOutcome::Recorded(transfer) => Self::Recorded(transfer.id),
            ItemOutcome::Refused(refusal) => Self::Refused(*refusal),
        }
    }
}

impl From<ItemResult> for String {
    fn from(item: ItemResult) -> Self {
        match item {
            ItemResult::Recorded(id) => id.to_string(),
            ItemResult::Refused(refusal) => refusal.code().to_owned(),
        }
    }
}

impl TryFrom<String> for ItemResult {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let of_batches = [
            Refusal::InvalidAmount,
            Refusal::WalletNotFound,
            Refusal::PayeeNotFound,
            Refusal::SameWallet,
        ];
        let refusal = of_batches.into_iter().find(|refusal| refusal.code() == text);
        match (refusal, Uuid::try_parse(&text)) {
            (Some(refusal), _) => Ok(Self::Refused(refusal)),
            (None, Ok(id)) => Ok(Self::Recorded(TransferId(id))),
            (None, Err(_)) => Err(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back() {
        let items = vec![
            ItemResult::Recorded(TransferId(Uuid::from_u128(7))),
            ItemResult::Refused(Refusal::SameWallet),
        ];
        for results in [
            BatchResults::Done { items: items.clone() },
            BatchResults::Refused {
                index: 3,
                item: items[0].clone(),
            },
        ] {
            let text = serde_json::to_string(&results).expect("is JSON");
            assert_eq!(BatchResults::read(&text), Some(results), "{text}");
        }
        assert_eq!(BatchResults::read(r#"{"items":["something"]}"#), None);
    }
}
