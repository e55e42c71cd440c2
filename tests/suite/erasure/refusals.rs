//! Who cannot be erased, and by whom; nothing is changed then.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::actor::Actor;
use service::identity::IdentityError;
use service::values::{Role, UserId};
use uuid::Uuid;

use super::sorted_rows;
use super::stage::AnasLife;
use crate::requests::{act, wallet_path};

on_every_backend!(
    a_user_with_an_open_wallet_is_not_erased,
    only_another_admin_erases,
    an_admin_who_was_demoted_erases_no_one,
);

async fn a_user_with_an_open_wallet_is_not_erased(bank: Arc<TestBank>) {
    let life = AnasLife::begun(&bank).await;
    let [dollars, euros] = life.wallets;
    let identity = &life.services.identity;
    let caller = bank.operator().await;
    let mut open = vec![dollars, euros];
    open.sort_unstable();
    for (close, left) in [(None, open), (Some(euros), vec![dollars])] {
        if let Some(wallet) = close {
            act(&caller, &wallet_path(wallet, "/close")).await.expect(200);
        }
        // A frozen wallet is not closed either.
        act(&caller, &wallet_path(dollars, "/freeze")).await.expect(200);
        let before = sorted_rows(&bank).await;
        let refused = identity.erase(&life.admin, life.ana.actor.user).await;
        let Err(IdentityError::WalletsOpen(wallets)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(wallets, left);
        assert_eq!(sorted_rows(&bank).await, before);
        act(&caller, &wallet_path(dollars, "/unfreeze")).await.expect(200);
    }
    life.wallets_are_closed(&bank).await;
    let erased = identity.erase(&life.admin, life.ana.actor.user).await;
    erased.expect("her wallets are closed");
}

async fn only_another_admin_erases(bank: Arc<TestBank>) {
    let life = AnasLife::begun(&bank).await;
    life.wallets_are_closed(&bank).await;
    let identity = &life.services.identity;
    let support = bank.user("sue", Role::Support).await;
    let support = Actor::new(support.id, support.role);
    let before = sorted_rows(&bank).await;
    for asker in [&life.operator, &support, &life.ana.actor, &life.ben.actor] {
        let refused = identity.erase(asker, life.ana.actor.user).await;
        assert!(matches!(refused, Err(IdentityError::AdminsOnly)), "{refused:?}");
    }
    let own = identity.erase(&life.admin, life.admin.user).await;
    assert!(matches!(own, Err(IdentityError::OwnErasure)), "{own:?}");
    let unknown = identity.erase(&life.admin, UserId(Uuid::from_u128(7))).await;
    assert!(matches!(unknown, Err(IdentityError::UserNotFound)), "{unknown:?}");
    assert_eq!(sorted_rows(&bank).await, before);
}

async fn an_admin_who_was_demoted_erases_no_one(bank: Arc<TestBank>) {
    let life = AnasLife::begun(&bank).await;
    life.wallets_are_closed(&bank).await;
    let identity = &life.services.identity;
    let other = bank.user("mallory", Role::Admin).await;
    let other = Actor::new(other.id, other.role);
    for is_suspended in [true, false] {
        let changed = if is_suspended {
            identity.suspend(&life.admin, other.user).await
        } else {
            identity
                .activate(&life.admin, other.user)
                .await
                .expect("it can be activated");
            identity.set_role(&life.admin, other.user, Role::Auditor).await
        };
        changed.expect("an admin can be changed by another one");
        let before = sorted_rows(&bank).await;
        let refused = identity.erase(&other, life.ana.actor.user).await;
        assert!(matches!(refused, Err(IdentityError::AskerChanged)), "{refused:?}");
        assert_eq!(sorted_rows(&bank).await, before);
    }
}
