//! Sending one mail by SMTP, each on a connection of its own: mails are few. What a server answers may repeat the
//! address, so of its answer only the code is kept.

use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::Mail;
use crate::clock::id_at;
use crate::config::MailConfig;
use crate::values::Timestamp;

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a mail may take from its connection to its end.
const SEND_MAX: Duration = Duration::from_secs(15);

/// Says that a program has sent the mail, so that no program answers it.
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// Why the settings of mails are refused. The text has no part of them: they may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailSettingError {
    /// Answered when the address of the mail server cannot be read.
    #[error(
        "the mail server is not named as smtps://user:password@host, or smtp://user:password@host:port?tls=required"
    )]
    Server,
    /// Answered when the address that mails come from cannot be read.
    #[error("the sender of mails is not an address such as `Florin <no-reply@bank.example>`")]
    Sender,
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum MailFault {
    /// No mail can go to this address, whatever the server says.
    #[error("the address is none that a mail can go to")]
    Address,
    /// The server will never take it.
    #[error("the mail server refused the mail ({0})")]
    Refused(String),
    /// The server does not take it now.
    #[error("the mail server put the mail off ({0})")]
    PutOff(String),
    /// The server broke off, or said something that is not SMTP.
    #[error("the mail server did not answer as one does")]
    Unclear,
    #[error("the mail server did not take the mail in time")]
    Late,
    #[error("the mail server is out of reach")]
    Unreachable(#[source] SmtpError),
}

impl MailFault {
    /// True when another attempt would fail too.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Address | Self::Refused(_) => true,
            Self::PutOff(_) | Self::Unclear | Self::Late | Self::Unreachable(_) => false,
        }
    }
}

impl From<SmtpError> for MailFault {
    fn from(error: SmtpError) -> Self {
        let code = error.status().map(|code| code.to_string()).unwrap_or_default();
        if error.is_permanent() {
            Self::Refused(code)
        } else if error.is_transient() {
            Self::PutOff(code)
        } else if error.is_response() || error.is_client() {
            Self::Unclear
        } else {
            // Of the network, the name of the host, or TLS: without a word of the server's.
            Self::Unreachable(error)
        }
    }
}

/// The mail server, and the sender that mails name.
pub(super) struct SmtpSender {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Refuses settings that cannot be read. Connects to nothing.
pub fn check_settings(config: &MailConfig) -> Result<(), MailSettingError> {
    SmtpSender::try_new(config).map(drop)
}

impl SmtpSender {
    pub fn try_new(config: &MailConfig) -> Result<Self, MailSettingError> {
        let url = config.smtp_url.expose_secret();
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| MailSettingError::Server)?;
        let from = config.from.parse::<Mailbox>().map_err(|_| MailSettingError::Sender)?;
        Ok(Self {
            transport: server.timeout(Some(CONNECT_MAX)).build(),
            from,
        })
    }

    /// Sends a mail, dated by the bank's clock.
    pub async fn send(&self, mail: &Mail, now: Timestamp) -> Result<(), MailFault> {
        let message = self.message(mail, now)?;
        match timeout(SEND_MAX, self.transport.send(message)).await {
            Ok(sent) => Ok(sent.map(drop)?),
            Err(_) => Err(MailFault::Late),
        }
    }

    fn message(&self, mail: &Mail, now: Timestamp) -> Result<Message, MailFault> {
        let to = mail.to.parse::<Address>().map_err(|_| MailFault::Address)?;
        let id = format!("<{}@{}>", id_at(now), self.from.email.domain());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject)
            .date(SystemTime::from(now))
            .message_id(Some(id))
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .singlepart(SinglePart::plain(mail.text.expose_secret().to_owned()))
            .map_err(|_| MailFault::Address)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use secrecy::SecretString;

    use super::*;

    fn config(url: &str, from: &str) -> MailConfig {
        MailConfig {
            smtp_url: SecretString::from(url),
            from: from.to_owned(),
        }
    }

    const FROM: &str = "Florin <no-reply@bank.example>";

    #[test]
    fn settings_are_checked_without_being_repeated() {
        for url in [
            "smtps://user:hunter2@mail.example",
            "smtp://user:hunter2@mail.example:587?tls=required",
            "smtp://127.0.0.1:2525",
        ] {
            assert_eq!(check_settings(&config(url, FROM)), Ok(()), "{url}");
        }
        for url in [
            "",
            "mail.example",
            "hunter2",
            "http://user:hunter2@mail.example",
            "smtp://user:hunter2@mail.example?tls=maybe",
            "smtp:hunter2",
        ] {
            let refused = check_settings(&config(url, FROM)).expect_err(url);
            assert_eq!(refused, MailSettingError::Server, "{url}");
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
        }
        for from in ["", "Florin", "no-reply@", "@bank.example"] {
            let refused = check_settings(&config("smtp://127.0.0.1:2525", from));
            assert_eq!(refused, Err(MailSettingError::Sender), "{from:?}");
        }
    }

    #[test]
    fn a_mail_has_one_recipient_whatever_the_address_holds() {
        let sender = SmtpSender::try_new(&config("smtp://127.0.0.1:2525", FROM)).expect("these are settings");
        let message = |to: &str| sender.message(&Mail::email_changed(to, DateTime::UNIX_EPOCH), DateTime::UNIX_EPOCH);
        let good = message("ana@example.com").expect("it is an address");
        assert_eq!(good.envelope().to().len(), 1);
        let text = String::from_utf8(good.formatted()).expect("it is ASCII");
        for line in [
            "From: Florin <no-reply@bank.example>",
            "To: ana@example.com",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        for bad in [
            "ana@example.com\r\nBcc: ben@example.com",
            "ana@example.com, ben@example.com",
            "ana>,<ben@example.com",
            "ana@example.com> SIZE=1",
            "",
        ] {
            match message(bad) {
                Err(MailFault::Address) => {}
                Err(other) => panic!("{bad:?}: {other}"),
                Ok(message) => {
                    let text = String::from_utf8_lossy(&message.formatted()).into_owned();
                    assert_eq!(message.envelope().to().len(), 1, "{bad:?}");
                    assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
                }
            }
        }
    }
}
