//! One attempt: once the server may have a request, it signs the body, sends it, and says what came of it.

use std::sync::Arc;

use super::addresses::AddressPolicy;
use super::endpoint::Webhook;
use super::progress::AttemptResult;
use super::repo::StoredSecret;
use super::secret::SigningSecret;
use super::sender::{
    ATTEMPT_MAX, AttemptOutcome, SendError, Sender, SignedRequest, SystemResolver, WebhookAttempt, for_owner,
};
use super::server_limits::{KeyedLimits, KeyedPermit, ServerLimits, ServerPermit};
use super::url::HookUrl;
use crate::clock::Clock;
use crate::values::{Timestamp, UserId};

/// The most tests of one user that are in hand at a time.
const TESTS_MAX: usize = 2;

/// An endpoint as requests need it.
pub(super) struct HookTarget {
    pub webhook: Webhook,
    /// `None` for a URL that was allowed when it was given and is not any more.
    url: Option<HookUrl>,
    /// Newest first, so those that have expired are the last ones.
    secrets: Vec<SigningSecret>,
    ends: Vec<Option<Timestamp>>,
}

/// Sends to endpoints.
pub(super) struct Outbound {
    pub policy: AddressPolicy,
    sender: Sender,
    limits: ServerLimits,
    tests: Arc<KeyedLimits<UserId>>,
    clock: Arc<dyn Clock>,
}

impl HookTarget {
    pub fn new(webhook: Webhook, secrets: Vec<StoredSecret>, policy: AddressPolicy) -> Self {
        let url = HookUrl::parse(&webhook.url, policy).ok();
        let ends = secrets.iter().map(|stored| stored.expires_at).collect();
        let secrets = secrets.into_iter().map(|stored| stored.secret).collect();
        Self {
            webhook,
            url,
            secrets,
            ends,
        }
    }

    fn secrets_at(&self, now: Timestamp) -> &[SigningSecret] {
        let valid = self.ends.iter().take_while(|end| end.is_none_or(|end| end > now));
        &self.secrets[..valid.count()]
    }
}

impl Outbound {
    pub fn new(policy: AddressPolicy, clock: Arc<dyn Clock>) -> Self {
        Self {
            policy,
            sender: Sender::new(policy, Arc::new(SystemResolver::default())),
            limits: ServerLimits::default(),
            tests: Arc::new(KeyedLimits::new(TESTS_MAX)),
            clock,
        }
    }

    /// The right of a user to have one more test sent; `None` while as many are in hand as may be.
    pub fn test_permit(&self, user: UserId) -> Option<KeyedPermit<UserId>> {
        self.tests.try_take(user)
    }

    /// Waits until the server may have one more request. May be cancelled.
    pub async fn permit(&self, hook: &HookTarget) -> Option<ServerPermit> {
        match &hook.url {
            Some(url) => Some(self.limits.permit(hook.webhook.user_id, url).await),
            None => None,
        }
    }

    /// Sends once, and gives the permit for it back.
    pub async fn attempt(
        &self,
        hook: &HookTarget,
        (id, body): (&str, &str),
        permit: Option<ServerPermit>,
    ) -> AttemptResult {
        let attempt = match &hook.url {
            Some(url) => {
                let now = self.clock.now();
                let request = SignedRequest::new(url, id, body, now, hook.secrets_at(now));
                for_owner(hook.webhook.user_id, self.sender.send(&request, ATTEMPT_MAX)).await
            }
            None => WebhookAttempt::unanswered(SendError::NoAddress),
        };
        drop(permit);
        AttemptResult {
            at: self.clock.now(),
            is_delivered: attempt.outcome == AttemptOutcome::Delivered,
            is_gone: attempt.gone,
            retry_after: attempt.retry_after,
            response_status: attempt.status,
            response_excerpt: attempt.excerpt.or_else(|| attempt.error.map(|error| error.to_string())),
        }
    }
}
