//! Deliveries as callers see them, and the test event, which no record of the journal stands for. Pure.

use serde_json::json;

use crate::values::{DeliveryId, DeliveryStatus, Timestamp, WebhookId, time_text};

/// The type of the event that `Webhooks::test` sends.
pub const TEST_KIND: &str = "webhook.test";

/// What became of an event at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The delivery's id.
    pub id: DeliveryId,
    /// The endpoint.
    pub webhook: WebhookId,
    /// The event's id, which is in `webhook-id` of each attempt: a cursor; of a test the delivery's own id.
    pub event_id: String,
    /// The event's type.
    pub kind: String,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// How often it was attempted.
    pub attempts: u32,
    /// When it is attempted next; set exactly while it is pending.
    pub next_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last answer; `None` where none came.
    pub response_status: Option<u16>,
    /// The beginning of the last answer, or why none came.
    pub response_excerpt: Option<String>,
    /// When the first attempt ended, or the test began.
    pub created_at: Timestamp,
}

/// The id of a test, as that of an event.
pub(super) fn test_id(id: DeliveryId) -> String {
    id.to_string()
}

/// The body of a test: a JSON object with the members of every event.
pub(super) fn test_body(id: DeliveryId, webhook: WebhookId, at: Timestamp) -> String {
    let body = json!({
        "id": test_id(id),
        "type": TEST_KIND,
        "at": time_text(at),
        "data": { "webhook_id": webhook.to_string() },
        "actor_id": null,
        "request_id": null,
    });
    body.to_string()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_test_has_the_members_of_an_event() {
        let id = Uuid::from_u128(7);
        let body = test_body(DeliveryId(id), WebhookId(Uuid::from_u128(8)), DateTime::UNIX_EPOCH);
        let expected = concat!(
            r#"{"id":"00000000-0000-0000-0000-000000000007","type":"webhook.test","at":"1970-01-01T00:00:00.000000Z","#,
            r#""data":{"webhook_id":"00000000-0000-0000-0000-000000000008"},"actor_id":null,"request_id":null}"#
        );
        assert_eq!(body, expected);
    }
}
