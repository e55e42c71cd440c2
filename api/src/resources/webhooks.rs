//! `/v1/webhooks`: programs that the bank tells of events. Their deliveries are in `webhook_deliveries`.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use service::Services;
use service::values::{UserId, WebhookId};
use service::webhooks::Webhooks;
use uuid::Uuid;

use super::Tag;
use super::webhook_inputs::{NewWebhookInput, WebhookChangeInput, WebhookReplayInput, WebhookRotationInput};
use super::webhook_view::{IssuedWebhookView, WebhookView};
use crate::auth::WebhooksWrite;
use crate::problem::ApiResult;
use crate::wire::{
    Created, CursorText, Json, JsonOrNothing, ListQuery, Listed, NoBody, NoContent, PageLimit, WebhookStatusWord,
    page_request,
};

/// The handlers of webhooks.
pub struct WebhooksApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

#[OpenApi(prefix_path = "/v1/webhooks", tag = "Tag::Webhooks")]
impl WebhooksApi {
    /// Make a webhook
    ///
    /// From now on the bank sends each event that the caller may see to the URL: a POST with the event as its body and the
    /// headers `webhook-id`, `webhook-timestamp` and `webhook-signature` of Standard Webhooks. Any 2xx within 15 s is a
    /// delivery; after every other answer the bank tries again, with growing pauses, for an hour. An event may come twice:
    /// `webhook-id` tells. The secret is in this answer only; with `ed25519` there is none, and `public_key` verifies. A user has
    /// at most 16 webhooks.
    #[oai(path = "/", method = "post", operation_id = "webhooks_create")]
    async fn create(
        &self,
        WebhooksWrite(actor): WebhooksWrite,
        body: Json<NewWebhookInput>,
    ) -> ApiResult<Created<IssuedWebhookView>> {
        let issued = self.webhooks().create(&actor, body.0.into()).await?;
        Ok(Created(issued.into()))
    }

    /// List webhooks
    ///
    /// One's own; for operators and admins those of a user, or all. With `status` only those that have it, such as the disabled
    /// ones. An API key that is limited to wallets sees those for its wallets only.
    #[oai(path = "/", method = "get", operation_id = "webhooks_list")]
    async fn list(
        &self,
        WebhooksWrite(actor): WebhooksWrite,
        /// Whose webhooks. Only operators and admins may name another user.
        user_id: Query<Option<Uuid>>,
        status: Query<Option<WebhookStatusWord>>,
        /// Items in the page, 1 to 500.
        limit: Query<Option<PageLimit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<CursorText>>,
    ) -> ApiResult<Json<Listed<WebhookView>>> {
        let request = page_request(ListQuery {
            limit: limit.0,
            cursor: cursor.0,
        })?;
        let (owner, status) = (user_id.0.map(UserId), status.0.map(Into::into));
        let page = self.webhooks().list(&actor, owner, status, request).await?;
        Ok(Json(Listed::of(page, WebhookView::from)))
    }

    /// Look at a webhook
    ///
    /// For its user, operators and admins; other callers get 404, as for an unknown id.
    #[oai(path = "/:webhook_id", method = "get", operation_id = "webhooks_get")]
    async fn get(&self, WebhooksWrite(actor): WebhooksWrite, webhook_id: Path<Uuid>) -> ApiResult<Json<WebhookView>> {
        let webhook = self.webhooks().get(&actor, WebhookId(webhook_id.0)).await?;
        Ok(Json(webhook.into()))
    }

    /// Change a webhook
    ///
    /// Fields that are missing stay as they are; null takes `types`, `wallet_ids` or `description` away. How requests are signed
    /// cannot be changed. `status` pauses it, and makes a paused or disabled one active again: it then gets what has happened
    /// meanwhile. What was sent before this answer was sent by the old settings.
    #[oai(path = "/:webhook_id", method = "patch", operation_id = "webhooks_change")]
    async fn change(
        &self,
        WebhooksWrite(actor): WebhooksWrite,
        webhook_id: Path<Uuid>,
        body: Json<WebhookChangeInput>,
    ) -> ApiResult<Json<WebhookView>> {
        let id = WebhookId(webhook_id.0);
        let webhook = self.webhooks().update(&actor, id, body.0.into()).await?;
        Ok(Json(webhook.into()))
    }

    /// Delete a webhook
    ///
    /// For good, with its secret and its deliveries. A request that is under way may still arrive. The body is empty.
    #[oai(path = "/:webhook_id", method = "delete", operation_id = "webhooks_delete")]
    async fn delete(
        &self,
        WebhooksWrite(actor): WebhooksWrite,
        webhook_id: Path<Uuid>,
        _body: NoBody,
    ) -> ApiResult<NoContent> {
        self.webhooks().delete(&actor, WebhookId(webhook_id.0)).await?;
        Ok(NoContent)
    }

    /// Give a webhook a new secret
    ///
    /// The new secret is in this answer only; with `ed25519` the answer has a new `public_key` and no secret. During the overlap
    /// every request is signed with both, so that the receiver can be changed at any time in it. A further rotation within the
    /// overlap ends the oldest secret at once. Without a body the overlap is a day.
    #[oai(
        path = "/:webhook_id/rotate-secret",
        method = "post",
        operation_id = "webhooks_rotate_secret"
    )]
    async fn rotate_secret(
        &self,
        WebhooksWrite(actor): WebhooksWrite,
        webhook_id: Path<Uuid>,
        body: JsonOrNothing<WebhookRotationInput>,
    ) -> ApiResult<Created<IssuedWebhookView>> {
        let (id, overlap) = (WebhookId(webhook_id.0), body.0.overlap()?);
        let issued = self.webhooks().rotate_secret(&actor, id, overlap).await?;
        Ok(Created(issued.into()))
    }

    /// Send events again
    ///
    /// From the one behind `after` on, in the order of the journal, with the same `webhook-id` as before: first what happened
    /// then, at last what happens now. `start` sends all of them, from the first event of the bank that the webhook's user may
    /// see. Answered with the webhook.
    #[oai(path = "/:webhook_id/replay", method = "post", operation_id = "webhooks_replay")]
    async fn replay(
        &self,
        WebhooksWrite(actor): WebhooksWrite,
        webhook_id: Path<Uuid>,
        body: Json<WebhookReplayInput>,
    ) -> ApiResult<Json<WebhookView>> {
        let (id, after) = (WebhookId(webhook_id.0), body.0.after()?);
        let webhook = self.webhooks().replay(&actor, id, after.as_ref()).await?;
        Ok(Json(webhook.into()))
    }
}

impl WebhooksApi {
    fn webhooks(&self) -> &Webhooks {
        &self.services.webhooks
    }
}
