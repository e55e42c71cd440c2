//! `GET /v1/users`, `/v1/users/{id}` and `/v1/users/{id}/sessions`: what staff see of others.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{Answer, Caller, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use service::identity::{Email, FullName};
use service::values::Role;

on_every_backend!(users_are_searched_and_filtered, pages_lead_to_every_user);
on_sqlite!(
    a_user_is_shown_as_to_themselves,
    sessions_are_for_support_and_operators,
    what_cannot_be_read_is_refused,
);

const PATH: &str = "/v1/users";
const UNKNOWN: &str = "01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01";

async fn staff(bank: &TestBank, name: &str, role: Role) -> Caller {
    bank.user(name, role).await;
    bank.sign_in(&format!("{name}@example.com")).await
}

/// A text as a query has it: every byte but letters and digits is escaped.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// The local parts of the addresses of a page, sorted.
async fn found(caller: &Caller, query: &str) -> Vec<String> {
    let page = caller.get(&format!("{PATH}?{query}")).await.expect(200);
    let items = page["items"].as_array().expect("a list has items").iter();
    let emails = items.map(|user| user["email"].as_str().expect("a user has an address"));
    let mut names: Vec<String> = emails
        .map(|email| email.split('@').next().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

async fn users_are_searched_and_filtered(bank: Arc<TestBank>) {
    let support = staff(&bank, "sue", Role::Support).await;
    for (email, name) in [
        ("ana@example.com", "Ana Silva"),
        ("anabel@example.com", "Åsa Berg"),
        ("50%off@example.com", "50% Off"),
        ("under_score@example.com", "Under Score"),
        ("underxscore@example.com", "Under Xscore"),
    ] {
        let made = bank.services.identity.create_user(
            Email::try_new(email).expect("this is an address"),
            FullName::try_new(name).expect("this is a name"),
            harness::bank::PASSWORD.into(),
            Role::Customer,
        );
        made.await.expect("a user can be made");
    }
    for (text, expected) in [
        ("ANA", "ana anabel"),
        ("ana s", "ana"),
        ("  ana  s ", "ana"),
        ("åSA", "anabel"),
        ("50%", "50%off"),
        ("%", ""),
        ("under_", "under_score"),
        ("under ", "under_score underxscore"),
        ("su", "sue"),
    ] {
        let names = found(&support, &format!("q={}", escaped(text))).await;
        assert_eq!(names.join(" "), expected, "{text:?}");
    }
    let ana = support.get(&format!("{PATH}?q=ana%40example.com")).await.expect(200);
    let id = ana["items"][0]["id"].as_str().expect("a user has an id").to_owned();
    assert_eq!(found(&support, &format!("q={id}")).await, ["ana"]);
    assert_eq!(found(&support, "role=support").await, ["sue"]);
    assert_eq!(found(&support, "q=ana&role=support").await, [""; 0]);
    let suspend = support.request(Method::POST, &format!("{PATH}/{id}/suspend"));
    Answer::of(suspend).await.expect(200);
    assert_eq!(found(&support, "status=suspended").await, ["ana"]);
    assert_eq!(found(&support, "q=ana&status=active").await, ["anabel"]);
    assert_eq!(found(&support, "role=customer&status=active").await.len(), 4);
}

async fn pages_lead_to_every_user(bank: Arc<TestBank>) {
    let auditor = staff(&bank, "arthur", Role::Auditor).await;
    for number in 0..6 {
        bank.advance(TimeDelta::milliseconds(1)).await;
        bank.user(&format!("ben{number}"), Role::Customer).await;
    }
    for query in [
        "",
        "q=ben&",
        "role=customer&",
        "status=active&",
        "role=customer&status=active&",
    ] {
        let whole = auditor.get(&format!("{PATH}?{query}limit=500")).await.expect(200);
        assert_eq!(whole["next_cursor"], Value::Null);
        let whole = whole["items"].as_array().expect("a list has items").clone();
        assert!(whole.len() >= 6, "{query}");
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = auditor.get(&format!("{PATH}?{query}limit=2{cursor}")).await.expect(200);
            paged.extend(page["items"].as_array().expect("a list has items").iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{next}");
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, whole, "{query}");
        let made: Vec<&Value> = whole.iter().map(|user| &user["created_at"]).collect();
        assert!(
            made.is_sorted_by(|newer, older| newer.as_str() >= older.as_str()),
            "newest first: {query}"
        );
    }
}

async fn a_user_is_shown_as_to_themselves(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let mut me = ana.caller.get("/v1/users/me").await.expect(200);
    let own = me.as_object_mut().and_then(|me| me.remove("permissions"));
    assert!(own.is_some_and(|permissions| permissions.is_array()));
    let path = format!("{PATH}/{}", ana.actor.user);
    for (name, role) in [
        ("sue", Role::Support),
        ("oscar", Role::Operator),
        ("arthur", Role::Auditor),
        ("dora", Role::Admin),
    ] {
        let caller = staff(&bank, name, role).await;
        assert_eq!(caller.get(&path).await.expect(200), me, "{name}");
        let listed = caller.get(&format!("{PATH}?q=ana")).await.expect(200);
        assert_eq!(listed, json!({ "items": [me], "next_cursor": null }), "{name}");
        let unknown = caller.get(&format!("{PATH}/{UNKNOWN}")).await;
        unknown.expect_problem(404, "user_not_found");
        let mistyped = caller.get(&format!("{PATH}/ME")).await;
        mistyped.expect_problem(400, "invalid_request");
        assert_eq!(mistyped.json["errors"][0]["field"], "user_id");
    }
    // A customer learns nothing of others, and not even whether there are any.
    let ben = bank.customer("ben").await;
    for path in [PATH.to_owned(), path, format!("{PATH}/{UNKNOWN}")] {
        ben.caller.get(&path).await.expect_problem(403, "forbidden");
        bank.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
    }
}

async fn sessions_are_for_support_and_operators(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let own = ana.caller.get("/v1/users/me/sessions").await.expect(200);
    assert_eq!(own["items"][0]["current"], true);
    let path = format!("{PATH}/{}/sessions", ana.actor.user);
    for (name, role) in [("sue", Role::Support), ("oscar", Role::Operator), ("dora", Role::Admin)] {
        let caller = staff(&bank, name, role).await;
        let mut seen = caller.get(&path).await.expect(200);
        assert_eq!(seen["items"][0]["current"], false, "{name}");
        seen["items"][0]["current"] = json!(true);
        assert_eq!(seen, own, "{name}");
        let unknown = caller.get(&format!("{PATH}/{UNKNOWN}/sessions")).await;
        unknown.expect_problem(404, "user_not_found");
    }
    let auditor = staff(&bank, "arthur", Role::Auditor).await;
    for caller in [&ana.caller, &auditor] {
        caller.get(&path).await.expect_problem(403, "forbidden");
    }
}

async fn what_cannot_be_read_is_refused(bank: Arc<TestBank>) {
    let support = staff(&bank, "sue", Role::Support).await;
    let (long, of_other_list) = ("a".repeat(201), format!("w{}", "0".repeat(32)));
    let cases: &[(&str, &[&str])] = &[
        ("q", &["", "%20", "%00", "a%E2%80%AE", "%CC%81", &long]),
        ("role", &["", "owner", "Admin", "support,admin"]),
        ("status", &["", "gone", "ACTIVE"]),
        ("limit", &["", "0", "501", "-1", "ten"]),
        ("cursor", &["", "abc", "u", "u1", &of_other_list, "%00"]),
    ];
    for (name, values) in cases {
        for value in *values {
            let answer = support.get(&format!("{PATH}?{name}={value}")).await;
            answer.expect_problem(400, "invalid_request");
            assert_eq!(
                answer.json["errors"][0]["field"], *name,
                "{name}={value}: {}",
                answer.text
            );
        }
    }
    let found = support.get(&format!("{PATH}?q={}", "a".repeat(200))).await.expect(200);
    assert_eq!(found["items"], json!([]));
}
