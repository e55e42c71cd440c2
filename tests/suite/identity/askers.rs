//! Tokens that outlive their sessions: another replica takes them for a moment, and a request that waits for a lock was
//! checked before. None of them changes users, passwords or keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::bank::PASSWORD;
use harness::{TestBank, begin, on_every_backend};
use service::Services;
use service::actor::Actor;
use service::identity::api_keys::{ApiKeyError, NewApiKey, RollOverlap};
use service::identity::{IdentityError, TokenError, User};
use service::values::{Role, UserId, UserStatus};
use tokio::task::JoinHandle;

use super::{authenticate, client, pair, sign_in, staff, try_sign_in};

on_every_backend!(
    a_suspended_operator_cannot_activate_themselves,
    two_accomplices_cannot_activate_each_other,
    an_ended_session_makes_no_key,
    a_demoted_admins_token_changes_nothing,
    a_suspended_user_changes_no_password,
    a_suspended_user_changes_nothing_at_the_terminal,
    a_caller_who_hangs_up_ends_the_sessions_all_the_same,
);

const NEW_PASSWORD: &str = "violet tractor under glass";
/// Calls that loop side by side on each replica.
const LOOPS: usize = 2;
const WITHIN: Duration = Duration::from_secs(20);

const ROUNDS: usize = 3;

/// A user of any role, and the actor of a session of theirs.
async fn signed_in(bank: &TestBank, name: &str, role: Role) -> (User, Actor) {
    let (user, _) = staff(bank, name, role).await;
    let actor = actor_of(&bank.services, &user).await;
    (user, actor)
}

async fn actor_of(services: &Services, user: &User) -> Actor {
    let tokens = sign_in(services, &user.email).await;
    authenticate(services, &tokens).expect("a new token is good")
}

async fn status(services: &Services, user: UserId) -> UserStatus {
    services.identity.user(user).await.expect("the user is there").status
}

#[track_caller]
fn is_asker_changed<T>(done: Result<T, IdentityError>) {
    match done {
        Ok(_) => panic!("the token has changed something"),
        Err(IdentityError::AskerChanged) => {}
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn makes_no_key<T>(done: Result<T, ApiKeyError>) {
    match done {
        Ok(_) => panic!("the token has changed a key"),
        Err(ApiKeyError::AskerChanged) => {}
        Err(error) => panic!("{error}"),
    }
}

fn is_in_the_way(error: &IdentityError) -> bool {
    matches!(error, IdentityError::Fault(fault) if fault.is_conflict())
}

/// Suspends, however often other writers are in the way.
async fn suspend(services: &Services, admin: &Actor, user: UserId) {
    let began = Instant::now();
    loop {
        match services.identity.suspend(admin, user).await {
            Ok(suspended) => {
                assert_eq!(suspended.status, UserStatus::Suspended);
                return;
            }
            Err(error) if is_in_the_way(&error) && began.elapsed() < WITHIN => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Activates a user over and over in some tasks, until the bank refuses the asker or the test is over.
fn keep_activating(
    replicas: &[Arc<Services>],
    by: &Actor,
    user: UserId,
    is_over: &Arc<AtomicBool>,
) -> Vec<JoinHandle<()>> {
    let each = replicas.iter().flat_map(|services| [services; LOOPS]);
    let tasks = each.map(|services| {
        let (services, by, is_over) = (services.clone(), by.clone(), is_over.clone());
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                match services.identity.activate(&by, user).await {
                    Ok(_) | Err(IdentityError::OwnStatus) => {}
                    Err(IdentityError::AskerChanged) => break,
                    Err(error) if is_in_the_way(&error) => {}
                    Err(error) => panic!("{error}"),
                }
                tokio::task::yield_now().await;
            }
        })
    });
    tasks.collect()
}

async fn joined(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        task.await.expect("a loop does not fail");
    }
}

async fn a_suspended_operator_cannot_activate_themselves(bank: Arc<TestBank>) {
    let replicas = pair(&bank).await;
    let (_, admin) = signed_in(&bank, "dora", Role::Admin).await;
    for round in 0..ROUNDS {
        let (oda, by_oda) = signed_in(&bank, &format!("oda{round}"), Role::Operator).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let tasks = keep_activating(&replicas, &by_oda, oda.id, &is_over);
        suspend(&replicas[0], &admin, oda.id).await;
        // Calls after the suspension, with a token that the other replica still takes.
        for services in &replicas {
            let activated = services.identity.activate(&by_oda, oda.id).await;
            assert!(matches!(activated, Err(IdentityError::OwnStatus)), "{activated:?}");
        }
        is_over.store(true, Ordering::Relaxed);
        joined(tasks).await;
        assert_eq!(status(&replicas[0], oda.id).await, UserStatus::Suspended);
    }
    replicas[1].stop().await;
}

async fn two_accomplices_cannot_activate_each_other(bank: Arc<TestBank>) {
    let replicas = pair(&bank).await;
    let (_, admin) = signed_in(&bank, "dora", Role::Admin).await;
    for round in 0..ROUNDS {
        let (oda, by_oda) = signed_in(&bank, &format!("oda{round}"), Role::Admin).await;
        let (sue, by_sue) = signed_in(&bank, &format!("sue{round}"), Role::Admin).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let mut tasks = keep_activating(&replicas, &by_oda, sue.id, &is_over);
        tasks.extend(keep_activating(&replicas, &by_sue, oda.id, &is_over));
        suspend(&replicas[0], &admin, oda.id).await;
        // Sue, who may still do it, may have activated oda meanwhile. Oda's session has ended all the same.
        suspend(&replicas[0], &admin, sue.id).await;
        suspend(&replicas[0], &admin, oda.id).await;
        joined(tasks).await;
        for services in &replicas {
            is_asker_changed(services.identity.activate(&by_oda, sue.id).await);
            is_asker_changed(services.identity.activate(&by_sue, oda.id).await);
        }
        for user in [oda.id, sue.id] {
            assert_eq!(status(&replicas[0], user).await, UserStatus::Suspended);
        }
    }
    replicas[1].stop().await;
}

fn new_key() -> NewApiKey {
    NewApiKey {
        name: "a way back".to_owned(),
        scopes: vec!["wallets:read".to_owned()],
        wallets: None,
        addresses: None,
        expires_at: None,
    }
}

async fn an_ended_session_makes_no_key(bank: Arc<TestBank>) {
    let [here, there] = pair(&bank).await;
    let (_, admin) = signed_in(&bank, "dora", Role::Admin).await;
    let (oda, _) = staff(&bank, "oda", Role::Operator).await;
    let by_oda = actor_of(&here, &oda).await;
    let made = here.identity.api_keys.create(&by_oda, new_key()).await;
    let (key, _) = made.expect("a live session makes a key");
    for end in ["sign out", "end all", "password", "role", "suspend"] {
        let by_oda = actor_of(&here, &oda).await;
        let other = actor_of(&here, &oda).await;
        let identity = &here.identity;
        let done = match end {
            "sign out" => identity.sign_out(&by_oda, None).await,
            "end all" => identity.end_sessions(&other).await,
            "password" => identity.set_password(&admin, oda.id, PASSWORD.into()).await,
            "role" => {
                // There and back, so that the role is the one in the token again.
                let there = identity.set_role(&admin, oda.id, Role::Auditor).await;
                let back = identity.set_role(&admin, oda.id, Role::Operator).await;
                there.and(back).map(drop)
            }
            _ => identity.suspend(&admin, oda.id).await.map(drop),
        };
        done.unwrap_or_else(|error| panic!("{end}: {error}"));
        // A call that was checked before the end, and the other replica, still have the token's actor.
        for services in [&here, &there] {
            let keys = &services.identity.api_keys;
            makes_no_key(keys.create(&by_oda, new_key()).await);
            makes_no_key(keys.roll(&by_oda, key.id, RollOverlap::default()).await);
            makes_no_key(keys.revoke(&by_oda, key.id).await);
        }
    }
    assert_eq!(bank.number("SELECT count(*) AS n FROM api_keys").await, 1);
    let untouched = "SELECT count(*) AS n FROM api_keys WHERE former_digest IS NULL AND revoked_at IS NULL";
    assert_eq!(bank.number(untouched).await, 1);
    there.stop().await;
}

async fn a_demoted_admins_token_changes_nothing(bank: Arc<TestBank>) {
    let [here, there] = pair(&bank).await;
    let (_, admin) = signed_in(&bank, "dora", Role::Admin).await;
    let (mallory, _) = staff(&bank, "mallory", Role::Admin).await;
    let (friend, _) = staff(&bank, "friend", Role::Customer).await;
    let (out, _) = staff(&bank, "out", Role::Operator).await;
    here.identity
        .suspend(&admin, out.id)
        .await
        .expect("it can be suspended");
    let tokens = sign_in(&here, &mallory.email).await;
    let demoted = here.identity.set_role(&admin, mallory.id, Role::Support).await;
    demoted.expect("an admin can be demoted");
    // The other replica has not looked yet.
    let by_mallory = authenticate(&there, &tokens).expect("the other replica takes the token");
    assert_eq!(by_mallory.role, Role::Admin);
    // One without a session, as at the terminal, whose role was read before.
    for actor in [by_mallory, Actor::new(mallory.id, Role::Admin)] {
        for services in [&here, &there] {
            let identity = &services.identity;
            is_asker_changed(identity.set_role(&actor, friend.id, Role::Admin).await);
            is_asker_changed(identity.suspend(&actor, admin.user).await);
            // What the present role may do too: the token is not the one of this role.
            is_asker_changed(identity.activate(&actor, out.id).await);
            is_asker_changed(identity.set_password(&actor, friend.id, NEW_PASSWORD.into()).await);
            makes_no_key(identity.api_keys.create(&actor, new_key()).await);
        }
    }
    let identity = &here.identity;
    let friend = identity.user(friend.id).await.expect("the friend is there");
    assert_eq!(friend.role, Role::Customer);
    sign_in(&here, &friend.email).await;
    assert_eq!(status(&here, out.id).await, UserStatus::Suspended);
    assert_eq!(status(&here, admin.user).await, UserStatus::Active);
    assert_eq!(bank.number("SELECT count(*) AS n FROM api_keys").await, 0);
    there.stop().await;
}

async fn a_suspended_user_changes_no_password(bank: Arc<TestBank>) {
    let [here, there] = pair(&bank).await;
    let (_, admin) = signed_in(&bank, "dora", Role::Admin).await;
    let (ana, by_ana) = signed_in(&bank, "ana", Role::Customer).await;
    let suspended = here.identity.suspend(&admin, ana.id).await;
    suspended.expect("a user can be suspended");
    for services in [&here, &there] {
        let changed = services
            .identity
            .change_password(&by_ana, PASSWORD.into(), NEW_PASSWORD.into(), &client())
            .await;
        is_asker_changed(changed);
    }
    // An admin may set it all the same: the user may have lost it to a thief.
    let set = here.identity.set_password(&admin, ana.id, NEW_PASSWORD.into()).await;
    set.expect("a suspended user can get a new password");
    let activated = here.identity.activate(&admin, ana.id).await;
    activated.expect("a user can be activated");
    assert!(try_sign_in(&here, &ana.email, NEW_PASSWORD).await.is_ok());
    there.stop().await;
}

async fn a_suspended_user_changes_nothing_at_the_terminal(bank: Arc<TestBank>) {
    let (_, admin) = staff(&bank, "dora", Role::Admin).await;
    let (oda, by_oda) = staff(&bank, "oda", Role::Operator).await;
    let (ana, _) = staff(&bank, "ana", Role::Customer).await;
    let identity = &bank.services.identity;
    identity.suspend(&admin, oda.id).await.expect("oda can be suspended");
    is_asker_changed(identity.suspend(&by_oda, ana.id).await);
    // An actor without a user behind it, such as one who only reads.
    let nobody = Actor::new(UserId(uuid::Uuid::max()), Role::Operator);
    is_asker_changed(identity.suspend(&nobody, ana.id).await);
    makes_no_key(identity.api_keys.create(&nobody, new_key()).await);
    assert_eq!(status(&bank.services, ana.id).await, UserStatus::Active);
}

/// Nothing but the process that ended a session tells this one: it does not look.
async fn a_caller_who_hangs_up_ends_the_sessions_all_the_same(bank: Arc<TestBank>) {
    let (_, admin) = staff(&bank, "dora", Role::Admin).await;
    let (oda, _) = staff(&bank, "oda", Role::Operator).await;
    let tokens = sign_in(&bank.services, &oda.email).await;
    let suspension = bank.services.identity.suspend(&admin, oda.id);
    drop(begin([suspension]).await);
    let began = Instant::now();
    while authenticate(&bank.services, &tokens) != Err(TokenError::Ended) {
        assert!(began.elapsed() < WITHIN, "the token stays good");
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&bank.services, oda.id).await, UserStatus::Suspended);
}
