//! Counters of webhooks.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::values::DeliveryStatus;

/// Live counters; each only grows.
#[derive(Default)]
pub(super) struct WebhookMetrics {
    delivered: AtomicU64,
    failed_attempts: AtomicU64,
    parked: AtomicU64,
    disabled: AtomicU64,
}

/// What became of webhooks since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookCounts {
    /// Requests that receivers have taken.
    pub delivered: u64,
    /// Requests that they have not.
    pub failed_attempts: u64,
    /// Events that were given up after an hour.
    pub parked: u64,
    /// Webhooks that were disabled.
    pub disabled: u64,
}

impl WebhookMetrics {
    /// Counts an attempt, after which its delivery has this status.
    pub fn count_attempt(&self, status: DeliveryStatus) {
        let counter = match status {
            DeliveryStatus::Delivered => &self.delivered,
            DeliveryStatus::Pending => &self.failed_attempts,
            DeliveryStatus::Parked => {
                self.parked.fetch_add(1, Ordering::Relaxed);
                &self.failed_attempts
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an endpoint that was disabled.
    pub fn count_disabled(&self) {
        self.disabled.fetch_add(1, Ordering::Relaxed);
    }

    pub fn counts(&self) -> WebhookCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WebhookCounts {
            delivered: read(&self.delivered),
            failed_attempts: read(&self.failed_attempts),
            parked: read(&self.parked),
            disabled: read(&self.disabled),
        }
    }
}
