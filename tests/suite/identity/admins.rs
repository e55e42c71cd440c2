//! Who may change whom: oneself, an admin, the last admin.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::identity::{IdentityError, UserFilter};
use service::values::{Role, UserStatus};

use super::{pair, staff};

on_every_backend!(
    nobody_changes_their_own_role,
    nobody_suspends_or_activates_themselves,
    only_an_admin_changes_an_admin,
    the_last_admin_stays,
    two_admins_who_demote_each_other_leave_one,
    an_unknown_user_cannot_be_changed,
    users_are_listed_by_role_and_status,
);

async fn nobody_changes_their_own_role(bank: Arc<TestBank>) {
    let (user, admin) = staff(&bank, "admin", Role::Admin).await;
    staff(&bank, "other", Role::Admin).await;
    let changed = bank.services.identity.set_role(&admin, user.id, Role::Auditor).await;
    assert!(matches!(changed, Err(IdentityError::OwnRole)), "{changed:?}");
}

async fn nobody_suspends_or_activates_themselves(bank: Arc<TestBank>) {
    let identity = &bank.services.identity;
    staff(&bank, "other", Role::Admin).await;
    for role in [Role::Support, Role::Operator, Role::Admin] {
        let (user, actor) = staff(&bank, role.as_str(), role).await;
        for changed in [
            identity.activate(&actor, user.id).await,
            identity.suspend(&actor, user.id).await,
        ] {
            assert!(matches!(changed, Err(IdentityError::OwnStatus)), "{changed:?}");
        }
        let user = identity.user(user.id).await.expect("the user is there");
        assert_eq!(user.status, UserStatus::Active);
    }
}

async fn only_an_admin_changes_an_admin(bank: Arc<TestBank>) {
    let (admin, _) = staff(&bank, "admin", Role::Admin).await;
    staff(&bank, "other", Role::Admin).await;
    let (customer, _) = staff(&bank, "ana", Role::Customer).await;
    let identity = &bank.services.identity;
    for (name, role) in [("support", Role::Support), ("operator", Role::Operator)] {
        let (_, actor) = staff(&bank, name, role).await;
        for changed in [
            identity.suspend(&actor, admin.id).await,
            identity.activate(&actor, admin.id).await,
            identity.set_role(&actor, admin.id, Role::Auditor).await,
            identity.set_role(&actor, customer.id, Role::Admin).await,
        ] {
            assert!(matches!(changed, Err(IdentityError::AdminsOnly)), "{changed:?}");
        }
        let set = identity
            .set_password(&actor, customer.id, "violet tractor under glass".into())
            .await;
        assert!(matches!(set, Err(IdentityError::AdminsOnly)), "{set:?}");
    }
}

async fn the_last_admin_stays(bank: Arc<TestBank>) {
    let (one, by_one) = staff(&bank, "one", Role::Admin).await;
    let (two, by_two) = staff(&bank, "two", Role::Admin).await;
    let identity = &bank.services.identity;
    identity.suspend(&by_one, two.id).await.expect("one is left");
    for changed in [
        identity.set_role(&by_two, one.id, Role::Auditor).await,
        identity.suspend(&by_two, one.id).await,
    ] {
        assert!(matches!(changed, Err(IdentityError::AskerChanged)), "{changed:?}");
    }
    for changed in [
        identity.set_role(&by_one, one.id, Role::Auditor).await,
        identity.suspend(&by_one, one.id).await,
    ] {
        let is_refused = matches!(changed, Err(IdentityError::OwnRole | IdentityError::OwnStatus));
        assert!(is_refused, "{changed:?}");
    }
    identity
        .set_role(&by_one, two.id, Role::Customer)
        .await
        .expect("a suspended admin can get another role");
    let user = identity.user(one.id).await.expect("the admin is there");
    assert_eq!((user.role, user.status), (Role::Admin, UserStatus::Active));
}

async fn two_admins_who_demote_each_other_leave_one(bank: Arc<TestBank>) {
    let [here, there] = pair(&bank).await;
    for round in 0..10 {
        let (one, by_one) = staff(&bank, &format!("one{round}"), Role::Admin).await;
        let (two, by_two) = staff(&bank, &format!("two{round}"), Role::Admin).await;
        let (first, second) = tokio::join!(
            here.identity.set_role(&by_one, two.id, Role::Auditor),
            there.identity.set_role(&by_two, one.id, Role::Auditor)
        );
        let refused = match (first, second) {
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
            both => panic!("one must win: {both:?}"),
        };
        assert!(matches!(refused, IdentityError::AskerChanged), "{refused:?}");
        let sql = "SELECT count(*) AS n FROM users WHERE role = 'admin' AND status = 'active'";
        assert_eq!(bank.number(sql).await, 1);
        // The next round begins without an admin, as no service would leave the bank.
        bank.execute("UPDATE users SET role = 'auditor' WHERE role = 'admin'")
            .await;
    }
}

async fn an_unknown_user_cannot_be_changed(bank: Arc<TestBank>) {
    let (_, admin) = staff(&bank, "admin", Role::Admin).await;
    let nobody = service::values::UserId(bank.customer("ana").await.wallet.0);
    let identity = &bank.services.identity;
    for changed in [
        identity.suspend(&admin, nobody).await,
        identity.activate(&admin, nobody).await,
        identity.set_role(&admin, nobody, Role::Auditor).await,
    ] {
        assert!(matches!(changed, Err(IdentityError::UserNotFound)), "{changed:?}");
    }
}

async fn users_are_listed_by_role_and_status(bank: Arc<TestBank>) {
    let (_, admin) = staff(&bank, "admin", Role::Admin).await;
    let (one, _) = staff(&bank, "one", Role::Support).await;
    // Otherwise both have the same time, and their order is not known.
    bank.advance(TimeDelta::milliseconds(1)).await;
    let (two, _) = staff(&bank, "two", Role::Support).await;
    let identity = &bank.services.identity;
    identity.suspend(&admin, one.id).await.expect("a user can be suspended");
    let listed = async |role, status, limit| {
        let users = identity.users(UserFilter { role, status }, limit).await;
        let ids = users.expect("users can be listed").into_iter().map(|user| user.id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(listed(Some(Role::Support), None, 10).await, [two.id, one.id]);
    assert_eq!(listed(Some(Role::Support), None, 1).await, [two.id]);
    assert_eq!(listed(None, Some(UserStatus::Suspended), 10).await, [one.id]);
    assert_eq!(
        listed(Some(Role::Support), Some(UserStatus::Active), 10).await,
        [two.id]
    );
    assert_eq!(listed(None, None, 10).await.len(), 3);
}
