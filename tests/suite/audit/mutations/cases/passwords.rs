//! Passwords that are changed, set and guessed, and one-time tokens: made, mailed and used.

use std::io;

use harness::bank::PASSWORD;
use secrecy::SecretString;
use service::db::Fault;
use service::identity::IdentityError;

use super::sessions::{as_failed, lock_out};
use crate::audit::mutations::Act;
use crate::audit::mutations::scene::{Scene, SceneCustomer};
use crate::audit::{NEW_PASSWORD, WRONG_PASSWORD, client, email, registration};

/// Mails to one address that may follow at once.
const MAILS_AT_ONCE: usize = 3;

pub async fn set(scene: &Scene) -> Act {
    let (by, user) = (scene.admin.clone(), scene.customer().await.actor.user);
    scene.act(|services| async move { services.identity.set_password(&by, user, NEW_PASSWORD.into()).await })
}

pub async fn set_by_a_former_admin(scene: &Scene) -> Act {
    let (by, user) = (scene.former_admin(), scene.customer().await.actor.user);
    scene.act(|services| async move { services.identity.set_password(&by, user, NEW_PASSWORD.into()).await })
}

/// With two sessions, of which one ends.
async fn changed_to(scene: &Scene, new: &'static str) -> Act {
    let customer = scene.customer().await;
    let (_, here) = scene.session_of(&customer.email).await;
    scene.session_of(&customer.email).await;
    scene.act(|services| async move {
        let identity = &services.identity;
        identity
            .change_password(&here, PASSWORD.into(), new.into(), &client())
            .await
    })
}

pub async fn changed(scene: &Scene) -> Act {
    changed_to(scene, NEW_PASSWORD).await
}

pub async fn changed_to_a_weak_one(scene: &Scene) -> Act {
    changed_to(scene, "short").await
}

fn guess(scene: &Scene, customer: SceneCustomer) -> Act {
    let by = customer.actor;
    scene.act(|services| async move {
        let guessed = services
            .identity
            .change_password(&by, WRONG_PASSWORD.into(), NEW_PASSWORD.into(), &client())
            .await;
        as_failed(guessed)
    })
}

pub async fn guessed(scene: &Scene) -> Act {
    let customer = scene.customer().await;
    guess(scene, customer)
}

pub async fn guessed_too_often(scene: &Scene) -> Act {
    let customer = scene.customer().await;
    lock_out(scene, &customer.email).await;
    guess(scene, customer)
}

pub async fn reset_token_made(scene: &Scene) -> Act {
    let (by, user) = (scene.support.clone(), scene.customer().await.actor.user);
    scene.act(|services| async move { services.identity.make_reset_token(&by, user).await })
}

pub async fn reset_token_made_for_a_suspended_user(scene: &Scene) -> Act {
    let (by, user) = (scene.support.clone(), scene.suspended_customer().await.actor.user);
    scene.act(|services| async move { services.identity.make_reset_token(&by, user).await })
}

async fn email_token_made_to(scene: &Scene, address: String) -> Act {
    let (by, user) = (scene.support.clone(), scene.customer().await.actor.user);
    let address = email(&address);
    scene.act(|services| async move { services.identity.make_email_token(&by, user, address).await })
}

pub async fn email_token_made(scene: &Scene) -> Act {
    email_token_made_to(scene, scene.address()).await
}

pub async fn email_token_made_to_a_taken_address(scene: &Scene) -> Act {
    let taken = scene.customer().await.email;
    email_token_made_to(scene, taken).await
}

/// A token with which a new customer, who has signed in, can set a new password.
async fn reset_token(scene: &Scene) -> SecretString {
    let customer = scene.customer().await;
    scene.session_of(&customer.email).await;
    let identity = &scene.bank.services.identity;
    let made = identity.make_reset_token(&scene.support, customer.actor.user).await;
    made.expect("support can make a token").token
}

fn reset_with(scene: &Scene, token: SecretString) -> Act {
    scene.act(|services| async move {
        let identity = &services.identity;
        identity.reset_password(&token, NEW_PASSWORD.into(), &client()).await
    })
}

pub async fn reset(scene: &Scene) -> Act {
    let token = reset_token(scene).await;
    reset_with(scene, token)
}

pub async fn reset_with_a_used_token(scene: &Scene) -> Act {
    let token = reset_token(scene).await;
    let identity = &scene.bank.services.identity;
    let used = identity.reset_password(&token, PASSWORD.into(), &client()).await;
    used.expect("a new token is good");
    reset_with(scene, token)
}

/// A token that gives a new customer this address.
async fn email_token(scene: &Scene, address: &str) -> SecretString {
    let user = scene.customer().await.actor.user;
    let identity = &scene.bank.services.identity;
    let made = identity.make_email_token(&scene.support, user, email(address)).await;
    made.expect("support can make a token").token
}

fn confirm_with(scene: &Scene, token: SecretString) -> Act {
    scene.act(|services| async move { services.identity.confirm_email(&token, &client()).await })
}

pub async fn confirmed(scene: &Scene) -> Act {
    let token = email_token(scene, &scene.address()).await;
    confirm_with(scene, token)
}

pub async fn confirmed_after_the_address_was_taken(scene: &Scene) -> Act {
    let address = scene.address();
    let token = email_token(scene, &address).await;
    let identity = &scene.bank.services.identity;
    let taken = identity.register(registration(&address), &client()).await;
    taken.expect("the address is free until it is confirmed");
    confirm_with(scene, token)
}

/// The token is made in the background: the end of the process waits for it, and for its mail.
pub async fn forgotten(scene: &Scene) -> Act {
    let address = email(&scene.customer().await.email);
    scene.act(|services| async move {
        services.identity.forgotten(address, &client()).await?;
        services.stop().await;
        match services.identity.mail_counts() {
            Some(counts) if counts.sent == 1 => Ok(()),
            Some(_) | None => {
                let fault = Fault::unreachable(io::Error::other("no token was mailed"));
                Err(IdentityError::from(fault))
            }
        }
    })
}

/// The address is no user's: whether it is one makes no difference to the throttle.
pub async fn forgotten_too_often(scene: &Scene) -> Act {
    let address = email(&scene.address());
    for _ in 0..MAILS_AT_ONCE {
        let asked = scene.services.identity.forgotten(address.clone(), &client()).await;
        asked.expect("so many may follow at once");
    }
    scene.act(|services| async move { services.identity.forgotten(address, &client()).await })
}
