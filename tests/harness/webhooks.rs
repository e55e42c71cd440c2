//! A webhook of a caller, by the bank's HTTP API.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use crate::callers::{Answer, Caller};
use crate::receiver::{PATIENCE, ReceivedHook, is_signed_by};

const WEBHOOKS: &str = "/v1/webhooks";
/// How often a test looks whether something has happened that it is not told of.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A webhook that a caller has made.
#[derive(Clone)]
pub struct TestWebhook {
    caller: Caller,
    pub id: String,
    /// What its signatures are checked with: the secret `whsec_...`, or the public key `whpk_...` where there is none.
    pub secret: String,
    /// The whole answer to its making.
    pub made: Value,
}

impl TestWebhook {
    /// Makes one for all that the caller may see; `more` are further fields.
    pub async fn make(caller: &Caller, url: &str, more: Value) -> Self {
        let made = Self::try_make(caller, url, more).await;
        assert_eq!(
            made.header("location"),
            format!("{WEBHOOKS}/{}", made.text_of("id")),
            "{}",
            made.text
        );
        let made = made.expect(201);
        Self {
            caller: caller.clone(),
            id: made["id"].as_str().expect("a webhook has an id").to_owned(),
            secret: checked_with(&made),
            made,
        }
    }

    /// Asks for one; the answer may be a refusal.
    pub async fn try_make(caller: &Caller, url: &str, more: Value) -> Answer {
        let mut body = json!({ "url": url });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        caller.post(WEBHOOKS, body).await
    }

    /// Its path, or that of what is done with it.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("{WEBHOOKS}/{}{rest}", self.id)
    }

    /// The same webhook for another caller.
    #[must_use]
    pub fn seen_by(&self, caller: &Caller) -> Self {
        Self {
            caller: caller.clone(),
            ..self.clone()
        }
    }

    /// The webhook as it is now.
    pub async fn now(&self) -> Value {
        self.caller.get(&self.path("")).await.expect(200)
    }

    /// Changes it.
    pub async fn change(&self, patch: Value) -> Value {
        self.caller.patch(&self.path(""), patch).await.expect(200)
    }

    /// Sends a test.
    pub async fn test(&self) -> Value {
        self.caller.act(&self.path("/test")).await.expect(200)
    }

    /// Sends again what happened after a cursor.
    pub async fn replay(&self, after: &str) -> Value {
        let body = json!({ "after": after });
        self.caller.post(&self.path("/replay"), body).await.expect(200)
    }

    /// Gives it a new secret; the webhook with that secret.
    pub async fn rotate(&self, overlap_s: u32) -> Self {
        let body = json!({ "overlap_s": overlap_s });
        let made = self.caller.post(&self.path("/rotate-secret"), body).await.expect(201);
        Self {
            secret: checked_with(&made),
            made,
            ..self.clone()
        }
    }

    /// All deliveries of a status, newest first; of every status if it is empty.
    pub async fn deliveries(&self, status: &str) -> Vec<Value> {
        let status = match status {
            "" => String::new(),
            status => format!("&status={status}"),
        };
        let path = self.path(&format!("/deliveries?limit=500{status}"));
        let page = self.caller.get(&path).await.expect(200);
        page["items"].as_array().expect("a list has items").clone()
    }

    /// Waits until there are so many deliveries of a status, and gives them.
    pub async fn until_deliveries(&self, status: &str, count: usize) -> Vec<Value> {
        let words = format!("{count} deliveries that are {status}");
        eventually(&words, async || {
            Some(self.deliveries(status).await).filter(|found| found.len() >= count)
        })
        .await
    }

    /// Waits until a pending delivery has exactly so many failed attempts, and gives it. From then on its pause runs: a test that
    /// moves the clock earlier moves the next attempt too.
    pub async fn until_failed(&self, attempts: u32) -> Value {
        eventually(&format!("{attempts} failed attempts"), async || {
            let pending = self.deliveries("pending").await.into_iter();
            let mut failed = pending.filter(|one| one["attempts"] == attempts);
            failed.find(|one| one["next_attempt_at"].is_string())
        })
        .await
    }

    /// Waits until it has a status, and gives the webhook.
    pub async fn until_status(&self, status: &str) -> Value {
        eventually(&format!("the status {status}"), async || {
            Some(self.now().await).filter(|now| now["status"] == status)
        })
        .await
    }

    /// Tries a delivery again.
    pub async fn retry(&self, delivery: &Value) -> Answer {
        let id = delivery["id"].as_str().expect("a delivery has an id");
        self.caller.act(&self.path(&format!("/deliveries/{id}/retry"))).await
    }

    /// True if a request is signed with the webhook's secret.
    #[must_use]
    pub fn has_signed(&self, hook: &ReceivedHook) -> bool {
        is_signed_by(hook, &self.secret)
    }
}

/// With what the signatures of a webhook are checked, from the answer that shows it.
fn checked_with(made: &Value) -> String {
    let shown = made["secret"].as_str().or(made["public_key"].as_str());
    shown
        .unwrap_or_else(|| panic!("neither a secret nor a public key: {made}"))
        .to_owned()
}

/// Looks again and again until there is a result. For what no event tells a test of.
pub async fn eventually<T>(words: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut looks = interval(LOOK_EVERY);
    let found = async {
        loop {
            looks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    let found = timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("{words}: this does not come"))
}
