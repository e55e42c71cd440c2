//! A search for users, by how an address or a name begins. Pure.

use uuid::Uuid;

use crate::characters::{folded, plain_name};
use crate::values::UserId;

const SEARCH_MAX: usize = 200;

/// What staff look for among users: how an e-mail address or a name begins, or a whole user id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSearch {
    prefix: String,
    id: Option<UserId>,
}

impl UserSearch {
    /// Reads a text of 1 to 200 visible characters; `None` when it is not one. Case does not count, accents do; no
    /// character stands for others.
    #[must_use]
    pub fn try_new(text: &str) -> Option<Self> {
        let text = plain_name(text, SEARCH_MAX)?;
        Some(Self {
            prefix: name_key(&text),
            id: Uuid::try_parse(&text).ok().map(UserId),
        })
    }

    /// The user id, if the text is one.
    #[must_use]
    pub fn id(&self) -> Option<UserId> {
        self.id
    }

    /// What an address or a name begins with, as both are compared.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// True for a user with this id, or whose address or name begins so; both as they are compared.
    pub(super) fn admits(&self, id: UserId, email: &str, name_key: &str) -> bool {
        self.id == Some(id) || email.starts_with(&self.prefix) || name_key.starts_with(&self.prefix)
    }
}

/// A name as a search compares it. Addresses are kept in this form.
pub(super) fn name_key(name: &str) -> String {
    folded(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::rules::erased_email;

    #[test]
    fn a_search_admits_beginnings_in_any_case_and_a_whole_id() {
        let (id, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let admits = |text: &str, email: &str, name: &str| {
            let search = UserSearch::try_new(text).expect("it can be searched for");
            search.admits(id, email, &name_key(name))
        };
        for text in [
            "a",
            "ANA",
            "ana@example",
            " Ana  SIL",
            "rene\u{301}",
            "RENÉ",
            &id.to_string(),
        ] {
            let is_admitted = admits(text, "ana@example.com", "Ana Silva") || admits(text, "r@example.com", "René Roy");
            assert!(is_admitted, "{text}");
        }
        let (other, part) = (other.to_string(), &id.to_string()[..35]);
        for text in ["na", "silva", "%", "_na", "an_", "rene", &other, part] {
            let is_admitted = admits(text, "ana@example.com", "Ana Silva") || admits(text, "r@example.com", "René Roy");
            assert!(!is_admitted, "{text}");
        }
        for bad in ["", " ", "a\0", "a\u{202e}", "\u{301}", &"a".repeat(201)] {
            assert_eq!(UserSearch::try_new(bad), None, "{bad:?}");
        }
        // The address of an erased user begins with the id, and there is no name to search for.
        let (whole, erased) = (id.to_string(), erased_email(id));
        assert!(admits(&whole, &erased, "") && admits(&whole[..8], &erased, ""));
        assert!(!admits("ana", &erased, "") && !admits("erased", &erased, ""));
    }
}
