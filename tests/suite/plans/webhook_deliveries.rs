//! The cost of a page of a webhook's deliveries: the rows that it touches where nearly all are delivered.

use std::sync::Arc;

use harness::{Backend, TestBank, on_every_backend};
use service::page::PageRequest;
use service::values::{DeliveryId, DeliveryStatus, WebhookId};
use service::webhooks::{NewWebhook, WebhooksError};

use super::meter::Meter;
use super::{Bound, MANY};

on_every_backend!(a_page_of_deliveries_touches_what_it_shows);

const PAGE: PageRequest<DeliveryId> = PageRequest { limit: 50, after: None };
/// PostgreSQL may plan a statement anew for its values five times, and for any values from then on.
const TIMES_ASKED: usize = 7;
/// The oldest deliveries are parked, the next oldest ones pending, and all others delivered.
const PARKED: u32 = 100;
const PENDING: u32 = 20;
/// The deliveries that one statement writes: more would take PostgreSQL longer than its `statement_timeout`.
const WRITTEN_AT_ONCE: u32 = 50_000;

async fn a_page_of_deliveries_touches_what_it_shows(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await.actor;
    let new = NewWebhook {
        url: "https://shop.example/florin".to_owned(),
        ..NewWebhook::default()
    };
    let made = bank.services.webhooks.create(&ana, new).await;
    let (webhook, _) = made.expect("a customer may have a webhook");
    for first in (1..=MANY).step_by(WRITTEN_AT_ONCE as usize) {
        let last = MANY.min(first + WRITTEN_AT_ONCE - 1);
        bank.execute(&deliveries(bank.backend, webhook.id, (first, last))).await;
    }
    bank.execute("ANALYZE").await;
    let (services, meter) = Meter::of(&bank).await;
    for (status, shown) in [
        (None, PAGE.limit),
        (Some(DeliveryStatus::Pending), PENDING.into()),
        (Some(DeliveryStatus::Delivered), PAGE.limit),
        (Some(DeliveryStatus::Parked), PAGE.limit),
    ] {
        for _ in 0..TIMES_ASKED {
            let list = async {
                let page = services.webhooks.deliveries(&ana, webhook.id, status, PAGE).await?;
                assert_eq!(page.items.len() as u64, shown, "{status:?}");
                Ok::<_, WebhooksError>(())
            };
            let (backend, rows) = meter.measure(list).await;
            assert!(rows > 0, "{status:?}: nothing was measured");
            assert!(rows <= Bound::Page.most(backend), "{status:?}: {rows} on {backend:?}");
        }
    }
}

/// A statement that writes deliveries of a webhook, by their numbers.
fn deliveries(backend: Backend, webhook: WebhookId, (first, last): (u32, u32)) -> String {
    let webhook = webhook.0.simple();
    let (id, webhook, now, numbers) = match backend {
        Backend::Postgres => (
            "lpad(to_hex(n), 32, '0')::uuid",
            format!("'{webhook}'::uuid"),
            "timestamptz 'epoch'",
            format!("SELECT generate_series({first}, {last}) AS n"),
        ),
        Backend::Sqlite => (
            "unhex(printf('%032x', n))",
            format!("x'{webhook}'"),
            "'1970-01-01T00:00:00+00:00'",
            format!(
                "WITH RECURSIVE numbers (n) AS (VALUES ({first}) UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}) \
                 SELECT n FROM numbers"
            ),
        ),
    };
    let failing = PARKED + PENDING;
    format!(
        "INSERT INTO webhook_deliveries (id, webhook_id, event_id, kind, status, attempts, failures, created_at, \
         next_attempt_at, settled_at) SELECT {id}, {webhook}, {id}, 'transfer.completed', \
         CASE WHEN n <= {PARKED} THEN 'parked' WHEN n <= {failing} THEN 'pending' ELSE 'delivered' END, 1, 0, {now}, \
         CASE WHEN n > {PARKED} AND n <= {failing} THEN {now} END, \
         CASE WHEN n <= {PARKED} OR n > {failing} THEN {now} END FROM ({numbers}) AS numbers"
    )
}
