//! `/v1/events`: what happened to transfers and wallets, in the order of the bank's journal, as pages and as a stream.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Query};
use service::Services;
use service::events::{EventCursor, EventFilter, EventScope, Events, EventsError};
use service::values::{TransferId, WalletId};
use uuid::Uuid;

use super::Tag;
use super::event_stream::{self, StreamParts};
use super::event_view::{EventPageView, EventView};
use crate::auth::{StreamCaller, TransfersRead};
use crate::problem::{ApiResult, Problem};
use crate::wire::{
    EVENT_CURSOR_EXPECTED, EventCursorText, EventLimit, EventTypesText, Json, LIMIT_DEFAULT, PageLimit, SentEvents,
};

/// The handlers of `/v1/events`.
pub struct EventsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

#[OpenApi(prefix_path = "/v1/events", tag = "Tag::Events")]
impl EventsApi {
    /// List events
    ///
    /// Oldest first, from `after` on: give `next_cursor` as the next `after`, at the end of the feed too, and you read every
    /// event once, in the order in which the bank decided. Customers get the events of their own wallets; of a refused
    /// transfer, only the owner of its source and the user who asked. Callers with `events:read` get all.
    ///
    /// An event has the transfer or the wallet as it was then: a hold as it began, a transfer without later reversals. A page
    /// may hold fewer events than `limit`, or none, while `has_more` is true: go on.
    #[oai(path = "/", method = "get", operation_id = "events_list")]
    async fn list(
        &self,
        TransfersRead(actor): TransfersRead,
        /// Only what happened after this event: its id, or `next_cursor` of the page before. Without it: from the beginning.
        after: Query<Option<EventCursorText>>,
        /// Only these types, separated by commas, such as `transfer.completed,hold.created`.
        types: Query<Option<EventTypesText>>,
        /// Only what happened to this wallet, or moved money in or out of it.
        wallet_id: Query<Option<Uuid>>,
        /// Only this transfer with its captures, its release and its reversals.
        transfer_id: Query<Option<Uuid>>,
        /// Events in the page, 1 to 500.
        limit: Query<Option<PageLimit>>,
    ) -> ApiResult<Json<EventPageView>> {
        let filter = filter_of(types.0, wallet_id.0, transfer_id.0);
        let after = after.0.map(|after| after.0);
        let limit = limit.0.map_or(LIMIT_DEFAULT, |limit| limit.0) as usize;
        let scope = EventScope::of(&actor);
        let page = self.events().page(&scope, &filter, after.as_ref(), limit).await?;
        Ok(Json(page.into()))
    }

    /// Stream of events
    ///
    /// The same events as server-sent events, as they happen: `id` is the event's id, `event` its type, `data` the event. The
    /// stream goes on behind the event that `Last-Event-ID` names, which clients of server-sent events send when they connect
    /// again, else behind `after`; without both it begins with what happens from now on. So no event is lost or repeated.
    ///
    /// A heartbeat comes at once and then every 15 s: a comment, and the id to go on behind. A stream ends after 15 minutes, as a
    /// token does, and soon after the session or API key has ended; clients connect again. With `limit` it ends earlier:
    /// Swagger UI asks for 3 events where the field is empty, since it shows an answer only when it has ended. A user may have
    /// 16 streams open at a server.
    #[oai(path = "/stream", method = "get", operation_id = "events_stream")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each query parameter is an argument of its own in poem-openapi"
    )]
    async fn stream(
        &self,
        TransfersRead(actor): TransfersRead,
        caller: StreamCaller,
        /// The id of the last event that the client has.
        #[oai(name = "Last-Event-ID")]
        last: Header<Option<EventCursorText>>,
        /// Where to begin without `Last-Event-ID`: behind this event.
        after: Query<Option<EventCursorText>>,
        /// Only these types, separated by commas, such as `transfer.completed,hold.created`.
        types: Query<Option<EventTypesText>>,
        /// Only what happens to this wallet, or moves money in or out of it.
        wallet_id: Query<Option<Uuid>>,
        /// Only this transfer with its captures, its release and its reversals.
        transfer_id: Query<Option<Uuid>>,
        /// Events after which the stream ends, 1 to 900; by default it ends with its time.
        limit: Query<Option<EventLimit>>,
    ) -> ApiResult<SentEvents<EventView>> {
        let filter = filter_of(types.0, wallet_id.0, transfer_id.0);
        let scope = EventScope::of(&actor);
        let after = self.start(&scope, &filter, (last.0, after.0)).await?;
        let parts = StreamParts {
            subscription: self.events().subscribe(actor.user, scope, filter, after)?,
            caller,
            actor,
            left: limit.0.map(|limit| limit.0),
        };
        Ok(SentEvents::new(event_stream::sent(parts)))
    }
}

const LAST_EVENT_ID: &str = "Last-Event-ID";

impl EventsApi {
    fn events(&self) -> &Events {
        &self.services.events
    }

    /// Behind what a stream begins: the last event that the client has, else the one that it names, else the newest. What a page
    /// would refuse is refused before the answer begins.
    async fn start(
        &self,
        scope: &EventScope,
        filter: &EventFilter,
        (last, after): (Option<EventCursorText>, Option<EventCursorText>),
    ) -> Result<EventCursor, Problem> {
        let field = if last.is_some() { LAST_EVENT_ID } else { "after" };
        let after = last.or(after).map(|after| after.0);
        let checked = self.events().check(scope, filter, after.as_ref()).await;
        checked.map_err(|error| naming(field, error))?;
        match after {
            Some(after) => Ok(after),
            None => Ok(self.events().newest(scope).await?),
        }
    }
}

/// The problem of an error. It names the field that gave an unknown cursor.
fn naming(field: &str, error: EventsError) -> Problem {
    if matches!(error, EventsError::UnknownCursor) {
        return Problem::invalid_field(field, EVENT_CURSOR_EXPECTED);
    }
    error.into()
}

fn filter_of(types: Option<EventTypesText>, wallet: Option<Uuid>, transfer: Option<Uuid>) -> EventFilter {
    EventFilter {
        types: types.map(|types| types.0),
        wallets: wallet.map(|wallet| vec![WalletId(wallet)]),
        transfer: transfer.map(TransferId),
    }
}
