//! `/v1/webhooks/{webhook_id}/deliveries` and `/test`: what was sent to a webhook, and what it answered.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use service::Services;
use service::values::{DeliveryId, WebhookId};
use service::webhooks::Webhooks;
use uuid::Uuid;

use super::Tag;
use super::webhook_view::DeliveryView;
use crate::auth::WebhooksWrite;
use crate::problem::ApiResult;
use crate::wire::{CursorText, DeliveryStatusWord, Json, ListQuery, Listed, NoBody, PageLimit, page_request};

/// The handlers of deliveries.
pub struct WebhookDeliveriesApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

#[OpenApi(prefix_path = "/v1/webhooks", tag = "Tag::Webhooks")]
impl WebhookDeliveriesApi {
    /// Test a webhook
    ///
    /// Sends one request of type `webhook.test` at once, whatever the webhook's status, types and order, and answers when the
    /// receiver has answered, within 15 s: `delivered`, or `parked` after a failure, which is not tried again. A test never
    /// disables a webhook. The body is empty.
    #[oai(path = "/:webhook_id/test", method = "post", operation_id = "webhooks_test")]
    async fn test(
        &self,
        WebhooksWrite(actor): WebhooksWrite,
        webhook_id: Path<Uuid>,
        _body: NoBody,
    ) -> ApiResult<Json<DeliveryView>> {
        let delivery = self.webhooks().test(&actor, WebhookId(webhook_id.0)).await?;
        Ok(Json(delivery.into()))
    }

    /// List deliveries
    ///
    /// Newest first: the events that were sent to the webhook in the last seven days, and those that are being tried. Events
    /// that wait for an earlier one are not in the list yet.
    #[oai(
        path = "/:webhook_id/deliveries",
        method = "get",
        operation_id = "webhooks_deliveries"
    )]
    async fn list(
        &self,
        WebhooksWrite(actor): WebhooksWrite,
        webhook_id: Path<Uuid>,
        status: Query<Option<DeliveryStatusWord>>,
        /// Items in the page, 1 to 500.
        limit: Query<Option<PageLimit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<CursorText>>,
    ) -> ApiResult<Json<Listed<DeliveryView>>> {
        let request = page_request(ListQuery {
            limit: limit.0,
            cursor: cursor.0,
        })?;
        let (id, status) = (WebhookId(webhook_id.0), status.0.map(Into::into));
        let page = self.webhooks().deliveries(&actor, id, status, request).await?;
        Ok(Json(Listed::of(page, DeliveryView::from)))
    }

    /// Send an event once more
    ///
    /// For any delivery of a webhook that is active: the bank sends it at once, with the same `webhook-id` as before, and tries
    /// again as for a new one. The body is empty.
    #[oai(
        path = "/:webhook_id/deliveries/:delivery_id/retry",
        method = "post",
        operation_id = "webhooks_retry"
    )]
    async fn retry(
        &self,
        WebhooksWrite(actor): WebhooksWrite,
        webhook_id: Path<Uuid>,
        delivery_id: Path<Uuid>,
        _body: NoBody,
    ) -> ApiResult<Json<DeliveryView>> {
        let (id, delivery) = (WebhookId(webhook_id.0), DeliveryId(delivery_id.0));
        let delivery = self.webhooks().retry(&actor, id, delivery).await?;
        Ok(Json(delivery.into()))
    }
}

impl WebhookDeliveriesApi {
    fn webhooks(&self) -> &Webhooks {
        &self.services.webhooks
    }
}
