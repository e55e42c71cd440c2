//! Tokens that come by mail: for a forgotten password, and for a new address.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::bank::PASSWORD;
use harness::{SmtpServer, TestBank, on_every_backend};
use secrecy::SecretString;
use service::actor::ClientInfo;
use service::identity::IdentityError;
use service::values::Role;

use super::{NEW_PASSWORD, address, confirm, is_no_token, lines, made_for, reset, to_email, with_mail};
use crate::identity::{authenticate, client, sign_in, staff, try_sign_in};

on_every_backend!(
    a_forgotten_password_is_set_with_a_mail,
    an_address_that_no_active_user_has_gets_no_mail,
    a_token_of_staff_is_mailed_too,
    a_stranger_ends_no_token_of_staff,
    an_address_is_changed_by_its_token_and_the_old_one_is_told,
    a_taken_address_gets_the_same_answer_and_no_mail,
    an_address_that_was_taken_meanwhile_is_refused,
    mails_to_one_address_are_throttled,
);

async fn a_forgotten_password_is_set_with_a_mail(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    let asked = there.identity.forgotten(address("Ana@example.com"), &client()).await;
    asked.expect("any address is answered");
    let mail = server.next_to(&ana.email).await;
    assert_eq!((mail.from.as_str(), mail.to.len()), ("no-reply@bank.example", 1));
    for line in ["From: Florin <no-reply@bank.example>", "To: ana@example.com"] {
        assert!(mail.text.lines().any(|found| found == line), "{line}: {}", mail.text);
    }
    // Any process of the bank takes it.
    let token = SecretString::from(mail.token());
    reset(&bank.services, &token, NEW_PASSWORD)
        .await
        .expect("the token is good");
    assert!(try_sign_in(&there, &ana.email, NEW_PASSWORD).await.is_ok());
    is_no_token(reset(&there, &token, PASSWORD).await);
    assert_eq!(lines(&bank, "user.reset_requested").await, (0, 1));
    let line = bank.line_of("user.reset_requested").await;
    line.expect_client(Some("192.0.2.7"), Some("test/1"), None);
    there.stop().await;
}

async fn an_address_that_no_active_user_has_gets_no_mail(bank: Arc<TestBank>) {
    let (ben, _) = staff(&bank, "ben", Role::Customer).await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    bank.customer("ana").await;
    let suspended = bank.services.identity.suspend(&support, ben.id).await;
    suspended.expect("ben can be suspended");
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    for email in ["nobody@example.com", "ben@example.com", "ana@example.com"] {
        let asked = there.identity.forgotten(address(email), &client()).await;
        asked.unwrap_or_else(|error| panic!("{email}: {error}"));
    }
    // It sends what was asked for before it ends.
    there.stop().await;
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0].to, ["ana@example.com"]);
    assert_eq!(lines(&bank, "user.reset_requested").await, (0, 1));
}

async fn a_token_of_staff_is_mailed_too(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    let made = made_for(&there, &support, ana.actor.user).await;
    let mail = server.next_to(&ana.email).await;
    assert!(mail.text.contains("Staff of the bank made it"), "{}", mail.text);
    let mailed = SecretString::from(mail.token());
    reset(&there, &mailed, NEW_PASSWORD)
        .await
        .expect("it is the same token");
    let told = server.next_to(&ana.email).await;
    assert!(
        told.text.contains("Subject: Your password was set anew"),
        "{}",
        told.text
    );
    is_no_token(reset(&there, &made.token, NEW_PASSWORD).await);
    there.stop().await;
    assert!(
        server.mails().is_empty(),
        "a token that is used up sets nothing: {:?}",
        server.mails()
    );
}

async fn a_stranger_ends_no_token_of_staff(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    // By a process that sends no mails.
    let made = made_for(&bank.services, &support, ana.actor.user).await;
    let asked = there.identity.forgotten(address(&ana.email), &client()).await;
    asked.expect("any address is answered");
    // It does what was asked for before it ends.
    there.stop().await;
    assert!(server.mails().is_empty(), "{:?}", server.mails());
    reset(&bank.services, &made.token, NEW_PASSWORD)
        .await
        .expect("it is still good");
}

async fn an_address_is_changed_by_its_token_and_the_old_one_is_told(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    let tokens = sign_in(&there, &ana.email).await;
    let new = "ana.silva@example.com";
    let user = there.identity.change_profile(&ana.actor, to_email(new)).await;
    assert_eq!(
        user.expect("it is answered").email,
        ana.email,
        "not before it is confirmed"
    );
    let token = SecretString::from(server.next_to(new).await.token());
    let other = made_for(&bank.services, &support, ana.actor.user).await;
    is_no_token(reset(&there, &token, NEW_PASSWORD).await);
    confirm(&bank.services, &token).await.expect("the token is good");
    is_no_token(confirm(&there, &token).await);
    is_no_token(reset(&there, &other.token, NEW_PASSWORD).await);
    let user = there.identity.user(ana.actor.user).await.expect("ana is there");
    assert_eq!(user.email, new);
    authenticate(&there, &tokens).expect("no session ends");
    assert!(try_sign_in(&there, &ana.email, PASSWORD).await.is_err());
    assert!(try_sign_in(&there, new, PASSWORD).await.is_ok());
    assert_eq!(lines(&bank, "user.email_requested").await, (1, 0));
    assert_eq!(lines(&bank, "user.email_changed").await, (0, 1));

    // This process sends mails, so it tells the address that is left.
    let back = there.identity.change_profile(&ana.actor, to_email(&ana.email)).await;
    back.expect("the old address is free");
    for asked in [server.next_to(&ana.email).await, server.next_to(new).await] {
        // Of each request, before its token.
        assert!(asked.text.contains("Subject: Another e-mail address was asked for"));
    }
    let token = SecretString::from(server.next_to(&ana.email).await.token());
    confirm(&there, &token).await.expect("the token is good");
    let told = server.next_to(new).await;
    assert!(
        told.text.contains("Subject: Your e-mail address was changed"),
        "{}",
        told.text
    );
    assert!(
        !told.text.contains("florin_ot_") && !told.text.contains(&ana.email),
        "{}",
        told.text
    );
    there.stop().await;
}

async fn a_taken_address_gets_the_same_answer_and_no_mail(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    for email in [ben.email.as_str(), "free@example.com"] {
        let user = there.identity.change_profile(&ana.actor, to_email(email)).await;
        assert_eq!(user.expect("it is answered").email, ana.email);
    }
    // Her own address is no change.
    let user = there.identity.change_profile(&ana.actor, to_email(&ana.email)).await;
    user.expect("it is answered");
    there.stop().await;
    let mails = server.mails();
    let to: Vec<&str> = mails.iter().flat_map(|mail| &mail.to).map(String::as_str).collect();
    // Her own address is told of both, so that the mails do not tell either which one is taken.
    assert_eq!(to, [&*ana.email, &*ana.email, "free@example.com"], "{mails:?}");
    assert_eq!(lines(&bank, "user.email_requested").await, (2, 0));
    for line in bank.lines_of("user.email_requested").await {
        assert_eq!(
            (line.before, line.after),
            (None, None),
            "the address may be another person's"
        );
    }
}

async fn an_address_that_was_taken_meanwhile_is_refused(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    let user = there
        .identity
        .change_profile(&ana.actor, to_email("ben@example.com"))
        .await;
    user.expect("it is answered");
    let token = SecretString::from(server.next_to("ben@example.com").await.token());
    bank.customer("ben").await;
    for _ in 0..2 {
        let refused = confirm(&there, &token).await;
        assert!(matches!(refused, Err(IdentityError::EmailTaken)), "{refused:?}");
    }
    let user = there.identity.user(ana.actor.user).await.expect("ana is there");
    assert_eq!(user.email, ana.email);
    assert_eq!(lines(&bank, "user.email_changed").await, (0, 0));
    there.stop().await;
}

async fn mails_to_one_address_are_throttled(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let server = SmtpServer::start().await;
    let there = with_mail(&bank, &server).await;
    // From many addresses, whether there is a user or not.
    for email in [ana.email.as_str(), "nobody@example.com"] {
        let ask = async |number: u8| {
            let client = ClientInfo::new(Some([192, 0, 2, number].into()), None);
            there.identity.forgotten(address(email), &client).await
        };
        for number in 0..3 {
            ask(number).await.expect("three are free");
        }
        match ask(3).await {
            Err(IdentityError::Throttled { retry_after_s }) => assert_eq!(retry_after_s, 600, "{email}"),
            other => panic!("{email}: {other:?}"),
        }
    }
    // A user who has signed in shares them.
    let (_, by_ben) = staff(&bank, "ben", Role::Customer).await;
    let refused = there.identity.change_profile(&by_ben, to_email(&ana.email)).await;
    assert!(matches!(refused, Err(IdentityError::Throttled { .. })), "{refused:?}");
    bank.advance(TimeDelta::minutes(10)).await;
    let asked = there.identity.forgotten(address(&ana.email), &client()).await;
    asked.expect("one is free again");
    there.stop().await;
}
