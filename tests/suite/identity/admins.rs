//! Who may change whom: oneself, an admin, the last admin.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::Services;
use service::actor::Actor;
use service::identity::{IdentityError, User, UserFilter};
use service::page::PageRequest;
use service::values::{Role, UserId, UserStatus};

use super::{pair, staff};

on_every_backend!(
    nobody_changes_their_own_role,
    nobody_suspends_or_activates_themselves,
    only_an_admin_changes_staff,
    the_last_admin_stays,
    two_admins_who_take_each_other_away_leave_one,
    of_three_admins_who_take_each_other_away_in_a_ring_one_is_left,
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

async fn only_an_admin_changes_staff(bank: Arc<TestBank>) {
    let (admin, _) = staff(&bank, "admin", Role::Admin).await;
    staff(&bank, "other", Role::Admin).await;
    let (customer, _) = staff(&bank, "ana", Role::Customer).await;
    let (auditor, _) = staff(&bank, "auditor", Role::Auditor).await;
    let identity = &bank.services.identity;
    for (name, role) in [("support", Role::Support), ("operator", Role::Operator)] {
        let (_, actor) = staff(&bank, name, role).await;
        for changed in [
            identity.suspend(&actor, admin.id).await,
            identity.activate(&actor, admin.id).await,
            identity.suspend(&actor, auditor.id).await,
            identity.activate(&actor, auditor.id).await,
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

/// What takes an admin away.
#[derive(Clone, Copy, Debug)]
enum Removal {
    Demotion,
    Suspension,
}

impl Removal {
    const PAIRS: [[Self; 2]; 4] = [
        [Self::Demotion, Self::Demotion],
        [Self::Suspension, Self::Suspension],
        [Self::Demotion, Self::Suspension],
        [Self::Suspension, Self::Demotion],
    ];

    async fn of(self, services: &Services, by: &Actor, user: UserId) -> Result<User, IdentityError> {
        match self {
            Self::Demotion => services.identity.set_role(by, user, Role::Auditor).await,
            Self::Suspension => services.identity.suspend(by, user).await,
        }
    }
}

/// A hundred, each kind of removal against each.
const ROUNDS: usize = 25;

/// Makes everyone who was an admin one again.
async fn restore(bank: &TestBank) {
    bank.execute("UPDATE users SET role = 'admin', status = 'active'").await;
}

async fn active_admins(bank: &TestBank) -> i64 {
    let sql = "SELECT count(*) AS n FROM users WHERE role = 'admin' AND status = 'active'";
    bank.number(sql).await
}

async fn two_admins_who_take_each_other_away_leave_one(bank: Arc<TestBank>) {
    let [here, there] = pair(&bank).await;
    let (one, by_one) = staff(&bank, "one", Role::Admin).await;
    let (two, by_two) = staff(&bank, "two", Role::Admin).await;
    for round in 0..ROUNDS {
        for [first, second] in Removal::PAIRS {
            let first = first.of(&here, &by_one, two.id);
            let second = second.of(&there, &by_two, one.id);
            // Which of them is begun first changes.
            let (first, second) = if round % 2 == 0 {
                tokio::join!(first, second)
            } else {
                let (second, first) = tokio::join!(second, first);
                (first, second)
            };
            let refused = match (first, second) {
                (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
                both => panic!("one must win: {both:?}"),
            };
            assert!(matches!(refused, IdentityError::AskerChanged), "{refused:?}");
            assert_eq!(active_admins(&bank).await, 1);
            restore(&bank).await;
        }
    }
    there.stop().await;
}

/// Each locks two of the three, so that no two of the requests have nothing in common.
async fn of_three_admins_who_take_each_other_away_in_a_ring_one_is_left(bank: Arc<TestBank>) {
    let [here, there] = pair(&bank).await;
    let (one, by_one) = staff(&bank, "one", Role::Admin).await;
    let (two, by_two) = staff(&bank, "two", Role::Admin).await;
    let (three, by_three) = staff(&bank, "three", Role::Admin).await;
    for _ in 0..ROUNDS {
        for [first, second] in Removal::PAIRS {
            let removed = tokio::join!(
                first.of(&here, &by_one, two.id),
                second.of(&there, &by_two, three.id),
                first.of(&there, &by_three, one.id)
            );
            let removed = [removed.0, removed.1, removed.2];
            for refused in removed.iter().filter_map(|removed| removed.as_ref().err()) {
                assert!(matches!(refused, IdentityError::AskerChanged), "{refused:?}");
            }
            let left = active_admins(&bank).await;
            let taken = removed.iter().filter(|removed| removed.is_ok()).count();
            assert_eq!(left, 3 - i64::try_from(taken).expect("at most three"));
            assert!(left >= 1 && taken >= 1, "{removed:?}");
            restore(&bank).await;
        }
    }
    there.stop().await;
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
        let filter = UserFilter {
            role,
            status,
            ..UserFilter::default()
        };
        let page = identity.users(&filter, PageRequest { limit, after: None }).await;
        let ids = page.expect("users can be listed").items.into_iter().map(|user| user.id);
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
