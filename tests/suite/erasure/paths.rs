//! What an erased user cannot do, and what cannot be done to them.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{TestBank, on_every_backend};
use secrecy::SecretString;
use serde_json::json;
use service::identity::{Email, IdentityError, TokenError};
use service::values::{Role, UserStatus};

use super::stage::{AnasLife, NAME};
use crate::requests::{transfer, wallet_path};

on_every_backend!(
    an_erased_user_is_changed_no_more,
    an_erased_user_is_paid_no_more,
    the_address_is_free_again,
    no_one_has_the_address_of_an_erased_user,
    a_token_that_another_server_still_takes_does_nothing,
);

async fn erased(bank: &Arc<TestBank>) -> AnasLife {
    let life = AnasLife::begun(bank).await;
    life.wallets_are_closed(bank).await;
    let erased = life.services.identity.erase(&life.admin, life.ana.actor.user).await;
    erased.expect("her wallets are closed");
    life
}

async fn an_erased_user_is_changed_no_more(bank: Arc<TestBank>) {
    let life = erased(&bank).await;
    let (identity, ana) = (&life.services.identity, life.ana.actor.user);
    let before = identity.user(ana).await.expect("her row stays");
    let address = Email::try_new("ana@example.com").expect("this is an address");
    let refused = [
        identity.activate(&life.admin, ana).await.map(drop),
        identity.suspend(&life.admin, ana).await.map(drop),
        identity.set_role(&life.admin, ana, Role::Admin).await.map(drop),
        identity
            .set_password(&life.admin, ana, SecretString::from(PASSWORD))
            .await,
        identity.make_reset_token(&life.admin, ana).await.map(drop),
        identity.make_email_token(&life.admin, ana, address).await.map(drop),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(IdentityError::Erased)), "{refused:?}");
    }
    assert_eq!(identity.user(ana).await.expect("her row stays"), before);
    assert_eq!(before.status, UserStatus::Erased);
    // Her wallets, which are closed, stay so.
    let caller = bank.operator().await;
    for wallet in life.wallets {
        let found = caller.get(&wallet_path(wallet, "")).await.expect(200);
        assert_eq!(found["status"], "CLOSED");
    }
}

async fn an_erased_user_is_paid_no_more(bank: Arc<TestBank>) {
    let life = erased(&bank).await;
    let erased = format!("{}@erased.invalid", life.ana.actor.user);
    let body = |email: &str| json!({ "source_wallet_id": life.ben.wallet, "destination_email": email, "amount": "1" });
    let pay = async |email: &str| life.ben.caller.post("/v1/transfers", body(email)).await;
    pay(&life.ana.email).await.expect_problem(404, "payee_not_found");
    // It is no address at all.
    let refused = pay(&erased).await;
    assert!(matches!(refused.status, 400 | 404 | 422), "{}", refused.text);
    let to_wallet = transfer(life.ben.wallet, life.ana.wallet, "1");
    let refused = life.ben.caller.post("/v1/transfers", to_wallet).await;
    refused.expect_problem(422, "wallet_closed");
}

async fn the_address_is_free_again(bank: Arc<TestBank>) {
    let life = erased(&bank).await;
    let again = bank.customer(NAME).await;
    assert_ne!(again.actor.user, life.ana.actor.user);
    let me = again.caller.get("/v1/users/me").await.expect(200);
    assert_eq!(me["email"], life.ana.email.as_str());
    // What the person before had is not theirs.
    let listed = again.caller.get("/v1/transfers").await.expect(200);
    assert_eq!(listed["items"], json!([]));
    again
        .caller
        .get(&wallet_path(life.ana.wallet, ""))
        .await
        .expect_problem(404, "wallet_not_found");
}

async fn no_one_has_the_address_of_an_erased_user(bank: Arc<TestBank>) {
    let life = erased(&bank).await;
    let email = format!("{}@erased.invalid", life.ana.actor.user);
    assert_eq!(Email::try_new(&email), None);
    let registration = json!({ "email": email, "password": PASSWORD, "full_name": "Eve" });
    bank.anonymous()
        .post("/v1/auth/register", registration)
        .await
        .expect_problem(400, "invalid_request");
    let credentials = json!({ "email": email, "password": PASSWORD });
    let signed_in = bank.anonymous().post("/v1/auth/login", credentials).await;
    assert!(matches!(signed_in.status, 400 | 401), "{}", signed_in.text);
}

async fn a_token_that_another_server_still_takes_does_nothing(bank: Arc<TestBank>) {
    let life = AnasLife::begun(&bank).await;
    life.wallets_are_closed(&bank).await;
    let there = bank.replica().await;
    let token = life
        .try_sign_in(PASSWORD, AnasLife::client())
        .await
        .expect("Ana can sign in");
    let actor = there.identity.authenticate(&token).expect("a new token is good");
    let erased = life.services.identity.erase(&life.admin, actor.user).await;
    erased.expect("her wallets are closed");
    assert_eq!(life.services.identity.authenticate(&token), Err(TokenError::Ended));
    // The other server has not looked yet.
    there.identity.authenticate(&token).expect("it takes the token");
    let changed = there
        .identity
        .change_password(
            &actor,
            PASSWORD.into(),
            "violet tractor under glass".into(),
            &AnasLife::client(),
        )
        .await;
    assert!(matches!(changed, Err(IdentityError::InvalidCredentials)), "{changed:?}");
    let noted = there.identity.note_export(Some(&actor), actor.user).await;
    assert!(matches!(noted, Err(IdentityError::AskerChanged)), "{noted:?}");
    there.stop().await;
}
