//! How staff look users up: lists by role and status, searches, and the pages of both.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::users;
use harness::bank::PASSWORD;
use harness::{Crowd, TestBank, on_every_backend};
use sea_orm::{EntityTrait, QueryOrder};
use secrecy::SecretString;
use service::clock::Clock;
use service::identity::{Email, FullName, IdentityError, User, UserFilter, UserSearch};
use service::page::PageRequest;
use service::values::{Role, UserId, UserStatus};
use uuid::Uuid;

use super::{sign_in, staff};

on_every_backend!(
    a_search_finds_beginnings_and_whole_ids,
    every_list_is_what_a_plain_filter_finds,
    pages_stay_whole_while_users_register,
    an_erased_user_is_found_by_the_id_and_its_beginning,
    staff_see_where_a_user_is_signed_in,
);

fn search(text: &str) -> UserFilter {
    UserFilter {
        search: Some(UserSearch::try_new(text).unwrap_or_else(|| panic!("{text:?} cannot be searched for"))),
        ..UserFilter::default()
    }
}

/// All pages of a list; `meanwhile` runs after each.
async fn pages(bank: &TestBank, filter: &UserFilter, limit: u64, mut meanwhile: impl AsyncFnMut()) -> Vec<User> {
    let (mut found, mut request) = (Vec::new(), PageRequest { limit, after: None });
    loop {
        let page = bank.services.identity.users(filter, request).await;
        let page = page.expect("users can be listed");
        assert!(page.items.len() as u64 <= limit, "a page of {}", page.items.len());
        found.extend(page.items);
        let Some(next) = page.next else { return found };
        request.after = Some(next);
        meanwhile().await;
    }
}

async fn all(bank: &TestBank, filter: &UserFilter, limit: u64) -> Vec<UserId> {
    let found = pages(bank, filter, limit, async || ()).await;
    found.into_iter().map(|user| user.id).collect()
}

async fn named(bank: &TestBank, email: &str, name: &str) -> User {
    let made = bank.services.identity.create_user(
        Email::try_new(email).expect("this is an address"),
        FullName::try_new(name).expect("this is a name"),
        SecretString::from(PASSWORD),
        Role::Customer,
    );
    made.await.expect("a user can be made")
}

async fn a_search_finds_beginnings_and_whole_ids(bank: Arc<TestBank>) {
    let ana = named(&bank, "ana@example.com", "Ana Silva").await;
    for (email, name) in [
        ("anabel@example.com", "Åsa Berg"),
        ("rene@example.com", "Rene\u{301} Roy"),
        ("50%off@example.com", "50% Off"),
        ("5000@example.com", "Five Thousand"),
        ("under_score@example.com", "Under_score"),
        ("underxscore@example.com", "Underxscore"),
        ("иван@example.com", "Иван Петров"),
    ] {
        named(&bank, email, name).await;
    }
    let id = ana.id.to_string();
    let simple = ana.id.0.simple().to_string();
    let all = [
        "ana",
        "anabel",
        "rene",
        "50%off",
        "5000",
        "under_score",
        "underxscore",
        "иван",
    ];
    let cases: &[(&str, &[&str])] = &[
        ("ana", &["ana", "anabel"]),
        ("ANA", &["ana", "anabel"]),
        (" ana\u{a0}\u{3000} s ", &["ana"]),
        ("ana@example.com", &["ana"]),
        ("anab", &["anabel"]),
        ("åsa", &["anabel"]),
        ("A\u{30a}SA", &["anabel"]),
        ("asa", &[]),
        ("rené", &["rene"]),
        ("RENE\u{301}", &["rene"]),
        ("rene", &["rene"]),
        ("5", &["50%off", "5000"]),
        ("50%", &["50%off"]),
        ("%", &[]),
        ("under_", &["under_score"]),
        ("_", &[]),
        ("under", &["under_score", "underxscore"]),
        ("ИВАН", &["иван"]),
        ("silva", &[]),
        ("example.com", &[]),
        ("ana@example.com.", &[]),
        ("\u{10a0}", &[]),
        (&id, &["ana"]),
        (&simple, &["ana"]),
        (&id[..35], &[]),
        (&id[1..], &[]),
    ];
    for (text, expected) in cases {
        let found = pages(&bank, &search(text), 3, async || ()).await;
        let mut found: Vec<&str> = found
            .iter()
            .map(|user| user.email.split('@').next().unwrap_or_default())
            .collect();
        found.sort_unstable_by_key(|name| all.iter().position(|known| known == name));
        assert_eq!(found, *expected, "{text:?}");
    }
}

async fn every_list_is_what_a_plain_filter_finds(bank: Arc<TestBank>) {
    // More of them begin with "new" than a search sorts, and fewer with "old".
    let crowd = Crowd {
        users: 7_000,
        since: bank.clock.now() - TimeDelta::days(1),
    };
    crowd.store(&bank.db.write).await;
    let (newest, _) = staff(&bank, "newest", Role::Support).await;
    let rows = users::Entity::find()
        .order_by_desc(users::Column::Id)
        .all(&bank.db.read);
    let rows = rows.await.expect("users can be read");
    assert_eq!(rows.len(), 7_001);
    let id = newest.id.to_string();
    let mut found = 0;
    let texts = ["new", "OLD", "old1", "new 12", "newest", "none", id.as_str()];
    for text in texts.into_iter().map(Some).chain([None]) {
        for role in [None, Some(Role::Support), Some(Role::Customer), Some(Role::Admin)] {
            for status in [None, Some(UserStatus::Suspended), Some(UserStatus::Active)] {
                let filter = UserFilter {
                    role,
                    status,
                    ..text.map(search).unwrap_or_default()
                };
                let key = text.map(str::to_lowercase).unwrap_or_default();
                let expected: Vec<UserId> = rows
                    .iter()
                    .filter(|row| role.is_none_or(|role| row.role == role))
                    .filter(|row| status.is_none_or(|status| row.status == status))
                    .filter(|row| {
                        row.email.starts_with(&key) || row.name_key.starts_with(&key) || row.id.to_string() == key
                    })
                    .map(|row| row.id)
                    .collect();
                let shown = format!("{text:?} {role:?} {status:?}");
                assert!(all(&bank, &filter, 500).await == expected, "{shown}");
                if expected.len() < 100 {
                    assert!(all(&bank, &filter, 7).await == expected, "{shown}, in short pages");
                }
                found += expected.len();
            }
        }
    }
    assert!(found > 40_000, "{found}");
}

async fn pages_stay_whole_while_users_register(bank: Arc<TestBank>) {
    for number in 0..7 {
        bank.advance(TimeDelta::milliseconds(1)).await;
        staff(&bank, &format!("sue{number}"), Role::Support).await;
    }
    let of_support = UserFilter {
        role: Some(Role::Support),
        ..UserFilter::default()
    };
    let mut late = 0;
    for filter in [UserFilter::default(), of_support, search("sue")] {
        let before = all(&bank, &filter, 500).await;
        let paged = pages(&bank, &filter, 2, async || {
            bank.advance(TimeDelta::milliseconds(1)).await;
            late += 1;
            staff(&bank, &format!("sue-late{late}"), Role::Support).await;
        });
        let paged: Vec<UserId> = paged.await.into_iter().map(|user| user.id).collect();
        assert_eq!(paged, before, "{filter:?}");
    }
    assert!(late >= 9, "{late} users came meanwhile");
}

async fn an_erased_user_is_found_by_the_id_and_its_beginning(bank: Arc<TestBank>) {
    let ana = named(&bank, "ana@example.com", "Silva Ana").await;
    named(&bank, "ben@example.com", "Ben").await;
    let (_, admin) = staff(&bank, "dora", Role::Admin).await;
    let erased = bank.services.identity.erase(&admin, ana.id).await;
    erased.expect("ana has no wallet");
    for text in ["ana", "ana@example.com", "silva", "s", "erased"] {
        assert!(all(&bank, &search(text), 10).await.is_empty(), "{text}");
    }
    // Her address begins with the id now.
    let id = ana.id.to_string();
    for text in [id.as_str(), &id[..8]] {
        assert_eq!(all(&bank, &search(text), 10).await, [ana.id], "{text}");
    }
    let erased = UserFilter {
        status: Some(UserStatus::Erased),
        ..UserFilter::default()
    };
    assert_eq!(all(&bank, &erased, 10).await, [ana.id]);
    assert_eq!(all(&bank, &UserFilter::default(), 10).await.len(), 3);
}

async fn staff_see_where_a_user_is_signed_in(bank: Arc<TestBank>) {
    let (ana, _) = staff(&bank, "ana", Role::Customer).await;
    let identity = &bank.services.identity;
    let none = identity.sessions_of(ana.id).await.expect("ana is there");
    assert!(none.is_empty(), "{none:?}");
    for _ in 0..2 {
        sign_in(&bank.services, &ana.email).await;
    }
    let live = identity.sessions_of(ana.id).await.expect("ana is there");
    assert_eq!(live.len(), 2);
    assert_eq!(live[0].user_agent.as_deref(), Some("test/1"));
    let unknown = identity.sessions_of(UserId(Uuid::from_u128(7))).await;
    assert!(matches!(unknown, Err(IdentityError::UserNotFound)), "{unknown:?}");
}
