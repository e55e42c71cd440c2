//! Everything that the bank has about a person, as one JSON object. A page of each list is read, written and taken before
//! the next one is read, so an export of any length takes the memory of one page, and a client that hangs up ends the
//! reading.
//!
//! A fault breaks the object off before its last bracket: a part of an export is no JSON. Nothing is read in one snapshot,
//! so what happens meanwhile may be in it or not.

mod views;

pub use views::PersonalDataView;

use std::io;
use std::sync::Arc;

use futures_util::stream;
use poem::Body;
use serde::Serialize;
use service::Services;
use service::actor::Actor;
use service::audit::PersonLines;
use service::identity::{IdentityError, User};
use service::page::{Page, PageRequest};
use service::values::{ApiKeyId, AuditId, SessionId, TransferId, UserId, WalletId, WebhookId};
use service::wallets::Holder;
use uuid::Uuid;

use self::views::{ExportedApiKey, ExportedSession};
use crate::resources::audit_view::AuditLineView;
use crate::resources::transfer_view::TransferView;
use crate::resources::users::UserView;
use crate::resources::wallet_view::WalletView;
use crate::resources::webhook_view::WebhookView;
use crate::wire::broken_off;

/// How many items are read at once.
const PAGE: u64 = 500;

/// An export of a person's data, as far as it is written.
pub struct Export {
    services: Arc<Services>,
    user: User,
    next: ExportStep,
    /// Whether the present member has an item, so that the next one needs a comma.
    has_items: bool,
}

/// What is to be written next.
#[derive(Clone, Copy)]
enum ExportStep {
    /// The person.
    User,
    /// The items of a list after an id; the first ones when `None`.
    Page(ExportedList, Option<Uuid>),
    /// What is after the last list.
    End,
    /// Nothing.
    Nothing,
}

/// What is listed, in this order. Two lists may be one member of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExportedList {
    LiveSessions,
    EndedSessions,
    ApiKeys,
    Webhooks,
    Wallets,
    Transfers,
    TransfersAskedFor,
    LinesByPerson,
    LinesToPerson,
}

/// An export as a stream of bytes. Nothing is read before the first of them is asked for.
pub fn body(export: Export) -> Body {
    Body::from_bytes_stream(stream::try_unfold(export, |mut rest: Export| async move {
        let part = rest.next_part().await;
        let part = part.map_err(|error| broken_off(&format!("an export of user {}", rest.user.id), error))?;
        Ok::<_, io::Error>(part.map(|part| (part, rest)))
    }))
}

impl Export {
    /// Notes in the audit log that the person's data is read, before anything is read. Without an actor it is a command of
    /// the terminal.
    pub async fn begin(services: Arc<Services>, actor: Option<&Actor>, user: UserId) -> Result<Self, IdentityError> {
        let user = services.identity.note_export(actor, user).await?;
        Ok(Self {
            services,
            user,
            next: ExportStep::User,
            has_items: false,
        })
    }

    /// The next bytes; `None` after the last ones.
    pub async fn next_part(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let mut out = Vec::new();
        while out.is_empty() {
            match self.next {
                ExportStep::User => {
                    out.extend_from_slice(b"{\"user\":");
                    serde_json::to_writer(&mut out, &UserView::from(self.user.clone()))?;
                    self.next = ExportStep::Page(ExportedList::FIRST, None);
                }
                ExportStep::Page(list, after) => {
                    if let Some(opening) = list.opening().filter(|_| after.is_none()) {
                        out.extend_from_slice(opening.as_bytes());
                        self.has_items = false;
                    }
                    let after = self.write_page(list, after, &mut out).await?;
                    self.next = match (after, list.next()) {
                        (Some(after), _) => ExportStep::Page(list, Some(after)),
                        (None, Some(list)) => ExportStep::Page(list, None),
                        (None, None) => ExportStep::End,
                    };
                }
                ExportStep::End => {
                    out.extend_from_slice(b"]}");
                    self.next = ExportStep::Nothing;
                }
                ExportStep::Nothing => return Ok(None),
            }
        }
        Ok(Some(out))
    }

    /// Writes the items of a list after an id, and gives the id that the next ones come after; `None` at the list's end.
    async fn write_page(
        &mut self,
        list: ExportedList,
        after: Option<Uuid>,
        out: &mut Vec<u8>,
    ) -> anyhow::Result<Option<Uuid>> {
        let (services, user) = (self.services.clone(), self.user.id);
        let (identity, transfers) = (&services.identity, &services.transfers);
        let next = match list {
            ExportedList::LiveSessions | ExportedList::EndedSessions => {
                let is_ended = list == ExportedList::EndedSessions;
                let page = identity.kept_sessions(user, is_ended, request(after, SessionId));
                self.write(page.await?.map(ExportedSession::from), out)?.map(|id| id.0)
            }
            ExportedList::ApiKeys => {
                let page = identity.api_keys.of_owner(user, request(after, ApiKeyId)).await?;
                self.write(page.map(ExportedApiKey::from), out)?.map(|id| id.0)
            }
            ExportedList::Webhooks => {
                let page = services.webhooks.of_owner(user, request(after, WebhookId)).await?;
                self.write(page.map(WebhookView::from), out)?.map(|id| id.0)
            }
            ExportedList::Wallets => {
                let person = Actor::new(user, self.user.role);
                let page = services
                    .wallets
                    .list(&person, Holder::User(user), request(after, WalletId));
                self.write(page.await?.map(WalletView::from), out)?.map(|id| id.0)
            }
            ExportedList::Transfers => {
                let page = transfers.of_user(user, request(after, TransferId)).await?;
                self.write(page.map(|shown| TransferView::from(&shown)), out)?
                    .map(|id| id.0)
            }
            ExportedList::TransfersAskedFor => {
                let page = transfers.asked_by(user, request(after, TransferId)).await?;
                self.write(page.map(|shown| TransferView::from(&shown)), out)?
                    .map(|id| id.0)
            }
            ExportedList::LinesByPerson => {
                let page = identity.audit_lines(user, PersonLines::ByPerson, request(after, AuditId));
                self.write(page.await?.map(AuditLineView::from), out)?.map(|id| id.0)
            }
            ExportedList::LinesToPerson => {
                let page = identity.audit_lines(user, PersonLines::ToPerson, request(after, AuditId));
                self.write(page.await?.map(AuditLineView::from), out)?.map(|id| id.0)
            }
        };
        Ok(next)
    }

    fn write<T: Serialize, K>(&mut self, page: Page<T, K>, out: &mut Vec<u8>) -> io::Result<Option<K>> {
        for item in page.items {
            if self.has_items {
                out.push(b',');
            }
            self.has_items = true;
            serde_json::to_writer(&mut *out, &item)?;
        }
        Ok(page.next)
    }
}

impl ExportedList {
    const FIRST: Self = Self::LiveSessions;

    /// What is written before the first item; `None` for a list that goes on with the member before.
    fn opening(self) -> Option<&'static str> {
        match self {
            Self::LiveSessions => Some(",\"sessions\":["),
            Self::ApiKeys => Some("],\"api_keys\":["),
            Self::Webhooks => Some("],\"webhooks\":["),
            Self::Wallets => Some("],\"wallets\":["),
            Self::Transfers => Some("],\"transfers\":["),
            Self::LinesByPerson => Some("],\"audit\":["),
            Self::EndedSessions | Self::TransfersAskedFor | Self::LinesToPerson => None,
        }
    }

    fn next(self) -> Option<Self> {
        Some(match self {
            Self::LiveSessions => Self::EndedSessions,
            Self::EndedSessions => Self::ApiKeys,
            Self::ApiKeys => Self::Webhooks,
            Self::Webhooks => Self::Wallets,
            Self::Wallets => Self::Transfers,
            Self::Transfers => Self::TransfersAskedFor,
            Self::TransfersAskedFor => Self::LinesByPerson,
            Self::LinesByPerson => Self::LinesToPerson,
            Self::LinesToPerson => return None,
        })
    }
}

fn request<K>(after: Option<Uuid>, key: impl Fn(Uuid) -> K) -> PageRequest<K> {
    PageRequest {
        limit: PAGE,
        after: after.map(key),
    }
}
