//! The texts of mails. Pure.
//!
//! No text of a user is in them: a stranger could otherwise have the bank send words of their choice to any address.

use secrecy::{ExposeSecret, SecretString};

use crate::values::Timestamp;

/// A mail that is to be sent. It has no Debug, so that no log can show its address or its token.
pub struct Mail {
    pub(super) to: String,
    pub(super) subject: &'static str,
    pub(super) text: SecretString,
}

impl Mail {
    /// To a user whose password is to be set anew, with the token for it. One that staff made is known to them too.
    #[must_use]
    pub fn reset(to: &str, token: &SecretString, expires_at: Timestamp, is_by_staff: bool) -> Self {
        let text = with_token(
            "A new password can be set for the account with this e-mail address.",
            token,
            expires_at,
            "POST /v1/auth/reset {\"token\": \"...\", \"new_password\": \"...\"}",
            if is_by_staff { MADE_BY_STAFF } else { NOT_ASKED_FOR },
        );
        Self {
            to: to.to_owned(),
            subject: "A new password for your account",
            text,
        }
    }

    /// To an address that a user wants to sign in with, with the token that confirms it.
    #[must_use]
    pub fn confirm_email(to: &str, token: &SecretString, expires_at: Timestamp) -> Self {
        let text = with_token(
            "This e-mail address is to become the one of an account.",
            token,
            expires_at,
            "POST /v1/auth/confirm-email {\"token\": \"...\"}",
            NOT_ASKED_FOR,
        );
        Self {
            to: to.to_owned(),
            subject: "Confirm your new e-mail address",
            text,
        }
    }

    /// To a user whose password was set with a one-time token.
    #[must_use]
    pub fn password_reset(to: &str, at: Timestamp) -> Self {
        let text = format!(
            "The password of the account with this e-mail address was set anew\nat {}.\n\n{TELL_THE_BANK}\n",
            shown(at)
        );
        Self {
            to: to.to_owned(),
            subject: "Your password was set anew",
            text: text.into(),
        }
    }

    /// To the address of a user who has asked for another one.
    #[must_use]
    pub fn email_requested(to: &str, at: Timestamp) -> Self {
        let text = format!(
            "The account with this e-mail address is to get another one.\nThat was asked for at {}.\n\n{TELL_THE_BANK}\n",
            shown(at)
        );
        Self {
            to: to.to_owned(),
            subject: "Another e-mail address was asked for",
            text: text.into(),
        }
    }

    /// To the address that a user had until now.
    #[must_use]
    pub fn email_changed(old: &str, at: Timestamp) -> Self {
        let text = format!(
            "The account with this e-mail address has another one\nsince {}.\n\n{TELL_THE_BANK}\n",
            shown(at)
        );
        Self {
            to: old.to_owned(),
            subject: "Your e-mail address was changed",
            text: text.into(),
        }
    }
}

const TELL_THE_BANK: &str = "If you did not ask for this, tell the bank at once.";
const NOT_ASKED_FOR: &str = "If you did not ask for this, do nothing: nothing changes.";
const MADE_BY_STAFF: &str = "Staff of the bank made it, and have seen it.\n\
    If you did not ask them for it, tell the bank at once.";

fn with_token(what: &str, token: &SecretString, expires_at: Timestamp, request: &str, unasked: &str) -> SecretString {
    let text = format!(
        "{what}\nIt takes this one-time token:\n\n    {token}\n\n\
         It works once, until {end}.\n\
         The app of your bank asks for it; a program sends it with this request:\n\n    {request}\n\n\
         {unasked}\n\
         Tell the token to no other person, also not to one who says they are\n\
         from the bank.\n",
        token = token.expose_secret(),
        end = shown(expires_at),
    );
    text.into()
}

fn shown(time: Timestamp) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_mail_has_its_token_on_a_line_of_its_own_and_short_lines_of_ascii() {
        let token = SecretString::from("florin_ot_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp12UpT66");
        let end = DateTime::UNIX_EPOCH;
        let mails = [
            Mail::reset("ana@example.com", &token, end, false),
            Mail::reset("ana@example.com", &token, end, true),
            Mail::confirm_email("ana@example.com", &token, end),
            Mail::email_requested("ana@example.com", end),
            Mail::password_reset("ana@example.com", end),
            Mail::email_changed("ana@example.com", end),
        ];
        for (number, mail) in mails.iter().enumerate() {
            let text = mail.text.expose_secret();
            assert!(text.is_ascii() && text.lines().all(|line| line.len() < 75), "{text}");
            assert!(text.contains("1970-01-01 00:00 UTC"), "{text}");
            let lines = text.lines().filter(|line| line.trim() == token.expose_secret());
            assert_eq!(lines.count(), usize::from(number < 3), "{text}");
        }
    }
}
