//! Webhooks that are made, changed, given a new secret, replayed and deleted.

use std::time::Duration;

use service::identity::Actor;
use service::values::{WebhookId, WebhookStatus};
use service::webhooks::{NewWebhook, WebhookPatch};

use crate::audit::mutations::Act;
use crate::audit::mutations::scene::Scene;

/// Nothing is sent there: the bank of the scene serves nothing.
fn new_webhook() -> NewWebhook {
    NewWebhook {
        url: "https://shop.example/florin".to_owned(),
        is_ordered: true,
        ..NewWebhook::default()
    }
}

/// A new customer, and a webhook of theirs.
async fn owner_and_webhook(scene: &Scene) -> (Actor, WebhookId) {
    let owner = scene.customer().await.actor;
    let made = scene.bank.services.webhooks.create(&owner, new_webhook()).await;
    let (webhook, _) = made.expect("a customer can have a webhook");
    (owner, webhook.id)
}

fn make(scene: &Scene, by: Actor) -> Act {
    scene.act(|services| async move { services.webhooks.create(&by, new_webhook()).await })
}

pub async fn made(scene: &Scene) -> Act {
    make(scene, scene.customer().await.actor)
}

pub async fn made_while_suspended(scene: &Scene) -> Act {
    make(scene, scene.suspended_customer().await.actor)
}

fn change(scene: &Scene, by: Actor, webhook: WebhookId, patch: WebhookPatch) -> Act {
    scene.act(|services| async move { services.webhooks.update(&by, webhook, patch).await })
}

pub async fn paused(scene: &Scene) -> Act {
    let (owner, webhook) = owner_and_webhook(scene).await;
    let patch = WebhookPatch {
        status: Some(WebhookStatus::Paused),
        ..WebhookPatch::default()
    };
    change(scene, owner, webhook, patch)
}

pub async fn an_active_one_made_active(scene: &Scene) -> Act {
    let (owner, webhook) = owner_and_webhook(scene).await;
    let patch = WebhookPatch {
        status: Some(WebhookStatus::Active),
        ..WebhookPatch::default()
    };
    change(scene, owner, webhook, patch)
}

fn rotate(scene: &Scene, by: Actor, webhook: WebhookId) -> Act {
    scene.act(|services| async move {
        services
            .webhooks
            .rotate_secret(&by, webhook, Duration::from_secs(60))
            .await
    })
}

pub async fn rotated(scene: &Scene) -> Act {
    let (owner, webhook) = owner_and_webhook(scene).await;
    rotate(scene, owner, webhook)
}

pub async fn rotated_by_another(scene: &Scene) -> Act {
    let (_, webhook) = owner_and_webhook(scene).await;
    rotate(scene, scene.customer().await.actor, webhook)
}

fn replay(scene: &Scene, by: Actor, webhook: WebhookId) -> Act {
    scene.act(|services| async move { services.webhooks.replay(&by, webhook, None).await })
}

pub async fn replayed(scene: &Scene) -> Act {
    let (owner, webhook) = owner_and_webhook(scene).await;
    replay(scene, owner, webhook)
}

pub async fn replayed_by_another(scene: &Scene) -> Act {
    let (_, webhook) = owner_and_webhook(scene).await;
    replay(scene, scene.customer().await.actor, webhook)
}

fn delete(scene: &Scene, by: Actor, webhook: WebhookId) -> Act {
    scene.act(|services| async move { services.webhooks.delete(&by, webhook).await })
}

pub async fn deleted(scene: &Scene) -> Act {
    let (owner, webhook) = owner_and_webhook(scene).await;
    delete(scene, owner, webhook)
}

pub async fn deleted_by_another(scene: &Scene) -> Act {
    let (_, webhook) = owner_and_webhook(scene).await;
    delete(scene, scene.customer().await.actor, webhook)
}
