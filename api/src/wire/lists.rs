//! Lists and their cursors. A cursor is the key of the last item, so it stays valid while rows are added.

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use serde::Serialize;
use serde_json::Value;
use service::imports::LineNumber;
use service::page::{Page, PageRequest};
use service::values::{ApiKeyId, AuditId, DeliveryId, ImportId, TransferId, UserId, WalletId, WebhookId};
use uuid::Uuid;

use super::parameters::{CURSOR_PATTERN, CursorText, LIMIT_DEFAULT, LIMIT_MAX, PageLimit};
use crate::problem::Problem;

/// A part of a list, newest first.
#[derive(Debug, Serialize)]
pub struct Listed<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// What to give as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// The page that a caller asks for.
pub struct ListQuery {
    /// The most items in the page; `LIMIT_DEFAULT` when `None`.
    pub limit: Option<PageLimit>,
    /// `next_cursor` of the page before; `None` for the first page.
    pub cursor: Option<CursorText>,
}

/// The key of a list, after which a page starts.
pub trait CursorKey: Sized {
    /// Writes the key with characters of `A-Z a-z 0-9 - _` only.
    fn write(&self) -> String;
    /// Reads a key back; `None` when the text is not a key of this list.
    fn read(text: &str) -> Option<Self>;
}

/// Reads the page that a caller asks for, and refuses a cursor that is not one of this list.
pub fn page_request<K: CursorKey>(query: ListQuery) -> Result<PageRequest<K>, Problem> {
    let limit = query.limit.map_or(LIMIT_DEFAULT, |limit| limit.0);
    let after = match query.cursor {
        None => None,
        Some(CursorText(text)) => Some(
            K::read(&text)
                .ok_or_else(|| Problem::invalid_field("cursor", "must be the next_cursor of a page of this list"))?,
        ),
    };
    Ok(PageRequest { limit, after })
}

impl<T> Listed<T> {
    /// Shapes a page of the service.
    pub fn of<U, K: CursorKey>(page: Page<U, K>, shape: impl FnMut(U) -> T) -> Self {
        let next_cursor = page.next.as_ref().map(CursorKey::write);
        Self {
            items: page.items.into_iter().map(shape).collect(),
            next_cursor,
        }
    }
}

/// By hand, since poem-openapi would call it `Listed_Transfer`: a reader expects `TransferList`.
impl<T: Type> Type for Listed<T> {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("{}List", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(Self::name().into_owned())
    }

    fn register(registry: &mut Registry) {
        registry.create_schema::<Self, _>(Self::name().into_owned(), |registry| {
            T::register(registry);
            let mut items = MetaSchema::new("array");
            items.description = Some("The items of this page.");
            items.items = Some(Box::new(T::schema_ref()));
            items.max_items = usize::try_from(LIMIT_MAX).ok();
            let mut next_cursor = MetaSchema::new("string");
            next_cursor.description = Some("What to give as `cursor` for the next page; null on the last one.");
            next_cursor.pattern = Some(CURSOR_PATTERN.to_owned());
            let mut list = MetaSchema::new("object");
            list.description = Some("A part of a list.");
            list.required = vec!["items"];
            list.properties = vec![
                ("items", MetaSchemaRef::Inline(Box::new(items))),
                ("next_cursor", MetaSchemaRef::Inline(Box::new(next_cursor))),
            ];
            list
        });
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: Type + Serialize> ToJSON for Listed<T> {
    fn to_json(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
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

impl CursorKey for ApiKeyId {
    fn write(&self) -> String {
        write_id('k', self.0)
    }

    fn read(text: &str) -> Option<Self> {
        read_id('k', text).map(Self)
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

impl CursorKey for UserId {
    fn write(&self) -> String {
        write_id('u', self.0)
    }

    fn read(text: &str) -> Option<Self> {
        read_id('u', text).map(Self)
    }
}

impl CursorKey for AuditId {
    fn write(&self) -> String {
        write_id('a', self.0)
    }

    fn read(text: &str) -> Option<Self> {
        read_id('a', text).map(Self)
    }
}

impl CursorKey for WebhookId {
    fn write(&self) -> String {
        write_id('h', self.0)
    }

    fn read(text: &str) -> Option<Self> {
        read_id('h', text).map(Self)
    }
}

impl CursorKey for ImportId {
    fn write(&self) -> String {
        write_id('i', self.0)
    }

    fn read(text: &str) -> Option<Self> {
        read_id('i', text).map(Self)
    }
}

impl CursorKey for LineNumber {
    fn write(&self) -> String {
        format!("l{}", self.0)
    }

    fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('l')?;
        let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
        is_number.then(|| digits.parse().ok()).flatten().map(Self)
    }
}

impl CursorKey for DeliveryId {
    fn write(&self) -> String {
        write_id('d', self.0)
    }

    fn read(text: &str) -> Option<Self> {
        read_id('d', text).map(Self)
    }
}
