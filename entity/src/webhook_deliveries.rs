//! Deliveries: what became of each event that was sent to an endpoint, or tried. An event that waits has no row.

use sea_orm::entity::prelude::*;

use crate::values::{DeliveryId, DeliveryStatus, WebhookId};

/// The delivery of an event to an endpoint.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    /// Ids sort as the events were first attempted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeliveryId,
    /// The endpoint.
    pub webhook_id: WebhookId,
    /// The record of the event; of a test the delivery's own id. Unique together with the endpoint.
    pub event_id: Uuid,
    /// The type of the event.
    pub kind: String,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// How often it was attempted.
    pub attempts: i32,
    /// How often it has failed since `first_attempt_at`.
    pub failures: i32,
    /// When it was first attempted; first since its owner asked for another attempt, if they did.
    pub first_attempt_at: Option<DateTimeUtc>,
    /// When it is attempted next; set exactly while it is pending.
    pub next_attempt_at: Option<DateTimeUtc>,
    /// The HTTP status of the last answer; `None` where none came.
    pub response_status: Option<i16>,
    /// The beginning of the last answer, up to 1 024 characters, or why none came.
    pub response_excerpt: Option<String>,
    /// When the first attempt ended, or the test began.
    pub created_at: DateTimeUtc,
    /// When it was delivered or parked; `None` while it is pending.
    pub settled_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
