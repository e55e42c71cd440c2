//! Starts of servers: each leaves a line with the settings.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::json;

on_every_backend!(a_start_leaves_a_line_with_its_settings);

async fn a_start_leaves_a_line_with_its_settings(bank: Arc<TestBank>) {
    let settings = json!({ "queue_max": 8192, "redis_url": null });
    let recorded = bank.services.ops.record_start(&settings).await;
    recorded.expect("a start can be recorded");
    let line = bank.line_of("bank.started").await;
    assert_eq!((line.actor, line.api_key, line.person), (None, None, None));
    assert_eq!(line.subject, None);
    line.expect_client(None, None, None);
    assert_eq!((line.before, line.after), (None, Some(settings)));
}
