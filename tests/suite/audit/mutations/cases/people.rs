//! Users who are made, changed, exported and erased.

use harness::bank::PASSWORD;
use service::identity::{FullName, ProfileChange};
use service::values::Role;

use crate::audit::mutations::Act;
use crate::audit::mutations::scene::Scene;
use crate::audit::{client, email, registration};

pub async fn registered(scene: &Scene) -> Act {
    register(scene, &scene.address())
}

pub async fn registered_with_a_taken_address(scene: &Scene) -> Act {
    register(scene, &scene.customer().await.email)
}

fn register(scene: &Scene, address: &str) -> Act {
    let new = registration(address);
    scene.act(|services| async move { services.identity.register(new, &client()).await })
}

pub async fn created(scene: &Scene) -> Act {
    create(scene, &scene.address())
}

pub async fn created_with_a_taken_address(scene: &Scene) -> Act {
    create(scene, &scene.customer().await.email)
}

fn create(scene: &Scene, address: &str) -> Act {
    let address = email(address);
    let name = FullName::try_new("Oda").expect("this is a name");
    scene.act(|services| async move {
        let identity = &services.identity;
        identity
            .create_user(address, name, PASSWORD.into(), Role::Operator)
            .await
    })
}

pub async fn suspended(scene: &Scene) -> Act {
    let (by, user) = (scene.admin.clone(), scene.customer().await.actor.user);
    scene.act(|services| async move { services.identity.suspend(&by, user).await })
}

pub async fn an_admin_suspended_by_support(scene: &Scene) -> Act {
    let (by, user) = (scene.support.clone(), scene.admin.user);
    scene.act(|services| async move { services.identity.suspend(&by, user).await })
}

pub async fn activated(scene: &Scene) -> Act {
    let (by, user) = (scene.admin.clone(), scene.suspended_customer().await.actor.user);
    scene.act(|services| async move { services.identity.activate(&by, user).await })
}

pub async fn an_active_user_activated(scene: &Scene) -> Act {
    let (by, user) = (scene.admin.clone(), scene.customer().await.actor.user);
    scene.act(|services| async move { services.identity.activate(&by, user).await })
}

pub async fn given_a_role(scene: &Scene) -> Act {
    let (by, user) = (scene.admin.clone(), scene.customer().await.actor.user);
    scene.act(|services| async move { services.identity.set_role(&by, user, Role::Support).await })
}

pub async fn given_a_role_by_a_former_admin(scene: &Scene) -> Act {
    let (by, user) = (scene.former_admin(), scene.customer().await.actor.user);
    scene.act(|services| async move { services.identity.set_role(&by, user, Role::Support).await })
}

fn to_name() -> ProfileChange {
    ProfileChange {
        full_name: Some(FullName::try_new("Ana Silva").expect("this is a name")),
        ..ProfileChange::default()
    }
}

fn to_email(scene: &Scene) -> ProfileChange {
    ProfileChange {
        email: Some(email(&scene.address())),
        ..ProfileChange::default()
    }
}

fn to_both(scene: &Scene) -> ProfileChange {
    ProfileChange {
        email: to_email(scene).email,
        ..to_name()
    }
}

async fn profile_changed(scene: &Scene, change: ProfileChange) -> Act {
    let by = scene.customer().await.actor;
    scene.act(|services| async move { services.identity.change_profile(&by, change).await })
}

async fn profile_changed_by_a_suspended_user(scene: &Scene, change: ProfileChange) -> Act {
    let by = scene.suspended_customer().await.actor;
    scene.act(|services| async move { services.identity.change_profile(&by, change).await })
}

pub async fn renamed(scene: &Scene) -> Act {
    profile_changed(scene, to_name()).await
}

pub async fn renamed_while_suspended(scene: &Scene) -> Act {
    profile_changed_by_a_suspended_user(scene, to_name()).await
}

pub async fn asked_for_an_address(scene: &Scene) -> Act {
    profile_changed(scene, to_email(scene)).await
}

pub async fn asked_for_an_address_while_suspended(scene: &Scene) -> Act {
    profile_changed_by_a_suspended_user(scene, to_email(scene)).await
}

pub async fn renamed_and_asked_for_an_address(scene: &Scene) -> Act {
    profile_changed(scene, to_both(scene)).await
}

pub async fn renamed_and_asked_while_suspended(scene: &Scene) -> Act {
    profile_changed_by_a_suspended_user(scene, to_both(scene)).await
}

pub async fn exported(scene: &Scene) -> Act {
    let by = scene.customer().await.actor;
    scene.act(|services| async move { services.identity.note_export(Some(&by), by.user).await })
}

pub async fn exported_while_suspended(scene: &Scene) -> Act {
    let by = scene.suspended_customer().await.actor;
    scene.act(|services| async move { services.identity.note_export(Some(&by), by.user).await })
}

pub async fn erased(scene: &Scene) -> Act {
    let (by, customer) = (scene.admin.clone(), scene.customer().await);
    scene.close(customer.wallet).await;
    scene.act(|services| async move { services.identity.erase(&by, customer.actor.user).await })
}

pub async fn erased_with_an_open_wallet(scene: &Scene) -> Act {
    let (by, user) = (scene.admin.clone(), scene.customer().await.actor.user);
    scene.act(|services| async move { services.identity.erase(&by, user).await })
}
