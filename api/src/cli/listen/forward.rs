//! Sends each event to a program under development, and says what it answered. An event that fails is tried again, as the bank
//! does it, but with short pauses: a developer waits for it.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use service::clock::Clock;
use service::events::Event;
use service::webhooks::{AttemptOutcome, Forwarder, ForwarderError, UrlRefusal, WebhookAttempt};
use tokio::time::sleep;

use super::say;
use crate::cli::wrong_use::WrongUse;
use crate::resources::event_view::event_text;

/// The pauses after an event's first attempts. After the last attempt the next event goes on.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// Sends events to one program.
pub struct EventForwarding(Forwarder);

impl EventForwarding {
    /// Forwards to a URL. A new secret is printed; one that was given is not.
    pub fn try_new(url: &str, secret: Option<&SecretString>) -> Result<Self, WrongUse> {
        let forwarder = Forwarder::try_new(url, secret).map_err(wrong_use)?;
        if secret.is_none() {
            say(&format!(
                "webhooks are signed with {}",
                forwarder.secret().expose_secret()
            ));
        }
        Ok(Self(forwarder))
    }

    /// Sends an event until the program takes it, five times at most.
    pub async fn send(&self, event: &Event, clock: &dyn Clock) {
        let (id, body) = (event.id.to_string(), event_text(event));
        for pause in PAUSES.map(Some).into_iter().chain([None]) {
            let attempt = self.0.send(&id, &body, clock.now()).await;
            say(&format!("{} {id}: {}", event.kind, answer_of(&attempt, pause)));
            match (attempt.outcome, pause) {
                (AttemptOutcome::Failed, Some(pause)) => sleep(pause).await,
                (AttemptOutcome::Failed, None) | (AttemptOutcome::Delivered, _) => return,
            }
        }
    }
}

/// What the program answered, and what follows.
fn answer_of(attempt: &WebhookAttempt, pause: Option<Duration>) -> String {
    let mut text = match (attempt.status, attempt.error) {
        (Some(status), _) => status.to_string(),
        (None, Some(error)) => error.to_string(),
        (None, None) => "no answer".to_owned(),
    };
    if let Some(excerpt) = &attempt.excerpt {
        text.push_str(&format!(" {excerpt}"));
    }
    match (attempt.outcome, pause) {
        (AttemptOutcome::Delivered, _) => {}
        (AttemptOutcome::Failed, Some(pause)) => text.push_str(&format!("; again in {} s", pause.as_secs())),
        (AttemptOutcome::Failed, None) => text.push_str("; not sent again"),
    }
    text
}

/// Names the flag whose value is wrong.
fn wrong_use(error: ForwarderError) -> WrongUse {
    WrongUse(match error {
        ForwarderError::Url(UrlRefusal::NotHttps) => "--forward-to must begin with http:// or https://".to_owned(),
        ForwarderError::Url(refusal) => format!("--forward-to: {refusal}"),
        ForwarderError::Secret => format!("--secret: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use service::webhooks::SendError;

    use super::*;

    #[test]
    fn a_wrong_value_is_refused_with_its_flag() {
        let refused = |url: &str, secret: &str| {
            let made = EventForwarding::try_new(url, Some(&SecretString::from(secret)));
            made.err().map(|error| error.to_string()).unwrap_or_default()
        };
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(
            refused("ftp://localhost/hook", secret),
            "--forward-to must begin with http:// or https://"
        );
        assert!(refused("http://ana@localhost/", secret).starts_with("--forward-to: "));
        assert!(refused("http://localhost/", "whsec_").starts_with("--secret: "));
    }

    #[test]
    fn an_answer_is_shown_with_what_follows() {
        let failed = WebhookAttempt {
            outcome: AttemptOutcome::Failed,
            status: Some(500),
            excerpt: Some("no such table".to_owned()),
            error: None,
            gone: false,
            retry_after: None,
        };
        assert_eq!(answer_of(&failed, Some(PAUSES[1])), "500 no such table; again in 2 s");
        assert_eq!(answer_of(&failed, None), "500 no such table; not sent again");
        let unreachable = WebhookAttempt {
            status: None,
            excerpt: None,
            error: Some(SendError::Unreachable),
            ..failed.clone()
        };
        let text = answer_of(&unreachable, Some(PAUSES[0]));
        assert_eq!(text, "the host could not be connected to; again in 1 s");
        let delivered = WebhookAttempt {
            outcome: AttemptOutcome::Delivered,
            status: Some(204),
            excerpt: None,
            ..failed
        };
        assert_eq!(answer_of(&delivered, Some(PAUSES[0])), "204");
    }
}
