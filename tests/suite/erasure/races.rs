//! The last admin stays when two admins end each other at once through two servers.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::Services;
use service::actor::Actor;
use service::identity::IdentityError;
use service::values::{Role, UserId};

on_every_backend!(two_admins_who_end_each_other_leave_one);

const ROUNDS: usize = 50;

/// What an admin does to another one.
#[derive(Clone, Copy, Debug)]
enum EndOfAdmin {
    Erase,
    Demote,
    Suspend,
}

async fn end(services: &Services, by: &Actor, user: UserId, how: EndOfAdmin) -> Result<(), IdentityError> {
    let identity = &services.identity;
    let ended = match how {
        EndOfAdmin::Erase => identity.erase(by, user).await,
        EndOfAdmin::Demote => identity.set_role(by, user, Role::Auditor).await,
        EndOfAdmin::Suspend => identity.suspend(by, user).await,
    };
    ended.map(drop)
}

async fn two_admins_who_end_each_other_leave_one(bank: Arc<TestBank>) {
    let (here, there) = (bank.services.clone(), bank.replica().await);
    let ways = [
        EndOfAdmin::Erase,
        EndOfAdmin::Erase,
        EndOfAdmin::Demote,
        EndOfAdmin::Suspend,
    ];
    for round in 0..ROUNDS {
        let one = bank.user(&format!("one{round}"), Role::Admin).await;
        let two = bank.user(&format!("two{round}"), Role::Admin).await;
        let (by_one, by_two) = (Actor::new(one.id, one.role), Actor::new(two.id, two.role));
        let other_way = ways[round % ways.len()];
        let (first, second) = tokio::join!(
            end(&here, &by_one, two.id, EndOfAdmin::Erase),
            end(&there, &by_two, one.id, other_way)
        );
        let refused = match (first, second) {
            (Ok(()), Err(error)) | (Err(error), Ok(())) => error,
            both => panic!("{other_way:?}: one must win: {both:?}"),
        };
        // Of the two who are locked, the asker is checked first.
        assert!(
            matches!(refused, IdentityError::AskerChanged),
            "{other_way:?}: {refused:?}"
        );
        let sql = "SELECT count(*) AS n FROM users WHERE role = 'admin' AND status = 'active'";
        assert_eq!(bank.number(sql).await, 1);
        // The next round begins without an admin, as no service would leave the bank.
        bank.execute("UPDATE users SET role = 'auditor' WHERE role = 'admin'")
            .await;
    }
    there.stop().await;
}
