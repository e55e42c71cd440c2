//! Sessions that begin, end, or do not begin.

use chrono::TimeDelta;
use harness::bank::PASSWORD;
use service::identity::IdentityError;
use service::values::SessionId;
use uuid::Uuid;

use crate::audit::mutations::Act;
use crate::audit::mutations::scene::Scene;
use crate::audit::{WRONG_PASSWORD, client, session_of, try_sign_in};

/// Failed sign-ins of an account that may follow at once.
const FAILURES_AT_ONCE: usize = 5;

/// Makes the process refuse sign-ins with an address, before any password is looked at.
pub async fn lock_out(scene: &Scene, address: &str) {
    for _ in 0..FAILURES_AT_ONCE {
        let failed = try_sign_in(&scene.services, address, WRONG_PASSWORD).await;
        assert!(failed.is_err(), "a wrong password was taken");
    }
}

/// What a wrong password is answered, as what was to be done.
pub fn as_failed<T>(tried: Result<T, IdentityError>) -> Result<(), IdentityError> {
    match tried {
        Ok(_) => panic!("a wrong password was taken"),
        Err(IdentityError::InvalidCredentials) => Ok(()),
        Err(error) => Err(error),
    }
}

fn sign_in_with(scene: &Scene, address: String, password: &'static str) -> Act {
    scene.act(|services| async move {
        let identity = &services.identity;
        identity.sign_in(&address, password.into(), &client()).await
    })
}

fn fail_with(scene: &Scene, address: String) -> Act {
    scene.act(|services| async move {
        let identity = &services.identity;
        as_failed(identity.sign_in(&address, WRONG_PASSWORD.into(), &client()).await)
    })
}

pub async fn signed_in(scene: &Scene) -> Act {
    sign_in_with(scene, scene.customer().await.email, PASSWORD)
}

pub async fn signed_in_after_too_many_failures(scene: &Scene) -> Act {
    let address = scene.customer().await.email;
    lock_out(scene, &address).await;
    sign_in_with(scene, address, PASSWORD)
}

pub async fn failed(scene: &Scene) -> Act {
    fail_with(scene, scene.customer().await.email)
}

pub async fn failed_too_often(scene: &Scene) -> Act {
    let address = scene.customer().await.email;
    lock_out(scene, &address).await;
    fail_with(scene, address)
}

pub async fn failed_with_an_unknown_address(scene: &Scene) -> Act {
    fail_with(scene, scene.address())
}

pub async fn failed_too_often_with_an_unknown_address(scene: &Scene) -> Act {
    let address = scene.address();
    lock_out(scene, &address).await;
    fail_with(scene, address)
}

/// The token was exchanged more than ten seconds ago, so that a thief has it, or its successor.
pub async fn reused(scene: &Scene) -> Act {
    let email = scene.customer().await.email;
    let (tokens, _) = scene.session_of(&email).await;
    let token = tokens.refresh_token;
    let exchanged = scene.bank.services.identity.refresh(&token, &client()).await;
    assert!(exchanged.is_ok(), "a new token is exchanged");
    scene.bank.advance(TimeDelta::seconds(11)).await;
    scene.act(|services| async move {
        match services.identity.refresh(&token, &client()).await {
            Ok(_) => panic!("a used token was exchanged"),
            Err(IdentityError::InvalidRefreshToken) => Ok(()),
            Err(error) => Err(error),
        }
    })
}

pub async fn refreshed_after_the_end(scene: &Scene) -> Act {
    let email = scene.customer().await.email;
    let (tokens, here) = scene.session_of(&email).await;
    let signed_out = scene.bank.services.identity.sign_out(&here, None).await;
    signed_out.expect("a user can sign out");
    let token = tokens.refresh_token;
    scene.act(|services| async move { services.identity.refresh(&token, &client()).await })
}

pub async fn signed_out(scene: &Scene) -> Act {
    let email = scene.customer().await.email;
    let (_, here) = scene.session_of(&email).await;
    scene.act(|services| async move { services.identity.sign_out(&here, None).await })
}

pub async fn signed_out_twice(scene: &Scene) -> Act {
    let email = scene.customer().await.email;
    let (_, here) = scene.session_of(&email).await;
    let signed_out = scene.bank.services.identity.sign_out(&here, None).await;
    signed_out.expect("a user can sign out");
    scene.act(|services| async move { services.identity.sign_out(&here, None).await })
}

pub async fn ended(scene: &Scene) -> Act {
    let email = scene.customer().await.email;
    let (_, here) = scene.session_of(&email).await;
    let (_, there) = scene.session_of(&email).await;
    let id = session_of(&there);
    scene.act(|services| async move { services.identity.end_session(&here, id).await })
}

pub async fn an_unknown_one_ended(scene: &Scene) -> Act {
    let email = scene.customer().await.email;
    let (_, here) = scene.session_of(&email).await;
    let id = SessionId(Uuid::from_u128(7));
    scene.act(|services| async move { services.identity.end_session(&here, id).await })
}

pub async fn both_ended(scene: &Scene) -> Act {
    let email = scene.customer().await.email;
    let (_, here) = scene.session_of(&email).await;
    scene.session_of(&email).await;
    scene.act(|services| async move { services.identity.end_sessions(&here).await })
}

pub async fn all_ended_twice(scene: &Scene) -> Act {
    let email = scene.customer().await.email;
    let (_, here) = scene.session_of(&email).await;
    let ended = scene.bank.services.identity.end_sessions(&here).await;
    ended.expect("a user can end all sessions");
    scene.act(|services| async move { services.identity.end_sessions(&here).await })
}
