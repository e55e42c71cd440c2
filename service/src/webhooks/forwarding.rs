//! Sends events to a program under development, as the bank sends them to an endpoint. Nothing of it is stored.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::addresses::AddressPolicy;
use super::secret::{SECRET_BYTES, SigningSecret};
use super::sender::{ATTEMPT_MAX, Sender, SignedRequest, SystemResolver, WebhookAttempt};
use super::url::{HookUrl, UrlRefusal};
use crate::clock::random_bytes;
use crate::values::{SigningScheme, Timestamp};

/// Sends signed webhooks to one URL, which may be on this machine.
pub struct Forwarder {
    sender: Sender,
    url: HookUrl,
    secret: SigningSecret,
}

/// Why nothing can be forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForwarderError {
    /// Answered when webhooks cannot go to the URL, wherever it leads.
    #[error(transparent)]
    Url(#[from] UrlRefusal),
    /// Answered when the text is not a secret for HMAC.
    #[error("a secret is whsec_ and 24 to 64 bytes in base64")]
    Secret,
}

impl Forwarder {
    /// Signs with a secret of HMAC; a new one when `secret` is `None`.
    pub fn try_new(url: &str, secret: Option<&SecretString>) -> Result<Self, ForwarderError> {
        let policy = AddressPolicy::PrivateToo;
        let secret = match secret {
            Some(text) => SigningSecret::parse_hmac(text.expose_secret()).map_err(|_| ForwarderError::Secret)?,
            None => SigningSecret::new(SigningScheme::Hmac, random_bytes::<SECRET_BYTES>()),
        };
        Ok(Self {
            sender: Sender::new(policy, Arc::new(SystemResolver::default())),
            url: HookUrl::parse(url, policy)?,
            secret,
        })
    }

    /// The secret with which the program verifies what it gets.
    #[must_use]
    pub fn secret(&self) -> SecretString {
        self.secret.text()
    }

    /// Sends an event once, signed for a time. Returns within 15 seconds.
    pub async fn send(&self, event_id: &str, body: &str, at: Timestamp) -> WebhookAttempt {
        let secrets = std::slice::from_ref(&self.secret);
        let request = SignedRequest::new(&self.url, event_id, body, at, secrets);
        self.sender.send(&request, ATTEMPT_MAX).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarder(url: &str, secret: Option<&str>) -> Result<String, ForwarderError> {
        let secret = secret.map(SecretString::from);
        let made = Forwarder::try_new(url, secret.as_ref());
        made.map(|forwarder| forwarder.secret().expose_secret().to_owned())
    }

    #[test]
    fn a_given_secret_is_used_and_a_new_one_is_another_each_time() {
        let url = "http://localhost:3000/hook";
        let given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(forwarder(url, Some(given)).as_deref(), Ok(given));
        let (one, other) = (forwarder(url, None), forwarder(url, None));
        assert!(one.is_ok() && other.is_ok() && one != other);
        for wrong in [
            "",
            "whsec_",
            "whsec_AAAA",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjU*",
        ] {
            assert_eq!(forwarder(url, Some(wrong)), Err(ForwarderError::Secret), "{wrong}");
        }
        let refused = forwarder("ftp://localhost/hook", Some(given));
        assert_eq!(refused, Err(ForwarderError::Url(UrlRefusal::NotHttps)));
    }
}
