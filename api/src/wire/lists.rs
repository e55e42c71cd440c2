//! Lists and their cursors. A cursor is the key of the last item, so it stays valid while rows are added.

use poem_openapi::Object;
use poem_openapi::types::{ParseFromJSON, ToJSON, Type};
use serde::Serialize;
use service::page::{Page, PageRequest};
use service::values::{TransferId, Version, WalletId};
use uuid::Uuid;

use crate::problem::Problem;

/// Items in a page when the caller names no number.
pub const LIMIT_DEFAULT: u64 = 50;
/// Items in the longest page.
pub const LIMIT_MAX: u64 = 500;

/// A part of a list, newest first.
#[derive(Debug, Object, Serialize)]
pub struct Listed<T: Type + ParseFromJSON + ToJSON + Serialize> {
    /// The items of this page.
    pub items: Vec<T>,
    /// What to give as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// What a caller said about the page: `limit` and `cursor`.
pub struct ListQuery {
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

/// A key that pages of a list start after.
pub trait CursorKey: Sized {
    /// Writes the key with characters of `A-Z a-z 0-9 - _` only.
    fn write(&self) -> String;
    /// Reads it back; `None` when it is no such key.
    fn read(text: &str) -> Option<Self>;
}

/// Reads what a caller said about the page.
pub fn page_request<K: CursorKey>(query: ListQuery) -> Result<PageRequest<K>, Problem> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid_field(
            "limit",
            format!("a page has 1 to {LIMIT_MAX} items"),
        ));
    }
    let after = match query.cursor {
        None => None,
        Some(text) => Some(
            K::read(&text).ok_or_else(|| Problem::invalid_field("cursor", "this is no cursor that this list gave"))?,
        ),
    };
    Ok(PageRequest { limit, after })
}

impl<T: Type + ParseFromJSON + ToJSON + Serialize> Listed<T> {
    /// Shapes a page of the service.
    pub fn of<U, K: CursorKey>(page: Page<U, K>, shape: impl FnMut(U) -> T) -> Self {
        let next_cursor = page.next.as_ref().map(CursorKey::write);
        Self {
            items: page.items.into_iter().map(shape).collect(),
            next_cursor,
        }
    }
}

fn write_id(kind: char, id: Uuid) -> String {
    format!("{kind}{}", id.simple())
}

fn read_id(kind: char, text: &str) -> Option<Uuid> {
    let digits = text.strip_prefix(kind)?;
    let is_simple = digits.len() == 32;
    is_simple.then(|| Uuid::try_parse(digits).ok()).flatten()
}

impl CursorKey for WalletId {
    fn write(&self) -> String {
        write_id('w', self.0)
    }

    fn read(text: &str) -> Option<Self> {
        read_id('w', text).map(Self)
    }
}

impl CursorKey for TransferId {
    fn write(&self) -> String {
        write_id('t', self.0)
    }

    fn read(text: &str) -> Option<Self> {
        read_id('t', text).map(Self)
    }
}

impl CursorKey for Version {
    fn write(&self) -> String {
        format!("v{}", self.0)
    }

    fn read(text: &str) -> Option<Self> {
        let number = text.strip_prefix('v')?.parse().ok()?;
        (number >= 0).then_some(Self(number))
    }
}
