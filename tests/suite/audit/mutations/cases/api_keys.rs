//! API keys that are made, rolled and revoked.

use service::identity::Actor;
use service::identity::api_keys::{NewApiKey, RollOverlap};
use service::values::{ApiKeyId, Role};

use crate::audit::calling;
use crate::audit::mutations::Act;
use crate::audit::mutations::scene::Scene;

fn new_key() -> NewApiKey {
    NewApiKey {
        name: "a test's".to_owned(),
        scopes: vec!["wallets:read".to_owned()],
        wallets: None,
        addresses: None,
        expires_at: None,
    }
}

/// A new customer, and a key of theirs.
async fn owner_and_key(scene: &Scene) -> (Actor, ApiKeyId) {
    let owner = scene.customer().await.actor;
    let made = scene.bank.services.identity.api_keys.create(&owner, new_key()).await;
    let (key, _) = made.expect("a customer can make a key");
    (owner, key.id)
}

fn make(scene: &Scene, by: Actor) -> Act {
    scene.act(|services| async move { services.identity.api_keys.create(&by, new_key()).await })
}

pub async fn made(scene: &Scene) -> Act {
    make(scene, scene.customer().await.actor)
}

/// The token was signed when the user had another role.
pub async fn made_with_a_former_role(scene: &Scene) -> Act {
    let user = scene.customer().await.actor.user;
    make(scene, calling(&Actor::new(user, Role::Operator)))
}

fn roll(scene: &Scene, by: Actor, key: ApiKeyId) -> Act {
    scene.act(|services| async move {
        let keys = &services.identity.api_keys;
        keys.roll(&by, key, RollOverlap::default()).await
    })
}

pub async fn rolled(scene: &Scene) -> Act {
    let (owner, key) = owner_and_key(scene).await;
    roll(scene, owner, key)
}

pub async fn rolled_by_another(scene: &Scene) -> Act {
    let (_, key) = owner_and_key(scene).await;
    roll(scene, scene.customer().await.actor, key)
}

fn revoke(scene: &Scene, by: Actor, key: ApiKeyId) -> Act {
    scene.act(|services| async move { services.identity.api_keys.revoke(&by, key).await })
}

pub async fn revoked(scene: &Scene) -> Act {
    let (owner, key) = owner_and_key(scene).await;
    revoke(scene, owner, key)
}

pub async fn revoked_by_another(scene: &Scene) -> Act {
    let (_, key) = owner_and_key(scene).await;
    revoke(scene, scene.customer().await.actor, key)
}
