//! The mail server: one that is away, one that refuses, and addresses that try to be more than one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{SmtpMood, SmtpServer, TestBank, on_every_backend};
use service::Services;
use service::identity::ProfileChange;
use service::mail::MailCounts;
use service::values::Role;

use super::{made_for, to_email, with_mail};
use crate::identity::staff;

on_every_backend!(
    a_mail_waits_for_a_server_that_is_away,
    a_mail_that_is_refused_is_given_up,
    what_waits_at_the_end_is_tried_once_more,
    no_address_adds_a_recipient_or_a_header,
);

const WITHIN: Duration = Duration::from_secs(30);

/// Waits until so many mails were sent and given up.
async fn counted(services: &Services, sent: u64, failed: u64) {
    let (began, expected) = (Instant::now(), Some(MailCounts { sent, failed }));
    while services.identity.mail_counts() != expected {
        let counts = services.identity.mail_counts();
        assert!(began.elapsed() < WITHIN, "{counts:?} instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn a_mail_waits_for_a_server_that_is_away(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    for (mood, calls) in [(SmtpMood::HangsUp, 2), (SmtpMood::PutsOff, 5)] {
        server.set(mood);
        // The answer waits for no mail.
        made_for(&there, &support, ana.actor.user).await;
        server.called(calls).await;
        assert!(server.mails().is_empty(), "{:?}", server.mails());
        server.set(SmtpMood::Takes);
        let _ = server.next_to(&ana.email).await.token();
    }
    counted(&there, 2, 0).await;
    there.stop().await;
}

async fn a_mail_that_is_refused_is_given_up(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    server.set(SmtpMood::Refuses);
    made_for(&there, &support, ana.actor.user).await;
    counted(&there, 0, 1).await;
    server.set(SmtpMood::Takes);
    made_for(&there, &support, ben.actor.user).await;
    server.next_to(&ben.email).await;
    counted(&there, 1, 1).await;
    there.stop().await;
    assert!(server.mails().is_empty(), "it is not tried again");
}

async fn what_waits_at_the_end_is_tried_once_more(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    server.set(SmtpMood::PutsOff);
    made_for(&there, &support, ana.actor.user).await;
    made_for(&there, &support, ben.actor.user).await;
    server.called(2).await;
    server.set(SmtpMood::Takes);
    there.stop().await;
    for email in [&ana.email, &ben.email] {
        let _ = server.next_to(email).await.token();
    }
    assert_eq!(there.identity.mail_counts(), Some(MailCounts { sent: 2, failed: 0 }));
}

/// What may stand before the `@` of an address, and reads like more than one in a mail.
const ODD: [&str; 6] = ["a>,<ben", "ana,ben", "a\"b", "ana<ben", "a:b;c", "ana%0d%0abcc:ben"];

async fn no_address_adds_a_recipient_or_a_header(bank: Arc<TestBank>) {
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    let mut addresses = Vec::new();
    for odd in ODD {
        // The name is as odd as the address.
        let (user, actor) = staff(&bank, odd, Role::Customer).await;
        made_for(&there, &support, user.id).await;
        let new = format!("new-{}", user.email);
        let change = ProfileChange {
            full_name: None,
            ..to_email(&new)
        };
        there
            .identity
            .change_profile(&actor, change)
            .await
            .expect("it is answered");
        // Her address is told that she has asked for another.
        addresses.extend([user.email.clone(), user.email, new]);
    }
    there.stop().await;
    let counts = there.identity.mail_counts().expect("it sends mails");
    assert_eq!(counts.sent + counts.failed, addresses.len() as u64, "{counts:?}");
    let mails = server.mails();
    assert_eq!(mails.len() as u64, counts.sent);
    for mail in mails {
        assert!(mail.to.len() == 1 && addresses.contains(&mail.to[0]), "{mail:?}");
        let (head, _) = mail.text.split_once("\r\n\r\n").expect("a mail has a head");
        let names = head.lines().filter(|line| !line.starts_with([' ', '\t']));
        let mut names: Vec<&str> = names
            .filter_map(|line| line.split_once(':'))
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        let expected = [
            "Auto-Submitted",
            "Content-Transfer-Encoding",
            "Content-Type",
            "Date",
            "From",
            "MIME-Version",
            "Message-ID",
            "Subject",
            "To",
        ];
        assert_eq!(names, expected, "{head}");
    }
}
